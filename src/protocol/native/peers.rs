//! The native extension's door: what comes in, and what goes out.

use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexSet;

use crate::protocol::context::Context;
use crate::protocol::exchanges::native_message::accusation_notice;
use crate::protocol::machine::Machine;
use crate::protocol::members::Members;
use crate::protocol::members::member::Wire;
use crate::protocol::members::member::proof::Proof;
use crate::protocol::merging::intake::Subject;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::ids::{ExchangeId, Origin};
use crate::protocol::types::limits::{LAGS, Rejection};
use crate::protocol::types::time::Now;
use crate::protocol::wire::extension::{Extension, Kind};

/// Pause before the native extension is offered again to a server that ignored it.
const OFFERED_AGAIN: Duration = Duration::from_secs(10 * 60);

impl Machine {
    /// A gossip request that carried the native extension, which holds all that counts; what is returned is the answer's.
    pub fn handle_native_request(&mut self, now: Now, heard: &Extension) -> Extension {
        self.begin_request(now);
        if heard.instance == self.exchanges.instance {
            // Under another name, or by way of a balancer, this server has reached itself.
            return self.exchanges.extension(&self.members, Kind::Push, Vec::new());
        }
        self.note_request(now);
        let is_sibling = self.meets_sibling(heard);
        self.note_malformed(heard);
        self.expect_entries(heard.claims.len());
        // The claims first: that the sender's own is news is to be counted among them.
        let knew = self.incarnation_of(&heard.me.base_url);
        let news = self.hear_natives(&heard.claims, Origin::Rumour, now);
        self.admit_native(&heard.me.base_url, now);
        let sender = self.hear_sender(heard, knew, now);
        if let Some(sender) = sender.as_ref().filter(|_| Duration::from_millis(heard.lag.into()) > LAGS) {
            self.native.detection.investigations.close(sender);
        }
        if let Some(sender) = &sender {
            self.members.prove(sender, Proof::Exchange);
            self.native.detection.unreached.record_word(sender, now.tick);
            if let Kind::ProbeFor(target) = &heard.kind {
                self.relay_probe(sender, target, now);
            }
            if let Some((target, finding)) = &heard.found {
                self.hear_finding(sender, target, *finding, now);
            }
        }
        let mut claims = news.objections;
        claims.extend(match sender.as_deref() {
            Some(sender) => accusation_notice(&self.members, sender, Some(heard.me.incarnation), now),
            None => self.objection_of_grave(&heard.me, now),
        });
        let mut answer = match &heard.kind {
            Kind::Sync(theirs) => self.answer_sync(theirs.as_deref(), claims, now),
            _ => {
                let told: IndexSet<&str, FixedState> =
                    claims.iter().chain(&heard.claims).map(|claim| &*claim.base_url).collect();
                let is_known = |subject: &str| told.contains(subject) || sender.as_deref() == Some(subject);
                let rumours = self.exchanges.rumours.claims_besides(&self.members, is_known, now);
                claims.extend(rumours);
                self.exchanges.extension(&self.members, Kind::Push, claims)
            }
        };
        answer.fresh = news.fresh;
        answer.clock = heard.me.incarnation.is_far_ahead(now).then_some(now.wall);
        answer.siblings = sender.is_some_and(|sender| self.native.voices.hear(&sender, heard.instance));
        if is_sibling {
            // Only this one asks whether this process goes on.
            answer.me = self.members.me.claim();
        }
        self.schedule_verification(now.tick);
        answer
    }

    /// What is remembered of an earlier life of a server that is not let in because of it.
    fn objection_of_grave(&self, own_word: &Claim, now: Now) -> Option<Claim> {
        match self.identify(&own_word.base_url).ok()? {
            Subject::New(url) => self.members.archive.objection_to(url.identity(), own_word, now),
            _ => None,
        }
    }

    /// Part of the claims in the answer to an exchange, for those who merge many in slices. The whole reply comes afterwards.
    pub fn handle_native_claims(&mut self, now: Now, id: ExchangeId, claims: &[Claim]) {
        let Some(exchange) = self.exchanges.in_flight.get_mut(id) else { return };
        exchange.is_merged = true;
        self.cx.parsing.lift();
        let origin = exchange.purpose.origin();
        self.hear_natives(claims, origin, now);
    }

    pub(in crate::protocol) fn note_malformed(&mut self, heard: &Extension) {
        if heard.malformed > 0 {
            self.cx.log_rejection(Rejection::MalformedClaim);
        }
    }
}

/// Notes that a server has ignored the native extension which it was offered.
pub(in crate::protocol) fn note_legacy_wire(members: &mut Members, cx: &Context, peer: &str, now: Now) {
    if cx.is_native() && members.roster.get(peer).is_some_and(|member| !member.ignores_extension(now.tick)) {
        members.roster.set_wire(peer, Wire::Legacy);
        if let Some(member) = members.roster.get_mut(peer) {
            member.skip_extension_until(now.tick + OFFERED_AGAIN);
        }
    }
}
