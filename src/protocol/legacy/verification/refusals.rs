//! Answers that prove nothing: 401, 413, 429, or lists that lack the entry of the server asked.
//!
//! An address is not an identity: another service may have taken over that of a dead server. So a
//! refusal postpones a death and never renews life. A server that has exchanged with this one is
//! asked by list and by gossip in turns; unless its own word proves it meanwhile, it is declared dead.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::machine::Machine;
use crate::protocol::members::member::Member;
use crate::protocol::members::member::doubts::{Absence, COUNTED_APART, Refusals, Way};
use crate::protocol::members::member::proof::Proof;
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::merging::outsiders::LEFT_OUT_AFTER;
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::extension::Finding;

/// How long a server that only refuses stays online after its first refusal, at least. Longer than
/// an overload or a restart of a proxy lasts.
const DEATH_AFTER: Duration = Duration::from_secs(60);
/// The same for a legacy peer, in gossip intervals: it is met about once in each.
const LEGACY_INTERVALS: u32 = 3;
/// Questions to a server that refuses, within the time until it is declared dead.
const LOOKS: u32 = 4;
/// Pause before a death is decided again that isolation holds back, or a question is sent again for
/// which there was no room.
const HELD_BACK: Duration = Duration::from_secs(1);

impl Machine {
    /// The word of a server itself has proved it.
    pub(in crate::protocol) fn prove(&mut self, peer: &str, proof: Proof) {
        if let Some(member) = self.members.roster.get_mut(peer) {
            member.prove(proof);
        }
    }

    /// A server has answered without proving itself.
    pub(in crate::protocol) fn hear_refusal(&mut self, peer: &Arc<str>, way: Way, now: Now) {
        let window = self.refusal_window(peer);
        let Some(member) = self.members.roster.get_mut(peer) else { return };
        if !member.is_online() {
            member.record_verdict(false, now);
            member.absence_mut().map(Absence::interrupt);
            return;
        }
        match member.refusals_mut() {
            Some(refusals) => refusals.add(way, now.tick),
            None => member.begin_refusals(Refusals::new(way, now.tick)),
        }
        self.watch_refusals(peer, now.tick + window / LOOKS);
        if self.is_met_natively(peer) {
            // Somebody listens at its address: whether it is the server, the next answers tell.
            self.native.probes.excuse(peer);
            self.report(peer, Finding::Unproved, now);
        }
    }

    /// A server has rejected this server's secret.
    pub(in crate::protocol) fn note_rejection(&mut self, peer: &Arc<str>, now: Now) {
        if let Some(member) = self.members.roster.get_mut(peer).filter(|member| member.is_online())
            && member.record_rejection(now.tick)
        {
            self.watch_refusals(peer, now.tick + LEFT_OUT_AFTER);
        }
    }

    /// A server that refuses has said for how long it wants to be left alone.
    pub(in crate::protocol) fn note_wanted_rest(&mut self, peer: &str, until: Tick) {
        if let Some(refusals) = self.members.roster.get_mut(peer).and_then(Member::refusals_mut) {
            refusals.rest_until(until);
        }
    }

    /// When a server that only refuses is declared dead; none where it does not refuse.
    pub(in crate::protocol) fn refusal_deadline(&self, peer: &str) -> Option<Tick> {
        let refusals = self.members.roster.get(peer)?.refusals()?;
        Some(refusals.first() + self.refusal_window(peer))
    }

    fn refusal_window(&self, peer: &str) -> Duration {
        let is_legacy = self.members.roster.get(peer).is_some_and(Member::is_met_as_legacy);
        let rounds = self.cx.config.gossip_interval.saturating_mul(LEGACY_INTERVALS);
        if is_legacy { DEATH_AFTER.max(rounds) } else { DEATH_AFTER }
    }

    fn watch_refusals(&mut self, peer: &Arc<str>, at: Tick) {
        self.legacy.refusals.set_earlier(peer, at);
        self.cx.timers.set_earlier(Timer::Refusals, at);
    }

    /// The time of some servers that refuse has come.
    pub(in crate::protocol) fn look_after_refusals(&mut self, now: Now) {
        for peer in self.legacy.refusals.take_due(now.tick) {
            let Some(member) = self.members.roster.get_mut(&peer) else { continue };
            let is_left_out_at = member.rejected_at().map(|at| at + LEFT_OUT_AFTER);
            if !member.is_online() {
                member.end_refusals();
            } else if self.cx.is_running() && is_left_out_at.is_some_and(|at| at <= now.tick) {
                self.leave_out(&peer, now);
            } else {
                let again = self.look_after(&peer, now).into_iter().chain(is_left_out_at).min();
                again.into_iter().for_each(|at| self.watch_refusals(&peer, at.max(now.tick + HELD_BACK)));
            }
        }
        if let Some(next) = self.legacy.refusals.next() {
            self.cx.timers.set(Timer::Refusals, next);
        }
    }

    /// Decides about one server, or asks it again; tells when to look again.
    fn look_after(&mut self, peer: &Arc<str>, now: Now) -> Option<Tick> {
        let deadline = self.refusal_deadline(peer)?;
        let refusals = self.members.roster.get(peer)?.refusals()?;
        let is_over = deadline <= now.tick;
        if is_over && refusals.are_enough(now.tick) {
            // The secret that is wrong may be this server's own.
            if self.members.hold_back_burial(&mut self.cx, peer, now) {
                return Some(now.tick + HELD_BACK);
            }
            self.members.isolation.record_burial(peer, now.tick);
            if let Some(member) = self.members.roster.get_mut(peer) {
                member.end_refusals();
            }
            self.members.roster.because(Cause::Unproved);
            self.bury(peer, now);
            return None;
        }
        let way = refusals.next_way(now.tick);
        if !way.is_none_or(|way| self.look(peer, way, now)) {
            return Some(now.tick + HELD_BACK);
        }
        let next_look = now.tick + self.refusal_window(peer) / LOOKS;
        Some(if is_over { now.tick + COUNTED_APART } else { next_look.min(deadline) })
    }

    /// Asks a server that refuses once more; tells whether the question went out, or waits its turn.
    fn look(&mut self, peer: &Arc<str>, way: Way, now: Now) -> bool {
        if !self.cx.is_running() {
            return false;
        }
        match way {
            Way::List => {
                self.ask_for_list(peer);
                self.schedule_verification(now.tick);
                true
            }
            Way::Gossip => {
                self.has_room_for(peer) && self.converse(Arc::clone(peer), Purpose::Trial, now).is_some()
            }
        }
    }
}
