//! Verification: requests to members for their own entries, by `GET {base_url}clustershazbot/list`.
//!
//! A gossip request would put a drained legacy peer back online, so only a member without a list
//! route is sent one. Rounds never wait for a verification. Verifications of a joining server begin
//! after its start has resolved.

use std::sync::Arc;

use crate::protocol::context::Context;
use crate::protocol::context::deadlines::Deadlines;
use crate::protocol::context::effect::CheckReason;
use crate::protocol::context::output::Transmit;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::in_flight::{PEER_TIMEOUT, Purpose};
use crate::protocol::legacy::verification::queue::{Capacity, Priority, VerificationQueue};
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::members::member::check::{Check, SECOND_TRY};
use crate::protocol::members::roster::Roster;
use crate::protocol::types::time::{Now, Tick};

pub(in crate::protocol) mod absence;
pub(in crate::protocol) mod answer;
pub(in crate::protocol) mod expiry;
pub(in crate::protocol) mod queue;
pub(in crate::protocol) mod refusals;
mod silence;

/// The members to ask about themselves, and when.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Verification {
    queue: VerificationQueue,
    /// The time of the next review of each refusing server.
    refusals: Deadlines,
    /// The time of the next request to each absent server.
    absent: Deadlines,
    /// The time of the next search for unconfirmed claims.
    next_expiry: Tick,
}

impl Verification {
    /// Opens a check of a member, or adds a reason to the open one.
    pub(in crate::protocol) fn open_check(
        &mut self,
        members: &mut Members,
        exchanges: &Exchanges,
        identity: &Arc<str>,
        reason: CheckReason,
    ) {
        let Some(member) = members.roster.get_mut(identity) else { return };
        let is_new = member.check().is_none();
        let added = member.add_check_reason(reason);
        if added.is_news {
            member.dispute(exchanges.in_flight.last_to(identity));
        }
        if is_new || added.is_urgent {
            let is_hearsay = reason == CheckReason::Hearsay;
            let priority = if is_hearsay { Priority::Hearsay } else { Priority::Accused };
            self.queue.push(&members.roster, Arc::clone(identity), priority);
        }
    }

    /// Queues a member again because its answer does not settle the newest claim, unless another
    /// request is in flight.
    pub(in crate::protocol) fn check_again(
        &mut self,
        members: &mut Members,
        exchanges: &Exchanges,
        peer: &Arc<str>,
    ) {
        let Some(member) = members.roster.get_mut(peer) else { return };
        if !exchanges.in_flight.is_verifying(peer) {
            member.open_check().queue();
            self.queue.push(&members.roster, Arc::clone(peer), Priority::Accused);
        }
    }

    /// Lets an exchange in flight settle the check. If it does not, the member is asked again.
    pub(in crate::protocol) fn await_exchange(&mut self, members: &mut Members, peer: &Arc<str>, now: Now) {
        let Some(check) = members.roster.get_mut(peer).and_then(Member::check_mut) else { return };
        let again = now.tick + SECOND_TRY;
        check.wait_until(again);
        self.queue.wait(peer, again);
    }

    /// Sets the timer of the next verification.
    pub(in crate::protocol) fn schedule(
        &self,
        cx: &mut Context,
        capacity: impl FnOnce(&Context) -> Capacity,
        now: Tick,
    ) {
        match self.queue.next_wake(|| capacity(cx)) {
            Some(at) => cx.timers.set(Timer::Verify, at.max(now)),
            None => cx.timers.stop(Timer::Verify),
        }
    }

    /// Queues the members whose pause before the next try has ended.
    pub(in crate::protocol) fn queue_due(&mut self, members: &mut Members, now: Tick) {
        for identity in self.queue.take_due(now) {
            let Some(member) = members.roster.get_mut(&identity) else { continue };
            let Some(check) = member.check_mut().filter(|check| check.is_due(now)) else { continue };
            check.queue();
            let is_accused =
                member.check().is_some_and(|check| check.standing_accusation(member.stamp()).is_some());
            let priority = if is_accused { Priority::Accused } else { Priority::Hearsay };
            self.queue.push(&members.roster, identity, priority);
        }
    }

    /// Removes the next member from the queue, if the rate limit allows, and asks it for its list.
    /// Returns false if the queue is empty or the limit reached.
    pub(in crate::protocol) fn ask_next(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        now: Now,
    ) -> bool {
        let Some(identity) = self.queue.take_next(&members.roster, now.tick, &mut cx.rng) else {
            return false;
        };
        let Some(member) = members.roster.get_mut(&identity) else { return true };
        // The answer to another request may have settled the check since then.
        if !member.check_mut().is_some_and(Check::try_ask) {
            return true;
        }
        // The answer to an earlier request is still awaited, and serves the same purpose.
        if exchanges.in_flight.is_verifying(&identity) {
            return true;
        }
        let base_url = members.roster.spelling(&identity);
        self.queue.spend_slot(now.tick);
        let id = exchanges.in_flight.begin(identity, Purpose::Inquiry, now.tick);
        cx.transmits.push_back(Transmit::Inquire { id, base_url, timeout: PEER_TIMEOUT });
        true
    }

    /// Removes a forgotten member.
    pub(in crate::protocol) fn forget(&mut self, roster: &Roster, identity: &Arc<str>) {
        self.refusals.forget(identity);
        self.absent.forget(identity);
        self.queue.forget(roster, identity);
    }

    /// Returns the number of members that are queued, wait for another try, refuse, and are absent.
    pub(in crate::protocol) fn lengths(&self) -> [usize; 4] {
        let [queued, waiting] = self.queue.lengths();
        [queued, waiting, self.refusals.len(), self.absent.len()]
    }
}
