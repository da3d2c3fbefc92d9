//! Failure detection: who among the native servers is dead.

use std::sync::Arc;

use crate::protocol::context::Context;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::members::Members;
use crate::protocol::native::detection::investigation::Investigations;
use crate::protocol::native::detection::probe_order::ProbeOrder;
use crate::protocol::native::detection::relay::Relays;
use crate::protocol::native::detection::strangers::Strangers;
use crate::protocol::native::detection::suspicions::Suspicions;
use crate::protocol::native::detection::unreached::Unreached;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::Tick;

pub(in crate::protocol) mod helpers;
pub(in crate::protocol) mod investigation;
mod permutation;
pub(in crate::protocol) mod probe_order;
pub(in crate::protocol) mod relay;
pub(in crate::protocol) mod strangers;
pub(in crate::protocol) mod suspicions;
pub(in crate::protocol) mod unreached;

/// What is being found out about native servers.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Detection {
    pub(in crate::protocol) probe_order: ProbeOrder,
    pub(in crate::protocol) investigations: Investigations,
    pub(in crate::protocol) relays: Relays,
    pub(in crate::protocol) suspicions: Suspicions,
    pub(in crate::protocol) unreached: Unreached,
    pub(in crate::protocol) strangers: Strangers,
}

/// Which native servers are wanted for a task.
#[derive(Debug, Clone, Copy)]
pub(in crate::protocol) struct PeerSearch<'a> {
    amount: usize,
    acquaintance: Acquaintance,
    /// The server that the task is about, which can't do it.
    except: &'a str,
}

/// Whether peers that this server knows by hearsay alone are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Acquaintance {
    /// All peers.
    Any,
    /// Peers that have exchanged with this server.
    Met,
}

impl<'a> PeerSearch<'a> {
    /// For a task that concerns nobody in particular.
    pub(in crate::protocol) fn for_any(amount: usize) -> Self {
        Self::except(amount, "")
    }

    /// For a task that concerns this server.
    pub(in crate::protocol) fn except(amount: usize, except: &'a str) -> Self {
        Self { amount, acquaintance: Acquaintance::Any, except }
    }

    pub(in crate::protocol) fn among(self, acquaintance: Acquaintance) -> Self {
        Self { acquaintance, ..self }
    }
}

impl Detection {
    /// Native servers that can do something now, in random order.
    pub(in crate::protocol) fn free_peers(
        &self,
        members: &Members,
        exchanges: &Exchanges,
        cx: &mut Context,
        search: PeerSearch<'_>,
        now: Tick,
    ) -> Vec<Arc<str>> {
        members.roster.sample(&mut cx.rng, search.amount, |identity, member| {
            member.status == Status::Online
                && member.is_native()
                && !member.is_met_as_legacy()
                && !member.is_left_alone(now)
                && (search.acquaintance == Acquaintance::Any || member.has_exchanged())
                && &**identity != search.except
                && !self.strangers.is_doubtful(identity)
                && !(member.is_native_stranger() && self.strangers.is_on_hold(identity))
                && !self.investigations.is_open(identity)
                && !exchanges.in_flight.is_talking_to(identity)
        })
    }
}
