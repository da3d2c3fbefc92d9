//! Verification: what was heard is asked of the subject itself, by `GET {base_url}clustershazbot/list`.
//!
//! A gossip request would put a drained original back online, so it is sent only where there is no list to be had.
//! Rounds never wait for a verification, and a joiner's begin when its start has resolved.

use std::sync::Arc;

use crate::protocol::context::output::Transmit;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::in_flight::{PEER_TIMEOUT, Purpose};
use crate::protocol::legacy::verification::queue::MAX_ASKED;
use crate::protocol::machine::Machine;
use crate::protocol::members::member::Member;
use crate::protocol::members::member::check::{Check, Comeback, SECOND_TRY, Stage};
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Stamp, Tick};
use crate::protocol::wire::extension::Finding;

pub(in crate::protocol) mod absence;
pub(in crate::protocol) mod answer;
pub(in crate::protocol) mod expiry;
pub(in crate::protocol) mod listings;
pub(in crate::protocol) mod queue;
pub(in crate::protocol) mod refusals;

impl Machine {
    /// Hearsay that has been taken for true, or an old claim against a tombstone: to be verified some time.
    pub(in crate::protocol) fn request_check(&mut self, identity: &Arc<str>) {
        if self.is_met_natively(identity) && self.members.roster.get(identity).is_some_and(Member::is_online)
        {
            return self.native.probes.hurry(identity);
        }
        self.open_check(identity, false, |_| {});
    }

    /// Hearsay that a member is offline which this server found alive.
    pub(in crate::protocol) fn accuse(&mut self, identity: &Arc<str>, stamp: Stamp) {
        self.open_check(identity, true, |check| check.accuse(stamp));
    }

    /// Hearsay that a member is online which this server found dead.
    pub(in crate::protocol) fn hear_comeback(&mut self, identity: &Arc<str>, comeback: Comeback) {
        self.open_check(identity, true, |check| check.hear_comeback(comeback));
    }

    /// A legacy peer says that a native server is back, which this server holds for gone.
    pub(in crate::protocol) fn verify_comeback(&mut self, identity: &Arc<str>) {
        self.open_check(identity, true, |_| {});
    }

    /// Its list is to settle the question.
    pub(in crate::protocol) fn ask_for_list(&mut self, identity: &Arc<str>) {
        self.open_check(identity, true, |_| {});
    }

    fn open_check(&mut self, identity: &Arc<str>, is_urgent: bool, add: impl FnOnce(&mut Check)) {
        let Some(member) = self.members.roster.get_mut(identity) else { return };
        let is_new = member.check().is_none();
        let check = member.open_check();
        let before = (check.accusation, check.comeback);
        add(check);
        let is_contradicted = before != (check.accusation, check.comeback);
        let is_newly_accused = before.0.is_none() && check.accusation.is_some();
        let is_newly_urgent = is_newly_accused || (before.1.is_none() && check.comeback.is_some());
        let is_to_be_queued = match check.stage {
            Stage::Queued => is_new || is_newly_urgent,
            // One that was silent before and is now accused is not waited for.
            Stage::Waiting(_) => is_newly_accused,
            Stage::Asked => false,
        };
        if is_to_be_queued {
            check.stage = Stage::Queued;
        }
        if is_contradicted {
            member.dispute(self.exchanges.in_flight.last());
        }
        if !is_to_be_queued {
            return;
        }
        self.legacy.verification_queue.queue(Arc::clone(identity), is_urgent);
    }

    pub(in crate::protocol) fn schedule_verification(&mut self, now: Tick) {
        if !self.cx.is_running() {
            return;
        }
        match self.legacy.verification_queue.next_wake(self.may_inquire()) {
            Some(at) => self.cx.timers.set(Timer::Verify, at.max(now)),
            None => self.cx.timers.stop(Timer::Verify),
        }
        self.schedule_listings(now);
        self.schedule_strangers(now);
    }

    /// Sends out as many questions as the pace allows.
    pub(in crate::protocol) fn verify(&mut self, now: Now) {
        for identity in self.legacy.verification_queue.take_due(now.tick) {
            let Some(member) = self.members.roster.get_mut(&identity) else { continue };
            let is_due = |check: &Check| matches!(check.stage, Stage::Waiting(until) if until <= now.tick);
            let Some(check) = member.check_mut().filter(|check| is_due(check)) else { continue };
            check.stage = Stage::Queued;
            let is_accused =
                member.check().is_some_and(|check| check.standing_accusation(member.stamp).is_some());
            self.legacy.verification_queue.queue(identity, is_accused);
        }
        while self.may_inquire() {
            let Some(identity) = self.legacy.verification_queue.take_next(now.tick, &mut self.cx.rng) else {
                break;
            };
            self.inquire(identity, now);
        }
        self.schedule_verification(now.tick);
    }

    fn may_inquire(&self) -> bool {
        // Questions about the master list are many, may all hang, and have a pace of their own.
        let asked = self
            .exchanges
            .in_flight
            .count(Purpose::is_verification)
            .saturating_sub(self.legacy.listings.asked());
        asked < MAX_ASKED && self.may_say_more() && self.legacy_room() > 0
    }

    fn inquire(&mut self, identity: Arc<str>, now: Now) {
        let Some(member) = self.members.roster.get_mut(&identity) else { return };
        // An answer to something else may have settled the question meanwhile.
        let Some(check) = member.check_mut().filter(|check| check.stage == Stage::Queued) else { return };
        check.stage = Stage::Asked;
        // The answer to an earlier question about it is still awaited, and will do.
        if self.exchanges.in_flight.is_verifying(&identity) {
            return;
        }
        let base_url = self.members.roster.spelling(&identity);
        self.legacy.verification_queue.spend_slot(now.tick);
        let id = self.exchanges.in_flight.begin(identity, Purpose::Inquiry, now.tick);
        self.cx.transmits.push_back(Transmit::Inquire { id, base_url, timeout: PEER_TIMEOUT });
    }

    /// A member has not answered. Accused it is offline at once; else it is asked again before it is buried.
    pub(in crate::protocol) fn find_silent(&mut self, peer: &Arc<str>, now: Now) {
        if self.is_met_natively(peer) && self.members.roster.get(peer).is_some_and(Member::is_online) {
            self.close_check(peer);
            return self.probe_failed(peer, Finding::Silent, now);
        }
        self.hide_silent(peer, now);
        let Some(member) = self.members.roster.get_mut(peer) else { return };
        let mut check = member.close_check().unwrap_or_else(Check::new);
        let accusation = check.standing_accusation(member.stamp);
        let has_tombstone = !member.is_online() && check.comeback.is_none();
        if has_tombstone {
            member.record_verdict(false, now);
            self.count_silence(peer, now);
        } else if let Some(accusation) = accusation.filter(|_| member.is_online()) {
            member.record_verdict(false, now);
            // An online claim may have come with the accusation's very stamp: the tombstone has to beat that.
            let beaten = member.stamp;
            member.restamp(if accusation > beaten {
                accusation
            } else {
                member.tombstone_stamp(self.members.me.read_clock(now))
            });
            self.members.mark_offline(&mut self.cx, peer, Status::Dead, now);
            self.apply(now);
        } else if let Some(again) = check.fail(member, now) {
            check.stage = Stage::Waiting(again);
            member.leave_check_open(check);
            self.legacy.verification_queue.wait(peer, again);
        } else if member.is_unconfirmed {
            self.hide(peer, now);
        } else {
            self.bury(peer, now);
        }
    }

    /// Another exchange than a verification has failed: asks again, unless that is under way already.
    pub(in crate::protocol) fn doubt(&mut self, peer: &Arc<str>, now: Now) {
        let is_wanted =
            |member: &Member| member.is_met_as_legacy() && member.is_online() && member.check().is_none();
        if self.members.roster.get(peer).is_some_and(is_wanted) {
            self.find_silent(peer, now);
        }
    }

    /// What was asked before the newest claim came does not settle it.
    pub(in crate::protocol) fn ask_anew(&mut self, peer: &Arc<str>) {
        let Some(member) = self.members.roster.get_mut(peer) else { return };
        if !self.exchanges.in_flight.is_verifying(peer) {
            member.open_check().stage = Stage::Queued;
            self.legacy.verification_queue.queue(Arc::clone(peer), true);
        }
    }

    /// The exchange under way settles the question; if it does not, it is asked again.
    pub(in crate::protocol) fn await_exchange(&mut self, peer: &Arc<str>, now: Now) {
        let Some(check) = self.members.roster.get_mut(peer).and_then(Member::check_mut) else { return };
        let again = now.tick + SECOND_TRY;
        check.stage = Stage::Waiting(again);
        self.legacy.verification_queue.wait(peer, again);
    }

    pub(in crate::protocol) fn close_check(&mut self, peer: &str) {
        self.members.roster.get_mut(peer).map(Member::close_check);
    }
}
