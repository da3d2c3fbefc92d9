//! Entries of the master list that no online server confirms. This server soon asks each of them
//! for its list, and hides those that do not answer.
//!
//! ```text
//! unknown entry ─▶ shown, unconfirmed ──▶ hidden ─────────────▶ dead
//!                      │        no answer  │   no answer again, while others answer
//!                      ▼                   ▼
//!                  confirmed ◀─────────────┘ by its own answer, or by another server's word
//! ```
//! After a redeploy the list is full of addresses without a server. A hidden entry has no tombstone
//! and stays on the master list, because the fault may be this server's own network.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexSet;
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use crate::protocol::context::Context;
use crate::protocol::context::deadlines::Deadlines;
use crate::protocol::context::output::Transmit;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::capacity::Quota;
use crate::protocol::exchanges::in_flight::{Exchange, InFlight, PEER_TIMEOUT, Purpose};
use crate::protocol::members::Members;
use crate::protocol::members::member::check::SECOND_TRY;
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::message::Reply;

/// Pause between two requests to unconfirmed entries. At 30 a second, 200 dead entries are gone
/// within 25 s.
const LISTING_INTERVAL: Duration = Duration::from_millis(33);
/// Requests to unconfirmed entries in flight at once. A dead host occupies one for 5 s.
pub(in crate::protocol) const MAX_ASKED: usize = 64;
/// Hidden entries asked again after a download. The bound keeps a long list of dead ones cheap.
const HIDDEN_RETRIES: usize = 64;

/// The entries of the master list to ask for their lists, and when.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Listings {
    /// Shown entries to ask for the first time. It may contain other members, which are skipped on
    /// removal.
    shown: IndexSet<Arc<str>, FixedState>,
    /// Hidden entries to ask again after all others.
    again: IndexSet<Arc<str>, FixedState>,
    /// Hidden entries to ask again at a certain time.
    waiting: Deadlines,
    next_slot: Tick,
}

/// The effect of the reply of a server that may be hidden.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::protocol) enum HiddenReply {
    /// The server is a member, or has become one by this reply, which counts like that of any other
    /// member.
    OfMember,
    /// Its list route may be closed, but it may still answer gossip.
    TryGossip(BaseUrl),
    /// Nothing else follows.
    Settled,
}

impl Listings {
    /// Queues a new entry.
    pub(in crate::protocol) fn ask_first(&mut self, identity: &Arc<str>) {
        self.shown.insert(Arc::clone(identity));
    }

    /// Queues all hidden servers again: the first answer of another server shows that the network
    /// works.
    pub(in crate::protocol) fn ask_all_again(&mut self, members: &Members) {
        self.again.extend(members.hidden.identities().cloned());
    }

    /// Queues some hidden servers again, because a new download still names them.
    pub(in crate::protocol) fn ask_some_again(&mut self, members: &Members, cx: &mut Context) {
        let hidden = members.hidden.len();
        for index in rand::seq::index::sample(&mut cx.rng, hidden, HIDDEN_RETRIES.min(hidden)) {
            self.again.extend(members.hidden.at(index).cloned());
        }
    }

    /// Removes a forgotten member.
    pub(in crate::protocol) fn forget(&mut self, identity: &Arc<str>) {
        self.shown.swap_remove(identity);
    }

    /// Removes a server that has ceased to be hidden.
    pub(in crate::protocol) fn forget_hidden(&mut self, identity: &Arc<str>) {
        self.waiting.forget(identity);
        self.again.swap_remove(identity);
    }

    /// Returns the number of servers to ask.
    pub(in crate::protocol) fn len(&self) -> usize {
        self.shown.len() + self.again.len() + self.waiting.len()
    }

    pub(in crate::protocol) fn schedule(&self, exchanges: &Exchanges, cx: &mut Context, now: Tick) {
        let slot = self.may_ask(&exchanges.in_flight).then_some(self.next_slot);
        match slot.into_iter().chain(self.waiting.next()).min() {
            Some(at) => cx.timers.set(Timer::Listings, at.max(now)),
            None => cx.timers.stop(Timer::Listings),
        }
    }

    /// Asks as many entries for their lists as the rate limit allows.
    pub(in crate::protocol) fn ask_due(
        &mut self,
        members: &Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        now: Now,
    ) {
        self.again.extend(self.waiting.take_due(now.tick));
        while self.may_ask(&exchanges.in_flight) && self.next_slot <= now.tick {
            let Some(identity) = self.take_next(&mut cx.rng) else { break };
            let hidden = members.hidden.get(&identity);
            if hidden.is_none() && !members.is_unconfirmed(&identity) {
                continue;
            }
            // An exchange in flight with it serves the same purpose.
            if exchanges.in_flight.is_verifying(&identity) || exchanges.in_flight.has_exchange_with(&identity)
            {
                continue;
            }
            let base_url = hidden.map_or_else(
                || members.roster.spelling(&identity),
                |hidden| Arc::clone(hidden.url.spelling()),
            );
            let id = exchanges.in_flight.begin(identity, Purpose::Inquiry, now.tick);
            exchanges.in_flight.count_against(id, Quota::Listings);
            self.next_slot = now.tick + LISTING_INTERVAL;
            cx.transmits.push_back(Transmit::Inquire { id, base_url, timeout: PEER_TIMEOUT });
        }
        self.schedule(exchanges, cx, now.tick);
    }

    fn may_ask(&self, in_flight: &InFlight) -> bool {
        let has_entries = !(self.shown.is_empty() && self.again.is_empty());
        has_entries && in_flight.counted_against(Quota::Listings) < MAX_ASKED
    }

    fn take_next(&mut self, rng: &mut Xoshiro256PlusPlus) -> Option<Arc<str>> {
        let queue = if self.shown.is_empty() { &mut self.again } else { &mut self.shown };
        let last = queue.len().checked_sub(1)?;
        queue.swap_remove_index(rng.random_range(0..=last))
    }

    /// Hides a member that did not answer. It may be declared dead if another server has answered
    /// since then.
    pub(in crate::protocol) fn hide(
        &mut self,
        members: &mut Members,
        exchanges: &Exchanges,
        cx: &mut Context,
        peer: &Arc<str>,
        doubted_since: Tick,
        now: Now,
    ) {
        if let Some(evicted) = members.hide(cx, peer, doubted_since, now) {
            self.forget_hidden(&evicted);
        }
        if members.hidden.get(peer).is_none() {
            return;
        }
        self.forget(peer);
        self.waiting.set(peer, now.tick + SECOND_TRY);
        self.schedule(exchanges, cx, now.tick);
    }

    /// Decides about the reply of a server that may be hidden.
    pub(in crate::protocol) fn handle_reply(
        &mut self,
        members: &mut Members,
        cx: &mut Context,
        exchange: &Exchange,
        reply: &Reply<'_>,
        now: Now,
    ) -> HiddenReply {
        let peer = &exchange.peer;
        let Some(hidden) = members.hidden.get(peer) else { return HiddenReply::OfMember };
        if matches!(reply, Reply::Lists(_) | Reply::Native(_)) {
            members.reveal(cx, peer, Status::Online, now);
            return HiddenReply::OfMember;
        }
        if exchange.purpose == Purpose::Inquiry && matches!(reply, Reply::Refusal(_) | Reply::Unclear(_)) {
            return HiddenReply::TryGossip(hidden.url.clone());
        }
        let is_silent = !matches!(reply, Reply::Refusal(_));
        let is_second = now.tick.since(hidden.failed_at) >= SECOND_TRY;
        // A server whose own network is broken must not declare all others dead.
        let is_network_sound = members.isolation.was_answered_since(hidden.doubted_since);
        if is_silent && is_second && is_network_sound {
            members.reveal(cx, peer, Status::Dead, now);
            members.bury(cx, peer, now);
        }
        HiddenReply::Settled
    }
}
