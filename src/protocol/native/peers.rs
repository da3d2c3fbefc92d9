//! The native extension's door: what comes in, and what goes out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexSet;

use crate::protocol::context::output::Transmit;
use crate::protocol::exchanges::in_flight::{Exchange, MAX_UNDER_WAY, Purpose};
use crate::protocol::machine::Machine;
use crate::protocol::members::member::proof::Proof;
use crate::protocol::members::member::{Member, Wire};
use crate::protocol::members::roster::digest::{Digest, name_hash};
use crate::protocol::merging::intake::Subject;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::ids::{ExchangeId, Origin};
use crate::protocol::types::limits::{LAGS, Rejection};
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Now, Tick};
use crate::protocol::wire::extension::{Extension, Finding, Kind};
use crate::protocol::wire::message::Lists;

/// Timeout of an exchange that compares rosters.
const SYNC_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause before the native extension is offered again to a server that ignored it.
const OFFERED_AGAIN: Duration = Duration::from_secs(10 * 60);
/// Requests in flight to native servers. Legacy peers have a limit of their own, so their timeouts hold up none of these.
const MAX_IN_FLIGHT: usize = 16;

impl Machine {
    /// A gossip request that carried the native extension, which holds all that counts; what is returned is the answer's.
    pub fn handle_native_request(&mut self, now: Now, heard: &Extension) -> Extension {
        self.begin_request(now);
        if heard.instance == self.exchanges.instance {
            // Under another name, or by way of a balancer, this server has reached itself.
            return self.extension(Kind::Push, Vec::new());
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
            self.native.probes.excuse(sender);
        }
        if let Some(sender) = &sender {
            self.members.prove(sender, Proof::Exchange);
            self.native.unreached.spoke(sender, now.tick);
            if let Kind::ProbeFor(target) = &heard.kind {
                self.relay_probe(sender, target, now);
            }
            if let Some((target, finding)) = &heard.found {
                self.hear_finding(sender, target, *finding, now);
            }
        }
        let mut claims = news.objections;
        claims.extend(match sender.as_deref() {
            Some(sender) => self.reproach(sender, Some(heard.me.incarnation), now),
            None => self.objection_of_grave(&heard.me, now),
        });
        let mut answer = match &heard.kind {
            Kind::Sync(theirs) => self.answer_sync(theirs.as_deref(), claims, now),
            _ => {
                let told: IndexSet<&str, FixedState> =
                    claims.iter().chain(&heard.claims).map(|claim| &*claim.base_url).collect();
                let is_known = |subject: &str| told.contains(subject) || sender.as_deref() == Some(subject);
                let rumours = self.rumoured_besides(is_known, now);
                claims.extend(rumours);
                self.extension(Kind::Push, claims)
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

    /// A server that was offered the native extension has passed over it.
    pub(in crate::protocol) fn note_legacy_wire(&mut self, peer: &str, now: Now) {
        if self.is_native()
            && self.members.roster.get(peer).is_some_and(|member| !member.passes_over(now.tick))
        {
            self.members.roster.hear_language(peer, Wire::Legacy);
            if let Some(member) = self.members.roster.get_mut(peer) {
                member.skip_until(now.tick + OFFERED_AGAIN);
            }
        }
    }

    /// What a server should hear that is said of it and is not so, if it lives.
    fn reproach(&self, peer: &str, said: Option<Incarnation>, now: Now) -> Option<Claim> {
        let (identity, member) = self.members.roster.entry(peer)?;
        let is_outdated = said.is_some_and(|said| said < member.incarnation);
        if member.status != Status::Online || is_outdated {
            return Some(member.claim(identity, now));
        }
        (member.highest_seen() > member.stamp)
            .then(|| Claim::accusation(member.spelling(identity), member.highest_seen()))
    }

    fn with_reproach(&self, message: &Arc<Extension>, peer: &str, now: Now) -> Arc<Extension> {
        let mut message = Arc::clone(message);
        if let Some(reproach) = self.reproach(peer, None, now) {
            Arc::make_mut(&mut message).claims.push(reproach);
        }
        message
    }

    /// Sends native servers a message, except those with whom an exchange is under way.
    pub(in crate::protocol) fn say(
        &mut self,
        peers: Vec<Arc<str>>,
        kind: Kind,
        claims: Vec<Claim>,
        told: Arc<[Arc<str>]>,
        purpose: Purpose,
        now: Now,
    ) -> BTreeSet<ExchangeId> {
        if peers.is_empty() {
            return BTreeSet::new();
        }
        self.members.me.refresh(now);
        let message = Arc::new(self.extension(kind, claims));
        let mut exchanges = BTreeSet::new();
        for peer in peers {
            exchanges.extend(self.say_to(peer, &message, Arc::clone(&told), purpose, now));
        }
        exchanges
    }

    pub(in crate::protocol) fn say_found(
        &mut self,
        asker: &Arc<str>,
        target: Arc<str>,
        finding: Finding,
        now: Now,
    ) {
        self.members.me.refresh(now);
        let target = self.members.roster.spelling(&target);
        let message = Extension { found: Some((target, finding)), ..self.extension(Kind::Push, Vec::new()) };
        self.say_to(Arc::clone(asker), &Arc::new(message), Arc::default(), Purpose::Push, now);
    }

    fn say_to(
        &mut self,
        peer: Arc<str>,
        message: &Arc<Extension>,
        told: Arc<[Arc<str>]>,
        purpose: Purpose,
        now: Now,
    ) -> Option<ExchangeId> {
        if self.exchanges.in_flight.is_talking_to(&peer) || !self.may_say_more() {
            return None;
        }
        let base_url = self.members.roster.spelling(&peer);
        let extension = self.with_reproach(message, &peer, now);
        let timeout = match purpose {
            Purpose::Probe | Purpose::Relay | Purpose::Reach => self.exchanges.health.probe_timeout(),
            Purpose::Sync => SYNC_TIMEOUT,
            _ => self.exchanges.health.native_timeout(),
        };
        let id = self.exchanges.in_flight.begin_telling(peer, purpose, told, now.tick);
        let lists = Arc::new(Lists::default());
        self.cx.transmits.push_back(Transmit::Gossip {
            id,
            base_url,
            lists,
            extension: Some(extension),
            timeout,
        });
        Some(id)
    }

    /// Whether there is room for one request more to a native server.
    pub(in crate::protocol) fn may_say_more(&self) -> bool {
        self.room() > 0
    }

    /// How many requests more may be under way with native servers.
    pub(in crate::protocol) fn room(&self) -> usize {
        let others = self.requests_to_legacy_peers() + self.requests_to_unmet();
        self.room_beside(self.exchanges.in_flight.len().saturating_sub(others))
    }

    /// And with legacy peers: those that hang take no room from native servers.
    pub(in crate::protocol) fn legacy_room(&self) -> usize {
        self.room_beside(self.requests_to_legacy_peers())
    }

    pub(in crate::protocol) fn has_room_for(&self, peer: &str) -> bool {
        let room = if self.is_met_natively(peer) { self.room() } else { self.legacy_room() };
        room > 0
    }

    // Without the extension a server asks as many at once as version 1 does, within reason.
    fn room_beside(&self, requests: usize) -> usize {
        let cap = if self.is_native() { MAX_IN_FLIGHT } else { MAX_UNDER_WAY };
        cap.saturating_sub(requests)
    }

    /// How many requests to legacy peers are under way, those to servers that nobody has met apart.
    pub fn requests_to_legacy_peers(&self) -> usize {
        let is_legacy = |peer: &str| self.members.roster.get(peer).is_some_and(Member::is_met_as_legacy);
        let in_flight =
            self.exchanges.in_flight.iter().filter(|(id, _)| !self.legacy.listings.has_asked(*id));
        in_flight.filter(|(_, exchange)| is_legacy(&exchange.peer) && !self.greets_unmet(exchange)).count()
    }

    /// How many requests are under way to servers that are known by hearsay alone.
    pub fn requests_to_unmet(&self) -> usize {
        let greetings =
            self.exchanges.in_flight.iter().filter(|(_, exchange)| self.greets_unmet(exchange)).count();
        greetings + self.legacy.listings.asked() + self.native.strangers.asked()
    }

    /// Whether this is the greeting of an entry that only the master list has named: it may hang.
    fn greets_unmet(&self, exchange: &Exchange) -> bool {
        let is_unmet = |member: &Member| member.is_unconfirmed && member.is_met_as_legacy();
        matches!(exchange.purpose, Purpose::Greeting | Purpose::Introduction)
            && self.members.roster.get(&exchange.peer).is_some_and(is_unmet)
    }

    /// How many living servers it holds confirmed, itself included: what only the master list says
    /// is told to nobody.
    pub(in crate::protocol) fn confirmed(&self) -> usize {
        self.living() - self.members.roster.unconfirmed_count()
    }

    /// Up to so many native servers that can help, in random order.
    pub(in crate::protocol) fn helpers(&mut self, amount: usize, target: &str, now: Tick) -> Vec<Arc<str>> {
        self.helpers_among(amount, target, now, |_| true)
    }

    /// The same among those that this server has met.
    pub(in crate::protocol) fn met_helpers(
        &mut self,
        amount: usize,
        target: &str,
        now: Tick,
    ) -> Vec<Arc<str>> {
        self.helpers_among(amount, target, now, Member::has_exchanged)
    }

    fn helpers_among(
        &mut self,
        amount: usize,
        target: &str,
        now: Tick,
        is_wanted: impl Fn(&Member) -> bool,
    ) -> Vec<Arc<str>> {
        let open = &self.native.probes;
        self.members.roster.sample(&mut self.cx.rng, amount, |identity, member| {
            member.status == Status::Online
                && member.is_native()
                && !member.is_met_as_legacy()
                && !member.is_left_alone(now)
                && is_wanted(member)
                && &**identity != target
                && !self.native.strangers.is_doubtful(identity)
                && !(member.is_native_stranger() && self.native.strangers.is_on_hold(identity))
                && !open.is_open(identity)
                && !self.exchanges.in_flight.is_talking_to(identity)
        })
    }

    /// The extension for this peer, if it is offered one.
    pub(in crate::protocol) fn offer(
        &self,
        peer: &str,
        message: &Arc<Extension>,
        now: Now,
    ) -> Option<Arc<Extension>> {
        let member = self.members.roster.get(peer).filter(|_| self.is_native())?;
        if member.passes_over(now.tick) {
            return None;
        }
        Some(self.with_reproach(message, peer, now))
    }

    /// What is said in every message, and these claims.
    pub(in crate::protocol) fn extension(&self, kind: Kind, claims: Vec<Claim>) -> Extension {
        Extension {
            me: self.members.me.word(),
            instance: self.exchanges.instance,
            kind,
            living: u32::try_from(self.confirmed()).unwrap_or(u32::MAX),
            hash: self.digest().total(),
            lag: u32::try_from(self.exchanges.health.lag().as_millis()).unwrap_or(u32::MAX),
            claims,
            malformed: 0,
            fresh: Vec::new(),
            found: None,
            elsewhere: Vec::new(),
            clock: None,
            siblings: false,
        }
    }

    /// The sums over all living servers, this one included.
    pub(in crate::protocol) fn digest(&self) -> Digest {
        let mut digest = *self.members.roster.digest();
        if self.members.me.is_online() {
            digest.toggle(name_hash(self.members.me.identity()), self.members.me.incarnation());
        }
        digest
    }
}
