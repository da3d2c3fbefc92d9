//! What operators want to know of this server, in numbers.
//!
//! Each component counts what it knows, always: these are additions to plain numbers. Nothing here
//! walks through the members.

use crate::protocol::machine::Machine;
use crate::protocol::machine::news::NewsPhase;

pub use crate::protocol::context::refused::REFUSAL_REASONS;
pub use crate::protocol::exchanges::ReceivedRequests;
pub use crate::protocol::lifecycle::master_list::StoreCounts;
pub use crate::protocol::members::roster::change_counts::{CHANGE_CAUSES, CHANGE_TYPES, ChangeCounts};

/// The numbers of one server.
#[derive(Debug, Clone, Copy)]
pub struct Metrics<'a> {
    /// Servers that are online, suspects not included; suspects; dead and left ones. This server
    /// is one of them.
    pub states: [usize; 4],
    /// Online servers that speak the native extension, this one included.
    pub natives: usize,
    /// What this server does.
    pub phase: NewsPhase,
    /// Whether it seems to be cut off from the others.
    pub is_isolated: bool,
    /// How often the states of servers have changed.
    pub changes: &'a ChangeCounts,
    /// Refuted claims that this server is suspect or offline.
    pub refutations: u64,
    /// The gossip requests that it has accepted.
    pub received: ReceivedRequests,
    /// Refused claims for each reason.
    pub refused_claims: &'a [u64; REFUSAL_REASONS],
    /// Requests in flight.
    pub in_flight: usize,
    /// How unreliable its own observations are, from 0 to 7.
    pub health_score: f64,
    /// The share of the latest native answers that had another hash.
    pub disagreement: f64,
    /// How the requests to the stores of the master list have ended.
    pub master_list: StoreCounts,
}

impl Machine {
    /// Returns the numbers, in constant time.
    pub fn metrics(&self) -> Metrics<'_> {
        let Self { cx, members, exchanges, native, lifecycle, .. } = self;
        let suspects = members.roster.suspect_count();
        let is_native_itself = cx.is_native() && members.local.is_online();
        Metrics {
            states: [
                members.online_count() - suspects,
                suspects,
                members.roster.dead_count(),
                members.left_count(),
            ],
            natives: members.roster.native_count() + usize::from(is_native_itself),
            phase: self.news_phase(),
            is_isolated: members.isolation.is_cut_off(),
            changes: members.roster.news.counts(),
            refutations: members.local.refutations(),
            received: exchanges.received,
            refused_claims: cx.refused.by_reason(),
            in_flight: exchanges.in_flight.len() + usize::from(lifecycle.master_list.is_busy()),
            health_score: exchanges.health.stretch() - 1.0,
            disagreement: native.anti_entropy.disagreement(),
            master_list: lifecycle.master_list.counts(),
        }
    }
}
