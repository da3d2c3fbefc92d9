//! Entries of the master list that no living server vouches for: they are asked fast, and not shown
//! any more once a question has failed.
//!
//! ```text
//! unknown entry ─▶ shown, unconfirmed ──▶ hidden ─────────────▶ dead
//!                      │        no answer  │   no answer again, while others answer
//!                      ▼                   ▼
//!                  confirmed ◀─────────────┘ by its own answer, or by another server's word
//! ```
//! After a redeploy the list is full of addresses that nobody has any more. A hidden entry has no
//! tombstone and stays on the master list, because the fault may be this server's own network.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::{IndexMap, IndexSet};
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use crate::protocol::context::deadlines::Deadlines;
use crate::protocol::context::output::Transmit;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::in_flight::{Exchange, PEER_TIMEOUT, Purpose};
use crate::protocol::machine::Machine;
use crate::protocol::members::member::Member;
use crate::protocol::members::member::check::{SECOND_TRY, YOUNG};
use crate::protocol::merging::plain::LegacyClaim;
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Stamp, Tick};
use crate::protocol::wire::message::Reply;

/// Pause between two questions about unconfirmed entries: 30 a second, so that 200 dead entries are
/// gone within 25 s.
const PACE: Duration = Duration::from_millis(33);
/// Questions about unconfirmed entries under way at once; a dead host holds one for 5 s.
pub(in crate::protocol) const MAX_ASKED: usize = 64;
/// Hidden entries remembered; beyond it the oldest makes way and would be shown again.
pub(in crate::protocol) const MAX_HIDDEN: usize = 10_000;
/// Hidden entries asked again after a download, so that a long list of dead ones costs little.
const ASKED_AGAIN: usize = 64;

/// What is being found out about the entries of the master list.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Listings {
    /// Those to be asked for the first time. May hold others too: looked at again when taken out.
    shown: IndexSet<Arc<str>, FixedState>,
    /// Hidden ones to be asked again, when all others have been asked.
    again: IndexSet<Arc<str>, FixedState>,
    hidden: IndexMap<Arc<str>, Hidden, FixedState>,
    /// Hidden entries to be asked again, by when.
    waiting: Deadlines,
    asked: BTreeSet<ExchangeId>,
    next_slot: Tick,
    /// When another server last answered this one.
    pub(in crate::protocol) heard_at: Option<Tick>,
}

/// An entry that did not answer.
#[derive(Debug)]
struct Hidden {
    url: BaseUrl,
    monitor: bool,
    stamp: Stamp,
    failed_at: Tick,
    /// An answer of another server since then shows that this server's own network is sound.
    heard_since: Tick,
}

impl Listings {
    /// How many questions are under way.
    pub(in crate::protocol) fn asked(&self) -> usize {
        self.asked.len()
    }

    pub(in crate::protocol) fn has_asked(&self, id: ExchangeId) -> bool {
        self.asked.contains(&id)
    }

    /// A question has ended.
    pub(in crate::protocol) fn end(&mut self, id: ExchangeId) {
        self.asked.remove(&id);
    }

    /// Whether a claim with this stamp says nothing that was not found wrong.
    pub(in crate::protocol) fn hides(&self, identity: &str, stamp: Stamp) -> bool {
        self.hidden.get(identity).is_some_and(|hidden| stamp <= hidden.stamp)
    }

    /// Something else is known of an entry; tells the stamp that it had.
    pub(in crate::protocol) fn supersede(&mut self, identity: &Arc<str>) -> Option<Stamp> {
        Some(self.reveal(identity)?.stamp)
    }

    fn reveal(&mut self, identity: &Arc<str>) -> Option<Hidden> {
        let hidden = self.hidden.swap_remove(identity)?;
        self.waiting.forget(identity);
        self.again.swap_remove(identity);
        Some(hidden)
    }

    /// A member that is no longer known is asked nothing.
    pub(in crate::protocol) fn forget(&mut self, identity: &Arc<str>) {
        self.shown.swap_remove(identity);
    }

    /// How many are to be asked, and how many are hidden.
    pub(in crate::protocol) fn lengths(&self) -> [usize; 2] {
        [self.shown.len() + self.again.len() + self.waiting.len(), self.hidden.len()]
    }

    fn evict_oldest(&mut self) {
        if let Some((identity, _)) = self.hidden.get_index(0) {
            let identity = Arc::clone(identity);
            self.reveal(&identity);
        }
    }

    fn may_ask(&self) -> bool {
        self.asked.len() < MAX_ASKED && !(self.shown.is_empty() && self.again.is_empty())
    }

    fn take_next(&mut self, rng: &mut Xoshiro256PlusPlus) -> Option<Arc<str>> {
        let queue = if self.shown.is_empty() { &mut self.again } else { &mut self.shown };
        let last = queue.len().checked_sub(1)?;
        queue.swap_remove_index(rng.random_range(0..=last))
    }
}

impl Machine {
    /// The master list names a server that is not known otherwise.
    pub(in crate::protocol) fn hear_listed(&mut self, url: &BaseUrl, claim: LegacyClaim, now: Now) {
        let mut member = Member::new(url, Status::Online, claim.monitor, claim.stamp, now);
        member.is_unconfirmed = true;
        self.members.roster.insert(Arc::clone(url.identity()), member);
        if claim.stamp.age(now.wall) < YOUNG {
            // It may not listen yet: rule "Grace".
            return self.request_check(url.identity());
        }
        self.legacy.listings.shown.insert(Arc::clone(url.identity()));
    }

    /// The master list names an unconfirmed entry again, which vouches for nothing; false if it is
    /// confirmed.
    pub(in crate::protocol) fn repeat_listing(
        &mut self,
        identity: &str,
        claim: LegacyClaim,
        now: Now,
    ) -> bool {
        let Some(member) = self.members.roster.get_mut(identity).filter(|member| member.is_unconfirmed)
        else {
            return false;
        };
        member.hear_agreement(claim, now);
        true
    }

    pub(in crate::protocol) fn is_unconfirmed(&self, identity: &str) -> bool {
        self.members.roster.get(identity).is_some_and(|member| member.is_unconfirmed)
    }

    pub(in crate::protocol) fn schedule_listings(&mut self, now: Tick) {
        let slot = self.legacy.listings.may_ask().then_some(self.legacy.listings.next_slot);
        match slot.into_iter().chain(self.legacy.listings.waiting.next()).min() {
            Some(at) => self.cx.timers.set(Timer::Listings, at.max(now)),
            None => self.cx.timers.stop(Timer::Listings),
        }
    }

    /// Asks as many unconfirmed entries as the pace allows.
    pub(in crate::protocol) fn ask_listed(&mut self, now: Now) {
        let due = self.legacy.listings.waiting.take_due(now.tick);
        self.legacy.listings.again.extend(due);
        while self.legacy.listings.may_ask() && self.legacy.listings.next_slot <= now.tick {
            let Some(identity) = self.legacy.listings.take_next(&mut self.cx.rng) else { break };
            let hidden = self.legacy.listings.hidden.get(&identity);
            if hidden.is_none() && !self.is_unconfirmed(&identity) {
                continue;
            }
            // What is under way tells as much.
            if self.exchanges.in_flight.is_verifying(&identity)
                || self.exchanges.in_flight.is_talking_to(&identity)
            {
                continue;
            }
            let base_url = hidden.map_or_else(
                || self.members.roster.spelling(&identity),
                |hidden| hidden.url.spelling().clone(),
            );
            let id = self.exchanges.in_flight.begin(identity, Purpose::Inquiry, now.tick);
            self.legacy.listings.asked.insert(id);
            self.legacy.listings.next_slot = now.tick + PACE;
            self.cx.transmits.push_back(Transmit::Inquire { id, base_url, timeout: PEER_TIMEOUT });
        }
        self.schedule_listings(now.tick);
    }

    /// Shows an unconfirmed entry no longer.
    pub(in crate::protocol) fn hide(&mut self, peer: &Arc<str>, now: Now) {
        self.hide_until_heard(peer, Tick(0), now);
    }

    /// Shows a server that did not answer no longer. It may be buried if another server has answered
    /// since then.
    pub(in crate::protocol) fn hide_until_heard(&mut self, peer: &Arc<str>, heard_since: Tick, now: Now) {
        let Some(member) = self.members.roster.get(peer) else { return };
        let (monitor, stamp) = (member.monitor, member.highest_seen());
        let Ok(url) = BaseUrl::parse_shared(member.spelling(peer)) else { return };
        self.members.roster.remove(peer, now.tick);
        self.forget_in_queues(peer);
        if self.legacy.listings.hidden.len() >= MAX_HIDDEN {
            self.legacy.listings.evict_oldest();
        }
        let hidden = Hidden { url, monitor, stamp, failed_at: now.tick, heard_since };
        self.legacy.listings.hidden.insert(Arc::clone(peer), hidden);
        let again = now.tick + SECOND_TRY;
        self.legacy.listings.waiting.set(peer, again);
        self.schedule_listings(now.tick);
    }

    /// Another server has answered. The first answer shows that the network is sound.
    pub(in crate::protocol) fn note_answer(&mut self, now: Tick) {
        if self.legacy.listings.heard_at.replace(now).is_none() {
            self.legacy.listings.again.extend(self.legacy.listings.hidden.keys().cloned());
        }
    }

    /// Makes a hidden entry a member again.
    fn add_entry(&mut self, peer: &Arc<str>, status: Status, now: Now) {
        let Some(Hidden { url, monitor, stamp, .. }) = self.legacy.listings.reveal(peer) else { return };
        if self.members.roster.get(peer).is_none() && !self.members.roster.is_full() {
            let mut member = Member::new(&url, status, monitor, stamp, now);
            member.is_unconfirmed = status.is_online();
            self.members.roster.insert(Arc::clone(peer), member);
        }
    }

    /// What comes of a question about a hidden entry. False if it was about another server, or if it
    /// has been answered: then its server counts like any other.
    pub(in crate::protocol) fn conclude_hidden(
        &mut self,
        exchange: &Exchange,
        reply: &Reply<'_>,
        now: Now,
    ) -> bool {
        let Some(hidden) = self.legacy.listings.hidden.get(&exchange.peer) else { return false };
        if matches!(reply, Reply::Lists(_) | Reply::Native(_)) {
            self.add_entry(&exchange.peer, Status::Online, now);
            return false;
        }
        if exchange.purpose == Purpose::Inquiry && matches!(reply, Reply::Refusal(_) | Reply::Unclear(_)) {
            // Its list route may be closed: by gossip it may still answer.
            let url = hidden.url.clone();
            if !self.exchanges.in_flight.is_talking_to(&exchange.peer) {
                let id = self.try_by_gossip(&url, now);
                self.legacy.listings.asked.insert(id);
            }
            return true;
        }
        let is_silent = !matches!(reply, Reply::Refusal(_));
        let is_second = now.tick.since(hidden.failed_at) >= SECOND_TRY;
        // A server whose own network is broken must not bury everybody.
        let is_heard = self.legacy.listings.heard_at.is_some_and(|at| at >= hidden.heard_since);
        if is_silent && is_second && is_heard {
            self.add_entry(&exchange.peer, Status::Dead, now);
            self.bury(&exchange.peer, now);
        }
        true
    }

    /// A fresh download still names hidden entries: some of them may answer by now.
    pub(in crate::protocol) fn ask_hidden_again(&mut self) {
        let hidden = self.legacy.listings.hidden.len();
        let amount = ASKED_AGAIN.min(hidden);
        for place in rand::seq::index::sample(&mut self.cx.rng, hidden, amount) {
            let identity =
                self.legacy.listings.hidden.get_index(place).map(|(identity, _)| Arc::clone(identity));
            self.legacy.listings.again.extend(identity);
        }
    }
}
