//! The order of probes: the ring successors, all others by a random permutation, and members that
//! hearsay contradicts.

use std::collections::VecDeque;
use std::sync::Arc;

use foldhash::fast::FixedState;
use indexmap::IndexSet;

use crate::protocol::context::Context;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::exchanges::native_message::NativeMessage;
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::members::roster::ring::SUCCESSORS;
use crate::protocol::native::detection::Detection;
use crate::protocol::native::detection::probe_order::cycle::{ProbeCycle, Turn};
use crate::protocol::native::detection::probe_order::permutation::Permutation;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::extension::Kind;

pub(in crate::protocol) mod cycle;
mod permutation;

/// Servers waiting for an urgent probe; also servers waiting for an accusation notice.
pub(in crate::protocol) const MAX_WAITING: usize = 1_024;

/// The state of the order of probes.
#[derive(Debug, Default)]
pub(in crate::protocol) struct ProbeOrder {
    cycle: ProbeCycle,
    permutation: Permutation,
    /// Ring successors whose next turn goes to a random member, because they did not answer.
    passed_over: VecDeque<Arc<str>>,
    /// Members to probe out of order, because hearsay contradicts them.
    urgent: VecDeque<Arc<str>>,
    /// Dead members that a peer lists as online, and suspects that could not be told at once. They
    /// are sent a notice, so that a running one can refute.
    disputed: IndexSet<Arc<str>, FixedState>,
}

impl ProbeOrder {
    /// Requests an urgent probe of a server.
    pub(in crate::protocol) fn hurry(&mut self, identity: &Arc<str>) {
        if self.urgent.len() < MAX_WAITING && !self.urgent.contains(identity) {
            self.urgent.push_back(Arc::clone(identity));
        }
    }

    /// Passes over a ring successor once, because it did not answer. If only others reach it, this
    /// server needs time for those that it reaches itself.
    pub(super) fn pass_over(&mut self, members: &Members, peer: &Arc<str>) {
        let is_successor = members.roster.ring().successors().any(|successor| successor == peer);
        if is_successor && !self.passed_over.contains(peer) {
            self.passed_over.truncate(SUCCESSORS - 1);
            self.passed_over.push_front(Arc::clone(peer));
        }
    }

    fn take_passed_over(&mut self, peer: &Arc<str>) -> bool {
        let index = self.passed_over.iter().position(|passed_over| passed_over == peer);
        index.and_then(|index| self.passed_over.remove(index)).is_some()
    }

    /// Requests a notice to a dead server, because a peer lists it as online, or to a suspect.
    pub(in crate::protocol) fn dispute(&mut self, identity: &Arc<str>) {
        if self.disputed.len() < MAX_WAITING {
            self.disputed.insert(Arc::clone(identity));
        }
    }

    /// Records a probe by another server, which may be the ring predecessor.
    pub(in crate::protocol) fn record_probe(
        &mut self,
        members: &Members,
        cx: &Context,
        prober: &str,
        now: Tick,
    ) {
        if let Some(interval) = cx.config.probe_interval
            && members.roster.ring().is_predecessor(prober)
        {
            self.cycle.record_probe(interval, now);
        }
    }

    /// Returns the number of servers waiting for an urgent probe, and for a notice.
    pub(in crate::protocol) fn lengths(&self) -> [usize; 2] {
        [self.urgent.len(), self.disputed.len()]
    }
}

fn is_accused(member: &Member) -> bool {
    matches!(member.status(), Status::Dead | Status::Suspect)
}

/// Sets the timer to the next probe.
pub(in crate::protocol) fn schedule_probe(cx: &mut Context, now: Tick) {
    if let Some(interval) = cx.config.probe_interval {
        let pause = cx.jittered(interval);
        cx.timers.set(Timer::Probe, now + pause);
    }
}

impl Detection {
    /// Probes the next server in order, and one urgent one.
    pub(in crate::protocol) fn probe_next(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        now: Now,
    ) {
        if let Some(disputed) = self.probe_order.disputed.pop()
            && members.roster.get(&disputed).is_some_and(is_accused)
        {
            let notice = NativeMessage::new(Kind::Probe, Purpose::AccusationNotice);
            exchanges.send_native(members, cx, &disputed, notice, now);
        }
        if let Some(urgent) = self.probe_order.urgent.pop_front()
            && self.may_be_probed(members, &urgent, now.tick)
        {
            self.probe(members, exchanges, cx, &urgent, now);
        }
        if let Some(peer) = self.next_in_order(members, cx, now.tick) {
            self.probe(members, exchanges, cx, &peer, now);
        } else {
            members.local.refresh(now);
        }
    }

    /// Returns the target of the probe that is due. A ring successor that is not to be probed is
    /// replaced by another one, or by a random member.
    fn next_in_order(&mut self, members: &mut Members, cx: &mut Context, now: Tick) -> Option<Arc<str>> {
        let interval = cx.config.probe_interval?;
        if let Turn::Successor(rank) = self.probe_order.cycle.turn(interval, now) {
            members.roster.update_ring();
            let ring = members.roster.ring();
            let mut successors = ring.successors().skip(rank).chain(ring.successors());
            let next = successors.find(|peer| self.is_to_be_probed(members, cx, peer, now));
            if let Some(peer) = next.filter(|peer| !self.probe_order.take_passed_over(peer)) {
                return Some(Arc::clone(peer));
            }
        }
        for is_new_permutation in [false, true] {
            if is_new_permutation {
                self.probe_order.permutation = Permutation::over(members.roster.len(), &mut cx.rng);
            }
            while let Some(slot) = self.probe_order.permutation.next() {
                // A slot may be gone: members may have left since the permutation began.
                let Some((identity, _)) = members.roster.at(slot) else { continue };
                if self.is_to_be_probed(members, cx, identity, now) {
                    return Some(identity.into());
                }
            }
        }
        None
    }

    fn is_to_be_probed(&self, members: &Members, cx: &Context, identity: &str, now: Tick) -> bool {
        members.is_contacted_natively(cx, identity) && self.may_be_probed(members, identity, now)
    }

    fn may_be_probed(&self, members: &Members, identity: &str, now: Tick) -> bool {
        let is_there = |member: &Member| member.is_online() && !member.is_left_alone(now);
        members.roster.get(identity).is_some_and(is_there) && !self.investigations.is_open(identity)
    }

    /// Probes a native server, unless an exchange with it is in flight, which serves the same
    /// purpose.
    pub(in crate::protocol) fn probe(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        peer: &Arc<str>,
        now: Now,
    ) -> Option<ExchangeId> {
        let claims = exchanges.rumours.claims_except(members, members.roster.key_of(peer), now);
        let message = NativeMessage::new(Kind::Probe, Purpose::Probe).with_claims(claims);
        exchanges.send_native(members, cx, peer, message, now)
    }
}
