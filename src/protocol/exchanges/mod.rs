//! Which requests are under way, and what goes into them.
//!
//! May touch `members` and below.

use crate::protocol::exchanges::capacity::PushBudget;
use crate::protocol::exchanges::in_flight::InFlight;
use crate::protocol::exchanges::local_health::LocalHealth;
use crate::protocol::exchanges::rumours::Rumours;

pub(in crate::protocol) mod capacity;
pub(in crate::protocol) mod in_flight;
pub(in crate::protocol) mod local_health;
mod loss_rate;
pub(in crate::protocol) mod native_message;
pub(in crate::protocol) mod page;
pub(in crate::protocol) mod rumours;
mod send;

/// What is under way, and what the next request holds.
#[derive(Debug)]
pub(in crate::protocol) struct Exchanges {
    pub(in crate::protocol) in_flight: InFlight,
    /// How well this server itself is.
    pub(in crate::protocol) health: LocalHealth,
    /// The news that native servers are sent.
    pub(in crate::protocol) rumours: Rumours,
    /// Shared by rumours and pushes to legacy peers.
    pub(in crate::protocol) push_budget: PushBudget,
    /// Tells this process from others behind the same URL.
    pub(in crate::protocol) instance: u64,
    /// Where the next page of a long list begins.
    page_cursor: usize,
}

impl Exchanges {
    pub(in crate::protocol) fn new(instance: u64) -> Self {
        Self {
            in_flight: InFlight::default(),
            health: LocalHealth::default(),
            rumours: Rumours::default(),
            push_budget: PushBudget::default(),
            instance,
            page_cursor: 0,
        }
    }
}
