//! Requests in flight, and what requests contain.
//!
//! May touch `members` and below.

use std::sync::Arc;

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

/// Requests in flight, and the state from which requests are composed.
#[derive(Debug)]
pub(in crate::protocol) struct Exchanges {
    pub(in crate::protocol) in_flight: InFlight,
    /// How reliable this server's own observations are.
    pub(in crate::protocol) health: LocalHealth,
    /// The news for native servers.
    pub(in crate::protocol) rumours: Rumours,
    /// The native server that has answered last.
    pub(in crate::protocol) last_to_answer: Option<Arc<str>>,
    /// Shared by rumours and pushes to legacy peers.
    pub(in crate::protocol) push_budget: PushBudget,
    /// Distinguishes this process from others behind the same URL.
    pub(in crate::protocol) instance: u64,
    /// Where the next page of a long list begins.
    page_cursor: usize,
    pub(in crate::protocol) received: ReceivedRequests,
}

/// The gossip requests that this server has accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReceivedRequests {
    /// Those with the native extension of a server that has proved the secret.
    pub native: u64,
    /// All others.
    pub plain: u64,
}

impl Exchanges {
    pub(in crate::protocol) fn new(instance: u64) -> Self {
        Self {
            in_flight: InFlight::default(),
            health: LocalHealth::default(),
            rumours: Rumours::default(),
            last_to_answer: None,
            push_budget: PushBudget::default(),
            instance,
            page_cursor: 0,
            received: ReceivedRequests::default(),
        }
    }
}
