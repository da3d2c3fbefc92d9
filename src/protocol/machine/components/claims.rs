//! Merges claims of other servers one by one.

use std::sync::Arc;

use crate::protocol::context::config::LegacyPolicy;
use crate::protocol::exchanges::in_flight::{Exchange, Purpose};
use crate::protocol::machine::Machine;
use crate::protocol::members::member::proof::Proof;
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::members::roster::table::ahead::{AHEAD, MIN_AHEAD};
use crate::protocol::merging::intake::{self, Known, ListEntry, Subject};
use crate::protocol::merging::native::{MergeOutcome, NativeClaim, Worth};
use crate::protocol::merging::newcomers::Sender;
use crate::protocol::merging::outsiders::{Direction, LeftOut};
use crate::protocol::merging::plain::PlainClaim;
use crate::protocol::merging::{about_self, clocks, native, outsiders, plain};
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::ids::{ExchangeId, Origin, Source};
use crate::protocol::types::limits::Rejection;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Now, Stamp};
use crate::protocol::wire::extension::Extension;
use crate::protocol::wire::message::{Refusal, Reply};

impl Machine {
    /// Sets who names the servers of the lists that follow.
    pub(in crate::protocol::machine) fn set_sender(&mut self, source: Source) {
        let sender = match source {
            Source::Request => Sender::Unnamed,
            Source::Exchange(id) => match self.exchanges.in_flight.get(id) {
                Some(exchange) => Sender::Asked(Arc::clone(&exchange.peer)),
                None => Sender::Unnamed,
            },
            Source::MasterList => Sender::Trusted,
        };
        self.merging.newcomers.set_sender(sender);
    }

    /// Merges an entry of a list.
    #[inline]
    pub(in crate::protocol::machine) fn merge_entry(&mut self, said: ListEntry<'_>, now: Now) {
        let slot = self.members.roster.slot_of(&said.entry.base_url);
        if let Some(slot) = slot
            && plain::merge_repeated(&mut self.members, slot, said, now)
        {
            return;
        }
        let Self { merging, members, exchanges, cx, .. } = self;
        let taken = merging.take_in(members, exchanges, cx, slot, said, now);
        if let Some((subject, claim)) = taken {
            self.merge(&subject, claim, now);
        }
        self.apply(now);
    }

    #[inline]
    fn merge(&mut self, subject: &Subject<'_>, claim: PlainClaim, now: Now) {
        let Self { members, exchanges, cx, .. } = self;
        match subject {
            Subject::LocalServer => about_self::merge_plain(members, cx, claim.status, claim.stamp, now),
            Subject::Known(known) => plain::merge_known(members, exchanges, cx, known, claim, now),
            Subject::New(url) => self.merging.merge_new(members, exchanges, cx, url, claim, now),
        }
    }

    /// Merges a plain claim about a member.
    pub(in crate::protocol::machine) fn merge_about_known(
        &mut self,
        identity: &Arc<str>,
        claim: PlainClaim,
        now: Now,
    ) {
        if let Some(known) = Known::of(&self.members, identity) {
            plain::merge_known(&mut self.members, &self.exchanges, &mut self.cx, &known, claim, now);
        }
        self.apply(now);
    }

    /// Merges a plain claim about this server.
    pub(in crate::protocol::machine) fn merge_about_local_server(
        &mut self,
        said: Status,
        stamp: Stamp,
        now: Now,
    ) {
        about_self::merge_plain(&mut self.members, &mut self.cx, said, stamp, now);
        self.apply(now);
    }

    /// Rejects a claim about a member that is too far ahead. Requests a check if it contradicts the
    /// member's status.
    pub(in crate::protocol::machine) fn reject_far_ahead(
        &mut self,
        identity: &Arc<str>,
        said: Status,
        now: Now,
    ) {
        self.merging.rejected.reject_far_ahead(&self.members, &mut self.cx, identity, now);
        clocks::check_far_ahead(&self.members, &mut self.cx, identity, said, now);
        self.apply(now);
    }

    /// Merges the claims of a native server about others.
    pub(in crate::protocol::machine) fn merge_native_claims(
        &mut self,
        claims: &[Claim],
        origin: Origin,
        now: Now,
    ) -> MergeOutcome {
        let mut outcome = MergeOutcome::default();
        self.members.roster.set_cause(Cause::Hearsay);
        self.exchanges.rumours.begin_message();
        for (group, claims) in claims.chunks(AHEAD).enumerate() {
            let identities = claims.iter().map(|claim| &*claim.base_url);
            let ahead = (claims.len() >= MIN_AHEAD).then(|| self.members.roster.look_ahead(identities));
            for (number, claim) in claims.iter().enumerate() {
                let slot = ahead.as_ref().and_then(|ahead| self.members.roster.slot_ahead(ahead, number));
                let worth = self.merge_native_claim(claim, slot, origin, now);
                let held = || intake::claim_about(&self.members, &self.cx, &claim.base_url, now);
                outcome.add(group * AHEAD + number, worth, held);
            }
        }
        self.exchanges.rumours.end_message();
        outcome
    }

    /// Merges the claim of a native server about itself, from a request or an answer. Returns its
    /// identity, or `None` if it is not a member.
    pub(in crate::protocol::machine) fn merge_sender_claim(
        &mut self,
        message: &Extension,
        held: Incarnation,
        cause: Cause,
        now: Now,
    ) -> Option<Arc<str>> {
        self.members.roster.set_cause(cause);
        self.merge_native_claim(&message.me, None, Origin::Subject, now);
        let sender = native::record_sender(&mut self.members, &mut self.cx, message, held, now);
        self.apply(now);
        sender
    }

    #[inline]
    fn merge_native_claim(&mut self, claim: &Claim, slot: Option<usize>, origin: Origin, now: Now) -> Worth {
        if let Some(claim) = native::correct(claim, now) {
            return self.merge_native_claim(&claim, slot, origin, now);
        }
        let Self { merging, members, cx, .. } = self;
        // Referred to, since moving it would take as long as half of the lookup.
        let identified = intake::identify_at(members, cx, slot, &claim.base_url);
        let admitted = match &identified {
            Ok(subject) => {
                merging.admits_native(members, cx, subject, claim.incarnation, now).then_some(subject)
            }
            Err(rejection) => intake::reject(cx, *rejection, &claim.base_url),
        };
        let Some(subject) = admitted else {
            self.exchanges.rumours.record_told(|| self.members.roster.key_of(&claim.base_url));
            return Worth::Known;
        };
        let said = NativeClaim { claim, origin };
        let worth = match subject {
            Subject::LocalServer => self.merge_native_about_local_server(claim, now),
            Subject::Known(known) => {
                let Self { members, exchanges, cx, .. } = self;
                let worth = native::merge_known(members, exchanges, cx, known, said, now);
                if worth != Worth::News {
                    exchanges.rumours.record_told(|| members.roster.key_at(known.slot()));
                }
                worth
            }
            Subject::New(url) => {
                self.merging.merge_new_native(&mut self.members, &mut self.cx, url, said, now)
            }
        };
        self.apply(now);
        worth
    }

    fn merge_native_about_local_server(&mut self, claim: &Claim, now: Now) -> Worth {
        let Self { lifecycle, members, exchanges, cx, .. } = self;
        let is_native = claim.incarnation != Incarnation::NONE;
        if !(is_native && lifecycle.own_url.begin_check_if_accused(members, exchanges, cx, claim, now)) {
            about_self::merge_native(members, exchanges, cx, claim, now);
        }
        exchanges.rumours.record_told(|| members.local_key());
        Worth::Known
    }

    /// Resolves a base URL, in any spelling, to its subject.
    pub(in crate::protocol::machine) fn identify(
        &self,
        base_url: &str,
    ) -> Result<Subject<'static>, Rejection> {
        intake::identify(&self.members, &self.cx, base_url)
    }

    /// Returns the known incarnation of the sender of a message.
    pub(in crate::protocol::machine) fn incarnation_of_sender(&self, base_url: &Arc<str>) -> Incarnation {
        intake::incarnation_of_sender(&self.members, &self.cx, base_url)
    }

    /// Makes an outsider a member again: it has sent or answered a native message with this
    /// server's secret.
    pub(in crate::protocol::machine) fn admit_native(
        &mut self,
        base_url: &Arc<str>,
        direction: Direction,
        now: Now,
    ) {
        self.merging.outsiders.admit_sender(&mut self.members, &self.cx, base_url, direction, now);
    }

    /// Makes an outsider a member again if it has answered gossip with its own entry, or may not be
    /// sent the secret because it has proved it. Records any other answer of it.
    pub(in crate::protocol::machine) fn admit_answerer(
        &mut self,
        exchange: &Exchange,
        reply: &Reply<'_>,
        now: Now,
    ) {
        let is_answer = match reply {
            Reply::Lists(_) | Reply::Native(_) => true,
            Reply::Refusal(refusal) => *refusal != Refusal::NotAllowed,
            _ => false,
        };
        if is_answer {
            self.merging.outsiders.record_sign_of_life(&exchange.peer, now.tick);
        }
        // It may have gone back to version 1, so its list decides from now on.
        let has_proved = *reply == Reply::Refusal(Refusal::Withheld)
            && self.cx.config.legacy == LegacyPolicy::Allow
            && self.merging.outsiders.has(&exchange.peer);
        if has_proved || (exchange.purpose != Purpose::Inquiry && exchange.own_entry.is_some()) {
            self.merging.outsiders.admit(&mut self.members, &exchange.peer, now);
        }
        if has_proved {
            self.members.prove(&exchange.peer, Proof::Exchange);
        }
    }

    /// Makes a member an outsider.
    pub(in crate::protocol::machine) fn leave_out(&mut self, peer: &Arc<str>, reason: LeftOut, now: Now) {
        self.merging.outsiders.leave_out(&mut self.members, &mut self.cx, peer, reason, now);
        self.apply(now);
    }

    /// Asks an outsider whether it now has this server's secret, if there is capacity.
    pub(in crate::protocol::machine) fn try_outsider(&mut self, url: &BaseUrl, now: Now) {
        if self.exchanges.legacy_room(&self.members, &self.cx) > 0
            && self.merging.outsiders.try_claim_slot(&self.members, &mut self.cx, url.identity(), now.tick)
        {
            self.try_by_gossip(url, now);
        }
    }

    /// Asks the outsider that is due although nobody mentions it, and schedules the next one.
    pub(in crate::protocol::machine) fn ask_outsider(&mut self, now: Now) {
        if self.cx.is_running()
            && let Some(url) = self.merging.outsiders.take_due(now.tick)
        {
            self.try_outsider(&url, now);
        }
        if !self.members.local.is_leaving() {
            self.merging.outsiders.schedule(&mut self.cx, now.tick);
        }
    }

    /// Sends gossip to a server that is not a member.
    pub(in crate::protocol::machine) fn try_by_gossip(&mut self, url: &BaseUrl, now: Now) -> ExchangeId {
        outsiders::try_by_gossip(&mut self.members, &mut self.exchanges, &mut self.cx, url, now)
    }
}
