//! Verification: the choice of members to check, and the effects on other components.

use std::sync::Arc;

use crate::protocol::context::Context;
use crate::protocol::context::config::LegacyPolicy;
use crate::protocol::context::effect::CheckReason;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::capacity::Quota;
use crate::protocol::exchanges::in_flight::{Exchange, OwnEntry, Purpose};
use crate::protocol::legacy::verification::answer;
use crate::protocol::legacy::verification::queue::{Capacity, MAX_VERIFICATIONS};
use crate::protocol::legacy::verification::refusals::{self, REVIEW_RETRY_PAUSE, Review};
use crate::protocol::machine::Machine;
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::members::member::unproved_answers::{Refusals, Route};
use crate::protocol::merging::outsiders::{LEFT_OUT_AFTER, LeftOut};
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::time::{Now, Stamp, Tick};
use crate::protocol::wire::extension::Finding;
use crate::protocol::wire::message::{Refusal, Reply};

impl Machine {
    /// Checks a member. If mere hearsay contradicts a native member, the next probe checks it;
    /// otherwise its list does.
    pub(in crate::protocol::machine) fn check(&mut self, identity: &Arc<str>, reason: CheckReason) {
        let is_online = || self.members.roster.get(identity).is_some_and(Member::is_online);
        if reason == CheckReason::Hearsay && self.is_contacted_natively(identity) && is_online() {
            return self.native.detection.probe_order.hurry(identity);
        }
        self.legacy.verification.open_check(&mut self.members, &self.exchanges, identity, reason);
    }

    /// Checks accepted hearsay, or an old claim against a tombstone.
    pub(in crate::protocol) fn request_check(&mut self, identity: &Arc<str>) {
        self.check(identity, CheckReason::Hearsay);
    }

    pub(in crate::protocol::machine) fn check_again(&mut self, peer: &Arc<str>) {
        self.legacy.verification.check_again(&mut self.members, &self.exchanges, peer);
    }

    pub(in crate::protocol::machine) fn schedule_verification(&mut self, now: Tick) {
        if !self.cx.is_running() {
            return;
        }
        let Self { legacy, members, exchanges, cx, .. } = self;
        legacy.verification.schedule(cx, |cx| capacity_to_verify(members, exchanges, cx), now);
        self.legacy.listings.schedule(&self.exchanges, &mut self.cx, now);
        self.schedule_strangers(now);
    }

    /// Verifies the members that are due, and drops claims that have stayed unconfirmed for too
    /// long.
    pub(in crate::protocol::machine) fn verify(&mut self, now: Now) {
        for key in self.legacy.verification.take_expired(&mut self.members, now.tick) {
            let Some(identity) = self.members.roster.name_of(key) else { continue };
            self.legacy.verification.drop_claim(&mut self.members, &mut self.cx, &identity, now);
            self.apply(now);
        }
        self.legacy.verification.queue_due(&mut self.members, now.tick);
        while capacity_to_verify(&self.members, &self.exchanges, &self.cx) == Capacity::Free
            && self.legacy.verification.ask_next(&mut self.members, &mut self.exchanges, &mut self.cx, now)
        {
        }
        self.schedule_verification(now.tick);
    }

    pub(in crate::protocol::machine) fn ask_listings(&mut self, now: Now) {
        self.legacy.listings.ask_due(&self.members, &mut self.exchanges, &mut self.cx, now);
    }

    /// Hides a member that did not answer. It may be declared dead if another server has answered
    /// since then.
    pub(in crate::protocol::machine) fn hide(&mut self, peer: &Arc<str>, doubted_since: Tick, now: Now) {
        self.legacy.listings.hide(&mut self.members, &self.exchanges, &mut self.cx, peer, doubted_since, now);
        self.apply(now);
    }

    /// Records a member's answer that it is online.
    pub(in crate::protocol::machine) fn mark_alive(
        &mut self,
        peer: &Arc<str>,
        id: ExchangeId,
        own: &OwnEntry,
        now: Now,
    ) {
        answer::mark_alive(&mut self.members, &mut self.cx, peer, id, own, now);
        self.apply(now);
    }

    /// Records a member's answer that does not list it as online.
    pub(in crate::protocol::machine) fn mark_absent(
        &mut self,
        peer: &Arc<str>,
        id: ExchangeId,
        own_stamp: Option<Stamp>,
        now: Now,
    ) {
        answer::mark_absent(&mut self.members, &mut self.cx, peer, id, own_stamp, now);
        self.apply(now);
    }

    /// Handles the list of an absent server that lists the server itself.
    pub(in crate::protocol::machine) fn handle_shown(
        &mut self,
        peer: &Arc<str>,
        id: ExchangeId,
        own: &OwnEntry,
        now: Now,
    ) {
        self.legacy.verification.handle_shown(&mut self.members, &mut self.cx, peer, id, own, now);
        self.apply(now);
    }

    /// Records that a member has not answered. Only probes judge the silence of a native server.
    pub(in crate::protocol::machine) fn handle_silence(&mut self, peer: &Arc<str>, now: Now) {
        if self.is_contacted_natively(peer) && self.members.roster.get(peer).is_some_and(Member::is_online) {
            self.members.close_check(peer);
            return self.probe_failed(peer, Finding::Silent, now);
        }
        self.legacy.verification.handle_silence(&mut self.members, &mut self.cx, peer, now);
        self.apply(now);
    }

    /// Records the failure of an exchange other than a verification.
    pub(in crate::protocol::machine) fn record_failed_exchange(&mut self, peer: &Arc<str>, now: Now) {
        self.legacy.verification.record_failed_exchange(&mut self.members, &mut self.cx, peer, now);
        self.apply(now);
    }

    /// Watches a legacy peer that this server or another native one has found absent.
    pub(in crate::protocol::machine) fn watch_absence(&mut self, peer: &Arc<str>, now: Now) {
        self.legacy.verification.watch_absence(&mut self.members, &mut self.cx, peer, now);
    }

    pub(in crate::protocol::machine) fn check_absent(&mut self, now: Now) {
        self.legacy.verification.check_absent(&mut self.members, &self.exchanges, &mut self.cx, now);
        self.schedule_verification(now.tick);
    }

    /// Records an answer that does not prove its sender.
    pub(in crate::protocol::machine) fn record_unproved_answer(
        &mut self,
        peer: &Arc<str>,
        route: Route,
        now: Now,
    ) {
        self.legacy.verification.record_unproved_answer(&mut self.members, &mut self.cx, peer, route, now);
        self.apply(now);
    }

    /// Asks an offline server that has not proved the secret for its list, once: it may have been
    /// rolled back to version 1. Returns whether it is asked.
    pub(in crate::protocol::machine) fn ask_if_rolled_back(
        &mut self,
        peer: &Arc<str>,
        reply: &Reply<'_>,
        now: Now,
    ) -> bool {
        let is_withheld = *reply == Reply::Refusal(Refusal::Withheld);
        let may_be = is_withheld && self.cx.config.legacy != LegacyPolicy::Off;
        let member = self.members.roster.get_mut(peer).filter(|member| may_be && !member.is_online());
        let Some(member) = member.filter(|member| member.refusals().is_none()) else { return false };
        member.begin_refusals(Refusals::new(Route::Gossip, now.tick));
        self.check_again(peer);
        true
    }

    /// Records that a server has rejected this server's secret.
    pub(in crate::protocol::machine) fn record_rejection(&mut self, peer: &Arc<str>, now: Now) {
        self.legacy.verification.record_rejection(&mut self.members, &mut self.cx, peer, now);
    }

    /// Reviews the refusing servers that are due.
    pub(in crate::protocol::machine) fn review_refusals(&mut self, now: Now) {
        for peer in self.legacy.verification.take_due_refusals(now.tick) {
            let Some(member) = self.members.roster.get_mut(&peer) else { continue };
            let is_left_out_at = member.rejected_at().map(|at| at + LEFT_OUT_AFTER);
            if !member.is_online() {
                member.end_refusals();
            } else if self.cx.is_running() && is_left_out_at.is_some_and(|at| at <= now.tick) {
                self.leave_out(&peer, LeftOut::OtherSecret, now);
            } else if let Some(next) =
                self.review_refusing(&peer, now).into_iter().chain(is_left_out_at).min()
            {
                let at = next.max(now.tick + REVIEW_RETRY_PAUSE);
                self.legacy.verification.watch_refusals(&mut self.cx, &peer, at);
            }
        }
        self.legacy.verification.schedule_refusals(&mut self.cx);
    }

    /// Decides about one refusing server, or asks it again. Returns the time of the next review.
    fn review_refusing(&mut self, peer: &Arc<str>, now: Now) -> Option<Tick> {
        let review = refusals::review(&mut self.members, &mut self.cx, peer, now);
        self.apply(now);
        let Review { route, next } = review?;
        let is_in_vain = route.is_some_and(|route| !self.ask_refusing(peer, route, now));
        Some(if is_in_vain { now.tick + REVIEW_RETRY_PAUSE } else { next })
    }

    /// Asks a refusing server once more. Returns whether the request was sent or queued.
    fn ask_refusing(&mut self, peer: &Arc<str>, route: Route, now: Now) -> bool {
        if !self.cx.is_running() {
            return false;
        }
        match route {
            Route::List => {
                self.check(peer, CheckReason::NeedsList);
                self.schedule_verification(now.tick);
                true
            }
            Route::Gossip => {
                self.exchanges.has_room_for(&self.members, &self.cx, peer)
                    && self.converse(Arc::clone(peer), Purpose::Trial, now).is_some()
            }
        }
    }
}

fn capacity_to_verify(members: &Members, exchanges: &Exchanges, cx: &Context) -> Capacity {
    // Requests about the master list are many, may all hang, and have their own rate limit.
    let is_counted =
        |exchange: &Exchange| exchange.purpose.is_verification() && exchange.quota != Quota::Listings;
    let in_flight = exchanges.in_flight.iter();
    let is_free = in_flight.filter(|(_, exchange)| is_counted(exchange)).count() < MAX_VERIFICATIONS
        && exchanges.native_room(members, cx) > 0
        && exchanges.legacy_room(members, cx) > 0;
    if is_free { Capacity::Free } else { Capacity::Exhausted }
}
