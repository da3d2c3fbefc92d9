//! Replies: the one place that handles the answer to a request, or its failure.
//!
//! The purpose of the request decides what its reply means. The wire of the peer decides which
//! component handles it. Replies about the master list, and those from this server's own URL, have
//! a file each.

use std::sync::Arc;

use crate::protocol::context::RunState;
use crate::protocol::context::config::LegacyPolicy;
use crate::protocol::exchanges::capacity::Quota;
use crate::protocol::exchanges::in_flight::{Exchange, OwnEntry, Purpose};
use crate::protocol::exchanges::page;
use crate::protocol::legacy::listings::HiddenReply;
use crate::protocol::machine::Machine;
use crate::protocol::members::member::Member;
use crate::protocol::members::member::proof::Proof;
use crate::protocol::members::member::unproved_answers::{Refusals, Route};
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::merging::clocks;
use crate::protocol::merging::newcomers::Sender;
use crate::protocol::merging::outsiders::{self, Direction, LeftOut};
use crate::protocol::native::peers::{log_malformed, record_answer, record_legacy_wire};
use crate::protocol::types::claim::Claim;
use crate::protocol::types::ids::{ExchangeId, Source};
use crate::protocol::types::time::Now;
use crate::protocol::wire::extension::{Extension, Finding, Kind};
use crate::protocol::wire::message::{Refusal, Reply};

mod master_list;
mod own_url;

impl Machine {
    /// Handles the reply to an exchange, or its failure.
    pub fn handle_reply(&mut self, now: Now, id: ExchangeId, reply: &Reply<'_>) {
        self.check_clock(now);
        self.cx.parsing.lift_limit();
        if self.exchanges.in_flight.is_to_own_url(id) {
            return self.conclude_own_url(id, reply, now);
        }
        if let Reply::Lists(lists) = reply {
            self.merge_lists(now, Source::Exchange(id), lists);
        }
        let Some(exchange) = self.exchanges.in_flight.end(id) else { return };
        self.members.roster.set_cause(cause_of(reply));
        if self.settle_hidden(&exchange, reply, now) {
            return self.schedule_verification(now.tick);
        }
        // A reply that does not prove its sender says nothing about the network.
        if matches!(reply, Reply::Native(_)) || exchange.own_entry.is_some() {
            let is_first = self.members.isolation.record_answer(now.tick).is_none();
            if is_first {
                self.legacy.listings.ask_all_again(&self.members);
            }
        }
        match reply {
            Reply::Native(extension) => self.handle_native_reply(id, &exchange, extension, now),
            _ => {
                self.handle_refusal(&exchange, reply, now);
                self.handle_plain_reply(id, &exchange, reply, now);
                if let Reply::Refusal(Refusal::TooManyRequests(Some(pause))) = reply {
                    let member = self.members.roster.get_mut(&exchange.peer);
                    if let Some(refusals) = member.and_then(Member::refusals_mut) {
                        refusals.leave_alone_until(now.tick + *pause);
                    }
                }
                self.report_findings(&exchange.peer, now);
                if let Some(reason) = self.reason_to_leave_out(&exchange.peer, reply) {
                    self.leave_out(&exchange.peer, reason, now);
                }
            }
        }
        self.push_if_deferred(&exchange.peer, now);
        self.schedule_verification(now.tick);
    }

    /// Why to leave out an online member that this server has not reached. If it has answered
    /// before, its name may soon resolve to an allowed address again, or its process prove itself.
    fn reason_to_leave_out(&self, peer: &str, reply: &Reply<'_>) -> Option<LeftOut> {
        let reason = match reply {
            Reply::Refusal(Refusal::NotAllowed) => LeftOut::NotAllowed,
            _ if self.excludes(reply) => LeftOut::Unproved,
            _ => return None,
        };
        let member = self.members.roster.get(peer)?;
        (member.is_online() && !member.has_answered()).then_some(reason)
    }

    /// Whether `SHAZBOT_LEGACY` excludes the server of this reply.
    fn excludes(&self, reply: &Reply<'_>) -> bool {
        *reply == Reply::Refusal(Refusal::Withheld) && self.cx.config.legacy == LegacyPolicy::Off
    }

    /// Merges part of the claims in the answer to an exchange, for callers that merge many in
    /// slices. The whole reply comes afterwards.
    pub fn handle_native_claims(&mut self, now: Now, id: ExchangeId, claims: &[Claim]) {
        let Some(exchange) = self.exchanges.in_flight.get_mut(id) else { return };
        exchange.mark_merged();
        self.cx.parsing.lift_limit();
        let origin = exchange.purpose.origin();
        self.set_sender(Source::Exchange(id));
        self.merge_native_claims(claims, origin, now);
    }

    /// Handles the reply of a server that may be hidden. Returns whether the reply has no other
    /// meaning.
    fn settle_hidden(&mut self, exchange: &Exchange, reply: &Reply<'_>, now: Now) -> bool {
        let outcome =
            self.legacy.listings.handle_reply(&mut self.members, &mut self.cx, exchange, reply, now);
        self.apply(now);
        match outcome {
            HiddenReply::OfMember => false,
            HiddenReply::TryGossip(url) => {
                if !self.exchanges.in_flight.has_exchange_with(&exchange.peer) {
                    let id = self.try_by_gossip(&url, now);
                    self.exchanges.in_flight.count_against(id, Quota::Listings);
                }
                true
            }
            HiddenReply::Settled => {
                if self.excludes(reply) {
                    self.merging.outsiders.warn_of(&mut self.cx, LeftOut::Unproved, &exchange.peer);
                }
                true
            }
        }
    }

    /// Logs a failed exchange, and records what a refusal asks for.
    fn handle_refusal(&mut self, exchange: &Exchange, reply: &Reply<'_>, now: Now) {
        let peer = &exchange.peer;
        let is_inquiry = exchange.purpose == Purpose::Inquiry;
        match reply {
            _ if self.merging.outsiders.has(peer) => {}
            // One warning covers all of them.
            _ if self.reason_to_leave_out(peer, reply) == Some(LeftOut::Unproved) => {}
            Reply::Refusal(Refusal::Unauthorized) if !is_inquiry => {
                self.record_rejection(peer, now);
                let is_native = self.members.roster.get(peer).is_some_and(Member::is_native);
                let reason = if is_native {
                    "answered 401 to a signed message: its SHAZBOT_SECRET or its clock is different"
                } else {
                    "answered 401: its SHAZBOT_SECRET is different"
                };
                self.log_gossip_failure(peer, reason, now);
            }
            Reply::Refusal(Refusal::Withheld) => {
                let reason = "it has not proved SHAZBOT_SECRET, and SHAZBOT_LEGACY keeps that from it";
                self.log_gossip_failure(peer, reason, now);
            }
            Reply::Refusal(Refusal::NotAllowed) => {
                let reason = "SHAZBOT_ALLOW allows neither its name nor its addresses";
                self.log_gossip_failure(peer, reason, now);
            }
            Reply::Refusal(Refusal::TooLarge) => page::halve(&mut self.members, peer),
            Reply::Refusal(Refusal::TooManyRequests(pause)) => {
                self.members.leave_alone(&self.cx, peer, *pause, now)
            }
            Reply::Failure(reason) | Reply::NoListener(reason) | Reply::Unclear(reason) if !is_inquiry => {
                self.log_gossip_failure(peer, reason, now);
            }
            _ => {}
        }
    }

    /// Logs that a gossip exchange has failed.
    fn log_gossip_failure(&mut self, peer: &Arc<str>, reason: &str, now: Now) {
        // The log names the normalised URL: a server chooses its spelling, and could change it each
        // time.
        self.cx.log_failure(format!("Failed to send gossip message to {peer}:"), reason, now.tick);
    }

    /// Handles a reply without the native extension.
    fn handle_plain_reply(&mut self, id: ExchangeId, exchange: &Exchange, reply: &Reply<'_>, now: Now) {
        self.admit_answerer(exchange, reply, now);
        let is_asked_again = self.ask_if_rolled_back(&exchange.peer, reply, now);
        if exchange.purpose.is_verification() {
            if !is_asked_again {
                self.handle_verification_reply(id, exchange, reply, now);
            }
            return;
        }
        let peer = &exchange.peer;
        let is_native = self.is_contacted_natively(peer);
        // A reply that does not prove its sender does not reveal the sender's wire.
        if matches!(reply, Reply::Lists(_)) && exchange.own_entry.is_some() {
            record_legacy_wire(&mut self.members, &self.cx, peer, now);
        }
        match (reply, &exchange.own_entry) {
            (Reply::Lists(_), Some(own)) => {
                self.record_own_entry(peer, id, exchange.purpose, own, now);
                if !own.online {
                    // It is drained, perhaps to roll back to version 1: native probes end.
                    self.native.detection.investigations.close(peer);
                    self.report(peer, Finding::Silent, now);
                } else if is_native {
                    self.record_native_success(peer, now);
                }
            }
            (Reply::Lists(_), None) | (Reply::Refusal(_), _) => {
                self.record_unproved_answer(peer, Route::Gossip, now);
                if exchange.purpose == Purpose::Introduction {
                    self.ask_for_full_roster(peer, &[], now);
                }
            }
            (Reply::Native(_), _) => {}
            (Reply::Unclear(_) | Reply::Failure(_) | Reply::NoListener(_), _) => {
                self.handle_failure(exchange, reply, now);
            }
        }
        if exchange.purpose == Purpose::Round && !is_failure(reply) {
            self.end_round(now);
        }
        self.begin_running_when_greeted(id, now);
        self.end_farewell_when_answered(id, now);
    }

    /// Handles the failure of an exchange other than a verification.
    fn handle_failure(&mut self, exchange: &Exchange, reply: &Reply<'_>, now: Now) {
        let peer = &exchange.peer;
        let is_native = self.is_contacted_natively(peer);
        match exchange.purpose {
            Purpose::Round => self.fail_round(peer, now),
            Purpose::Farewell => {}
            Purpose::Introduction => {
                self.record_failed_exchange(peer, now);
                self.ask_for_full_roster(peer, &[], now);
            }
            Purpose::Sync if self.cx.run_state == RunState::Starting => {
                self.ask_for_full_roster(peer, &[], now)
            }
            _ => self.record_failed_exchange(peer, now),
        }
        if is_native && exchange.purpose != Purpose::Farewell {
            let is_port_closed = matches!(reply, Reply::NoListener(_));
            let finding = if is_port_closed { Finding::PortClosed } else { Finding::Silent };
            self.record_native_failure(exchange, finding, now);
        }
    }

    /// Handles the reply to a verification.
    fn handle_verification_reply(
        &mut self,
        id: ExchangeId,
        exchange: &Exchange,
        reply: &Reply<'_>,
        now: Now,
    ) {
        let peer = &exchange.peer;
        let is_native = self.members.roster.get(peer).is_some_and(|member| member.is_native());
        let refuses_gossip =
            self.members.roster.get(peer).and_then(Member::refusals).is_some_and(Refusals::include_gossip);
        match (reply, &exchange.own_entry, exchange.purpose) {
            // It is back. Only an exchange reveals whether it is native, and its incarnation.
            (Reply::Lists(_), Some(own), Purpose::Inquiry) if is_native && own.online && !refuses_gossip => {
                self.members.prove(peer, Proof::List);
                self.begin_trial(peer, now);
            }
            (Reply::Lists(_), Some(own), Purpose::Inquiry)
                if own.online && self.members.returns_only_by_list(peer) =>
            {
                self.handle_shown(peer, id, own, now);
            }
            (Reply::Lists(_), Some(own), _) => {
                self.record_own_entry(peer, id, exchange.purpose, own, now);
                if own.online && !refuses_gossip {
                    self.offer_extension(peer, now);
                }
            }
            (Reply::Lists(_), None, Purpose::Inquiry) if !refuses_gossip => {
                self.mark_absent(peer, id, None, now);
            }
            (Reply::Lists(_), None, purpose) | (Reply::Refusal(_), _, purpose) => {
                self.members.close_check(peer);
                self.record_unproved_answer(peer, purpose.route(), now);
                if outsiders::is_worth_a_trial(&self.members, peer, reply) {
                    self.converse(Arc::clone(peer), Purpose::Trial, now);
                }
            }
            (Reply::Unclear(_), _, Purpose::Inquiry) if self.members.returns_only_by_list(peer) => {
                // Gossip would bring a drained legacy peer back.
                self.handle_silence(peer, now);
            }
            (Reply::Unclear(_), _, Purpose::Inquiry) => self.begin_trial(peer, now),
            _ => self.handle_silence(peer, now),
        }
    }

    /// Verifies a member by gossip. An exchange already in flight serves the same purpose.
    fn begin_trial(&mut self, peer: &Arc<str>, now: Now) {
        if self.converse(Arc::clone(peer), Purpose::Trial, now).is_none() {
            self.legacy.verification.await_exchange(&mut self.members, peer, now);
        }
    }

    /// Offers the native extension to a server whose list has not revealed its wire.
    fn offer_extension(&mut self, peer: &Arc<str>, now: Now) {
        if outsiders::is_worth_an_offer(&self.members, &self.cx, peer) {
            self.converse(Arc::clone(peer), Purpose::DeathNotices, now);
        }
    }

    /// Records whether a member says that it is online.
    fn record_own_entry(
        &mut self,
        peer: &Arc<str>,
        id: ExchangeId,
        purpose: Purpose,
        own: &OwnEntry,
        now: Now,
    ) {
        self.members.prove(peer, purpose.proof());
        if own.online {
            self.mark_alive(peer, id, own, now);
        } else {
            self.mark_absent(peer, id, Some(own.stamp), now);
        }
    }

    /// Handles a reply with the native extension.
    fn handle_native_reply(&mut self, id: ExchangeId, exchange: &Exchange, received: &Extension, now: Now) {
        log_malformed(&mut self.cx, received);
        let peer = &exchange.peer;
        let is_own_process = received.instance == self.exchanges.instance;
        self.merging.newcomers.set_sender(Sender::Asked(Arc::clone(peer)));
        if self.merging.outsiders.has(peer) {
            self.admit_native(&received.me.base_url, Direction::Answer, now);
        }
        let (knew, cause) = (self.incarnation_of_sender(&received.me.base_url), Cause::Answered);
        let sender = if is_own_process { None } else { self.merge_sender_claim(received, knew, cause, now) };
        if !is_own_process {
            self.record_process(received);
        }
        if let Some(sender) = &sender {
            self.native.processes.record(sender, received.instance);
        }
        if !is_own_process && !exchange.is_merged() {
            self.merge_native_claims(&received.claims, exchange.purpose.origin(), now);
        }
        if !is_own_process {
            self.native.anti_entropy.record_hash(received.hash != self.members.digest().total());
            self.exchanges.rumours.record_feedback(&exchange.subjects, &received.fresh);
        }
        if let Some(theirs) = received.clock {
            clocks::warn_of_rejection(&self.members, &mut self.cx, peer, theirs, now);
        }
        if sender.as_ref() == Some(peer) {
            self.record_native_answer(exchange, now);
        } else if self.members.roster.get(peer).is_some_and(|member| member.is_native()) {
            // Another server answers at this address.
            self.members.roster.set_cause(Cause::Replaced);
            self.probe_failed(peer, Finding::PortClosed, now);
            if exchange.purpose.is_verification() {
                self.handle_silence(peer, now);
            }
        } else {
            self.mark_absent(peer, id, None, now);
        }
        self.report_findings(peer, now);
        match exchange.purpose {
            Purpose::Sync if received.elsewhere.is_empty() => self.conclude_sync(peer, received, now),
            Purpose::Sync => self.ask_for_full_roster(peer, &received.elsewhere, now),
            Purpose::Probe if sender.as_ref() == Some(peer) => self.compare(peer, received, now),
            Purpose::Round => self.end_round(now),
            Purpose::Greeting if self.native.anti_entropy.awaits_greeting() => {
                self.ask_for_full_roster("", &[self.members.roster.spelling(peer)], now);
            }
            Purpose::Introduction if !matches!(received.kind, Kind::Sync(_)) => {
                self.ask_for_full_roster(peer, &received.elsewhere, now);
            }
            _ => {}
        }
        self.begin_running_when_greeted(id, now);
        self.end_farewell_when_answered(id, now);
    }

    /// Records that a native server itself has answered.
    fn record_native_answer(&mut self, exchange: &Exchange, now: Now) {
        if !record_answer(&mut self.members, &mut self.cx, &exchange.peer, now) {
            return;
        }
        self.apply(now);
        self.exchanges.health.record_round_trip(now.tick.since(exchange.began));
        self.record_native_success(&exchange.peer, now);
    }
}

fn is_failure(reply: &Reply<'_>) -> bool {
    matches!(reply, Reply::Unclear(_) | Reply::Failure(_) | Reply::NoListener(_))
}

/// Returns why this reply changes a member, for the log.
fn cause_of(reply: &Reply<'_>) -> Cause {
    match reply {
        Reply::Lists(_) | Reply::Native(_) | Reply::Refusal(_) => Cause::Answered,
        Reply::Unclear(_) => Cause::Unclear,
        Reply::NoListener(_) => Cause::PortClosed,
        Reply::Failure(_) => Cause::Silent,
    }
}
