//! Failure detection among native servers.

use std::sync::Arc;

use crate::protocol::context::Context;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::in_flight::{Exchange, Purpose};
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::native::detection::investigation::Investigations;
use crate::protocol::native::detection::probe_order::ProbeOrder;
use crate::protocol::native::detection::relay::Relays;
use crate::protocol::native::detection::strangers::Strangers;
use crate::protocol::native::detection::unreached::Unreached;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::extension::Finding;

pub(in crate::protocol) mod helpers;
pub(in crate::protocol) mod investigation;
pub(in crate::protocol) mod probe_order;
pub(in crate::protocol) mod relay;
mod stranger_batch;
pub(in crate::protocol) mod strangers;
pub(in crate::protocol) mod suspicions;
pub(in crate::protocol) mod unreached;

/// The state of failure detection.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Detection {
    pub(in crate::protocol) probe_order: ProbeOrder,
    pub(in crate::protocol) investigations: Investigations,
    pub(in crate::protocol) relays: Relays,
    pub(in crate::protocol) unreached: Unreached,
    pub(in crate::protocol) strangers: Strangers,
}

/// The native servers wanted for a task.
#[derive(Debug, Clone, Copy)]
pub(in crate::protocol) struct PeerSearch<'a> {
    amount: usize,
    acquaintance: Acquaintance,
    /// The server that the task is about, which cannot do it.
    except: &'a str,
}

/// Whether to include peers that this server knows by hearsay alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Acquaintance {
    /// All peers.
    Any,
    /// Peers that have exchanged with this server.
    Met,
}

impl<'a> PeerSearch<'a> {
    /// Returns a search for a task that concerns no particular server.
    pub(in crate::protocol) fn for_any(amount: usize) -> Self {
        Self::except(amount, "")
    }

    /// Returns a search for a task that concerns the server `except`.
    pub(in crate::protocol) fn except(amount: usize, except: &'a str) -> Self {
        Self { amount, acquaintance: Acquaintance::Any, except }
    }

    pub(in crate::protocol) fn among(self, acquaintance: Acquaintance) -> Self {
        Self { acquaintance, ..self }
    }
}

impl Detection {
    /// Returns native servers that are free for a task, in random order.
    pub(in crate::protocol) fn free_peers(
        &self,
        members: &Members,
        exchanges: &Exchanges,
        cx: &mut Context,
        search: PeerSearch<'_>,
        now: Tick,
    ) -> Vec<Arc<str>> {
        members.roster.sample(&mut cx.rng, search.amount, |identity, member| {
            (search.acquaintance == Acquaintance::Any || member.has_exchanged())
                && identity != search.except
                && self.is_free(members, exchanges, identity, member, now)
        })
    }

    fn is_free(
        &self,
        members: &Members,
        exchanges: &Exchanges,
        identity: &str,
        member: &Member,
        now: Tick,
    ) -> bool {
        let is_on_hold =
            || member.is_native_stranger() && self.strangers.is_on_hold(&members.roster, identity);
        member.status() == Status::Online
            && member.is_native()
            && !member.is_contacted_as_legacy()
            && !member.is_left_alone(now)
            && !self.strangers.is_doubtful(identity)
            && !is_on_hold()
            && !self.investigations.is_open(identity)
            && !exchanges.in_flight.has_exchange_with(identity)
    }

    /// Returns the native servers to which news is pushed, in random order.
    ///
    /// If many exchanges fail, one of the servers is that which has answered last. A server that
    /// reaches only one other refutes in vain if it tells only random ones.
    pub(in crate::protocol) fn news_receivers(
        &self,
        members: &Members,
        exchanges: &Exchanges,
        cx: &mut Context,
        amount: usize,
        now: Tick,
    ) -> Vec<Arc<str>> {
        let mut peers = self.free_peers(members, exchanges, cx, PeerSearch::for_any(amount), now);
        let is_free = |peer: &&Arc<str>| {
            members.roster.get(peer).is_some_and(|member| self.is_free(members, exchanges, peer, member, now))
        };
        if exchanges.health.has_high_loss()
            && let Some(last) = exchanges.last_to_answer.as_ref().filter(is_free)
            && !peers.contains(last)
            && let Some(peer) = peers.first_mut()
        {
            *peer = Arc::clone(last);
        }
        peers
    }

    /// Records that an exchange with a native server has succeeded.
    pub(in crate::protocol) fn record_success(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        peer: &Arc<str>,
        now: Now,
    ) {
        exchanges.health.improve();
        exchanges.last_to_answer = Some(Arc::clone(peer));
        self.investigations.close(peer);
        self.strangers.pass(peer);
        self.relays.report(members, exchanges, cx, peer, Finding::Alive, now);
    }

    /// Records that an exchange with a native server has failed, and follows it up.
    pub(in crate::protocol) fn record_failure(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        exchange: &Exchange,
        finding: Finding,
        now: Now,
    ) {
        let Exchange { peer, purpose, .. } = exchange;
        let is_probe = *purpose == Purpose::Probe;
        // The servers that asked about a suspect learn that it does not answer. No investigation
        // follows.
        if *purpose == Purpose::AccusationNotice {
            self.relays.report(members, exchanges, cx, peer, finding, now);
        } else if self.strangers.is_checking(peer) {
            if is_probe || finding == Finding::PortClosed {
                self.fail_stranger(members, exchanges, cx, peer, finding, now);
            }
        } else if finding == Finding::PortClosed {
            self.probe_failed(members, exchanges, cx, peer, finding, now);
        } else {
            exchanges.health.record_loss();
            if is_probe {
                self.probe_order.pass_over(members, peer);
                return self.probe_failed(members, exchanges, cx, peer, finding, now);
            }
            // A lost message is no reason to involve other servers.
            let is_relay = self.relays.report(members, exchanges, cx, peer, finding, now);
            if !is_relay && members.roster.get(peer).is_some_and(Member::is_online) {
                self.probe_again(members, exchanges, cx, peer, now);
            }
        }
    }

    /// Probes a server now, unless the loss rate is so high that probes would cause further probes.
    fn probe_again(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        peer: &Arc<str>,
        now: Now,
    ) {
        let is_probed = !exchanges.health.has_high_loss()
            && !self.investigations.is_open(peer)
            && self.probe(members, exchanges, cx, peer, now).is_some();
        if !is_probed {
            self.probe_order.hurry(peer);
        }
    }
}
