//! Native servers that this one has not met. A sample of each batch is checked, and the whole batch
//! if most of the sample fails.
//!
//! ```text
//! claims about unknown natives ──▶ batch, 100 ms ──▶ sample of 16 ── most answer ─▶ believed
//!                                                        │ most do not
//!                                                        ▼
//!                      believed ◀─ reaches one ─── three helpers ── reach none ─▶ check all
//! ```
//! A peer with the secret may fabricate servers. Without these checks, each would be found dead
//! only by its next probe in order.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::{IndexMap, IndexSet};
use rand::RngExt;

use crate::protocol::context::Context;
use crate::protocol::context::deadlines::Deadlines;
use crate::protocol::context::effect::Effect;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::capacity::Quota;
use crate::protocol::exchanges::in_flight::InFlight;
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::members::member::check::{SECOND_TRY, YOUNG};
use crate::protocol::members::roster::Roster;
use crate::protocol::native::detection::Detection;
use crate::protocol::native::detection::helpers::HELPERS_WAIT;
use crate::protocol::native::detection::investigation::{Attempt, Failure, SECOND_PROBE_DELAY};
use crate::protocol::native::detection::stranger_batch::{Batch, DOUBTFUL_FAILURES, KnownBy};
use crate::protocol::types::ids::{NameKey, Origin};
use crate::protocol::types::time::{Incarnation, Now, Tick};
use crate::protocol::wire::extension::Finding;

/// Time for which strangers are gathered into one batch. Claims in many small messages count
/// together.
const BATCH_WINDOW: Duration = Duration::from_millis(100);
/// Strangers remembered that failed in batches too small for a verdict. They count in the next
/// batch.
const MAX_FAILING: usize = 1_024;
/// Pause between two checks. At 40 a second, 1,000 fabricated servers are gone within 150 s.
const CHECK_PACE: Duration = Duration::from_millis(25);
/// Checks in flight at once: as many as begin within the longest timeout of a probe.
pub(in crate::protocol) const MAX_CHECKS: usize = 40;
/// Failed strangers of a sample about which helpers are asked. The fault may be this server's own
/// network.
const MAX_ASKED_ABOUT: usize = 3;

/// The state of the checks of strangers.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Strangers {
    /// Possibly all members.
    arrived: IndexSet<NameKey, FixedState>,
    /// The time at which the arrived strangers become a batch.
    gathered_at: Tick,
    /// Whether any of them arrived with a roster that only this server has asked for.
    came_by_sync: bool,
    /// Whether the arrived strangers have failed before.
    is_on_hold: bool,
    failing: IndexMap<Arc<str>, Finding, FixedState>,
    batch: Option<Batch>,
    /// Members of doubtful batches, with the time of each one's first failure.
    doubtful: IndexMap<Arc<str>, Option<Tick>, FixedState>,
    doubted_since: Tick,
    queue: IndexSet<Arc<str>, FixedState>,
    waiting: Deadlines,
    next_slot: Tick,
}

impl Strangers {
    /// Adds a native server that this one has not met to the next batch.
    pub(in crate::protocol) fn arrive(&mut self, key: NameKey, origin: Origin, now: Tick) {
        if self.arrived.is_empty() {
            self.gathered_at = now + BATCH_WINDOW;
            self.came_by_sync = false;
        }
        self.came_by_sync |= !origin.is_passed_on();
        self.arrived.insert(key);
    }

    /// Whether the server most likely does not exist.
    pub(in crate::protocol) fn is_doubtful(&self, identity: &str) -> bool {
        !self.doubtful.is_empty() && self.doubtful.contains_key(identity)
    }

    /// Whether the server failed with most of its batch, and has more time.
    pub(in crate::protocol) fn is_on_hold(&self, roster: &Roster, identity: &str) -> bool {
        self.is_on_hold && self.arrived.contains(&roster.key_of(identity))
    }

    /// Whether the outcome of a probe of this server belongs to a check.
    pub(in crate::protocol) fn is_checking(&self, identity: &str) -> bool {
        self.is_doubtful(identity)
            || self.batch.as_ref().is_some_and(|batch| batch.checking.contains(identity))
    }

    /// Records that a stranger has answered.
    pub(in crate::protocol) fn pass(&mut self, identity: &Arc<str>) {
        if let Some(batch) = &mut self.batch {
            batch.passed += usize::from(batch.checking.swap_remove(identity));
        }
        self.failing.swap_remove(identity);
        self.settle(identity);
    }

    /// Records that a helper has reached a stranger. The fault is this server's own, so the batch
    /// is dropped without a verdict.
    pub(in crate::protocol) fn vouch(&mut self, identity: &Arc<str>) {
        self.pass(identity);
        if self.batch.as_ref().is_some_and(|batch| batch.asks_helpers) {
            self.batch = None;
        }
    }

    /// Removes a forgotten member.
    pub(in crate::protocol) fn forget(&mut self, roster: &Roster, identity: &Arc<str>) {
        let key = roster.key_of(identity);
        self.arrived.swap_remove(&key);
        self.failing.swap_remove(identity);
        if let Some(batch) = &mut self.batch {
            batch.members.swap_remove(&key);
            batch.checking.swap_remove(identity);
            batch.failed.swap_remove(identity);
        }
        self.settle(identity);
    }

    /// Returns the number of strangers that have arrived or are in a batch, and of doubtful ones.
    pub(in crate::protocol) fn lengths(&self) -> [usize; 2] {
        let batch = self.batch.as_ref().map_or(0, |batch| batch.members.len());
        [self.arrived.len() + batch, self.doubtful.len()]
    }

    fn settle(&mut self, identity: &Arc<str>) {
        self.doubtful.swap_remove(identity);
        self.queue.swap_remove(identity);
        self.waiting.forget(identity);
    }

    // Ordinary probes soon reach a few strangers. These wait here in case more arrive.
    fn are_many(&self) -> bool {
        !self.arrived.is_empty() && self.arrived.len() + self.failing.len() >= DOUBTFUL_FAILURES
    }

    fn has_checks(&self, in_flight: &InFlight) -> bool {
        let has_sample = self.batch.as_ref().is_some_and(|batch| !batch.to_check.is_empty());
        (has_sample || !self.queue.is_empty()) && in_flight.counted_against(Quota::Strangers) < MAX_CHECKS
    }

    fn next_wake(&self, in_flight: &InFlight) -> Option<Tick> {
        let gathered = (self.are_many() && self.batch.is_none()).then_some(self.gathered_at);
        let slot = self.has_checks(in_flight).then_some(self.next_slot);
        let judged = self.batch.as_ref().map(|batch| batch.until);
        [gathered, slot, judged, self.waiting.next()].into_iter().flatten().min()
    }

    fn has_batch_to_judge(&self, now: Tick) -> bool {
        self.batch.as_ref().is_some_and(|batch| batch.is_to_be_judged(now))
    }

    fn begin_batch(&mut self, known: &Members, cx: &mut Context, now: Now) {
        self.is_on_hold = false;
        let mut members = std::mem::take(&mut self.arrived);
        members.retain(|key| known.roster.find(*key).is_some_and(|(_, member)| member.is_native_stranger()));
        if members.len() + self.failing.len() < DOUBTFUL_FAILURES {
            self.arrived = members;
            return;
        }
        let known_by = if self.came_by_sync { KnownBy::LocalServer } else { KnownBy::Everyone };
        let mut batch = Batch::sampled(members, known_by, known, cx, now);
        // A peer must not avoid the verdict by sending few at a time.
        batch.failed = std::mem::take(&mut self.failing);
        batch.failed.retain(|identity, _| is_stranger(known, identity));
        batch.members.extend(batch.failed.keys().map(|identity| known.roster.key_of(identity)));
        self.batch = Some(batch);
    }

    fn draw_queued(&mut self, cx: &mut Context) -> Option<Arc<str>> {
        let queued = self.queue.len();
        let index = (queued > 0).then(|| cx.rng.random_range(0..queued))?;
        self.queue.swap_remove_index(index)
    }

    /// Records a stranger that failed in a batch too small for a verdict.
    pub(in crate::protocol) fn remember_failed(&mut self, peer: Arc<str>, finding: Finding) {
        if self.failing.len() < MAX_FAILING {
            self.failing.insert(peer, finding);
        }
    }

    /// Returns whether a doubtful stranger has failed for long enough, and otherwise schedules
    /// another check.
    fn confirm_failure(&mut self, peer: &Arc<str>, member: &Member, finding: Finding, now: Now) -> bool {
        let Some(first) = self.doubtful.get_mut(peer) else { return false };
        let pause = if finding == Finding::PortClosed { SECOND_PROBE_DELAY } else { SECOND_TRY };
        let listens_by = member.may_not_listen_before(now);
        let is_settled = first.is_some_and(|first| now.tick.since(first) >= pause) && listens_by <= now.tick;
        if !is_settled {
            first.get_or_insert(now.tick);
            self.waiting.set(peer, (now.tick + pause).max(listens_by));
        }
        is_settled
    }
}

impl Detection {
    /// Sets the timer to the next check, or to the next verdict about a batch.
    #[inline]
    pub(in crate::protocol) fn schedule_strangers(&self, exchanges: &Exchanges, cx: &mut Context, now: Tick) {
        let is_judged = self.strangers.has_batch_to_judge(now);
        let wake = if is_judged { Some(now) } else { self.strangers.next_wake(&exchanges.in_flight) };
        match wake {
            Some(at) => cx.timers.set(Timer::Strangers, at.max(now)),
            None => cx.timers.stop(Timer::Strangers),
        }
    }

    /// Judges the batch if it is due. If most of the sample has answered, returns the failed
    /// members, which count like any failed probe.
    pub(in crate::protocol) fn judge_strangers(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        now: Now,
    ) -> IndexMap<Arc<str>, Finding, FixedState> {
        let Some(mut batch) = self.strangers.batch.take_if(|batch| batch.is_to_be_judged(now.tick)) else {
            return IndexMap::default();
        };
        batch.failed.retain(|identity, _| is_stranger(members, identity));
        if !batch.is_doubtful() {
            return batch.failed;
        }
        if batch.asks_helpers {
            self.mark_doubtful(members, batch, now);
        } else if batch.is_mostly_young(members, now) {
            // They may not listen yet, and are checked again later.
            self.strangers.is_on_hold = true;
            self.strangers.gathered_at = now.tick + YOUNG;
            self.strangers.arrived.extend(batch.members);
        } else {
            self.ask_helpers_about_batch(members, exchanges, cx, batch, now);
        }
        IndexMap::default()
    }

    fn ask_helpers_about_batch(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        mut batch: Batch,
        now: Now,
    ) {
        // Messages to them may have failed, and opened investigations.
        for (identity, _) in batch.members.iter().filter_map(|key| members.roster.find(*key)) {
            if self.investigations.is_open(identity) {
                self.investigations.close(&identity.into());
            }
        }
        for (peer, finding) in batch.failed.iter().take(MAX_ASKED_ABOUT) {
            let incarnation =
                members.roster.get(peer).map_or(Incarnation::NONE, |member| member.incarnation());
            let failure = Failure { incarnation, finding: *finding, attempt: Attempt::Last };
            self.ask_helpers(members, exchanges, cx, peer, failure, now);
        }
        batch.asks_helpers = true;
        batch.until = now.tick + HELPERS_WAIT.mul_f64(exchanges.health.stretch()) + SECOND_PROBE_DELAY;
        self.strangers.batch = Some(batch);
    }

    fn mark_doubtful(&mut self, members: &Members, batch: Batch, now: Now) {
        if self.strangers.doubtful.is_empty() {
            self.strangers.doubted_since = now.tick;
        }
        for (identity, member) in batch.members.iter().filter_map(|key| members.roster.find(*key)) {
            if member.is_native_stranger() {
                let identity: Arc<str> = identity.into();
                self.strangers.doubtful.entry(Arc::clone(&identity)).or_default();
                self.strangers.queue.insert(identity);
            }
        }
    }

    /// Checks as many strangers as the rate limit allows.
    pub(in crate::protocol) fn check_strangers(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        now: Now,
    ) {
        let is_gathered = self.strangers.are_many() && self.strangers.gathered_at <= now.tick;
        if is_gathered && self.strangers.batch.is_none() {
            self.strangers.begin_batch(members, cx, now);
        }
        let due = self.strangers.waiting.take_due(now.tick);
        self.strangers.queue.extend(due);
        while self.strangers.has_checks(&exchanges.in_flight) && self.strangers.next_slot <= now.tick {
            self.check_next_stranger(members, exchanges, cx, now);
        }
        self.schedule_strangers(exchanges, cx, now.tick);
    }

    fn check_next_stranger(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        now: Now,
    ) {
        self.strangers.next_slot = now.tick + CHECK_PACE;
        let sampled = self.strangers.batch.as_mut().and_then(|batch| batch.to_check.pop());
        let is_sampled = sampled.is_some();
        let Some(peer) = sampled.or_else(|| self.strangers.draw_queued(cx)) else { return };
        if !is_stranger(members, &peer) {
            return self.strangers.settle(&peer);
        }
        match self.probe(members, exchanges, cx, &peer, now) {
            Some(id) => {
                exchanges.in_flight.count_against(id, Quota::Strangers);
                if let Some(batch) = self.strangers.batch.as_mut().filter(|_| is_sampled) {
                    batch.checking.insert(peer);
                }
            }
            // An exchange in flight with it serves the same purpose.
            None if is_sampled => {}
            None => self.strangers.waiting.set(&peer, now.tick + SECOND_PROBE_DELAY),
        }
    }

    /// Counts the failed check of a stranger.
    pub(super) fn fail_stranger(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        peer: &Arc<str>,
        finding: Finding,
        now: Now,
    ) {
        self.relays.report(members, exchanges, cx, peer, finding, now);
        if let Some(batch) = &mut self.strangers.batch
            && batch.checking.swap_remove(peer)
        {
            batch.failed.insert(Arc::clone(peer), finding);
        }
        let Some(member) = members.roster.get(peer) else { return };
        if !self.strangers.confirm_failure(peer, member, finding, now) {
            return;
        }
        self.strangers.settle(peer);
        self.investigations.close(peer);
        let doubted_since = self.strangers.doubted_since;
        let is_answered = members.isolation.was_answered_since(doubted_since);
        let has_exchanged = |member: &Member| member.is_online() && member.has_exchanged();
        if is_answered || !members.roster.iter().any(|(_, member)| has_exchanged(member)) {
            members.bury(cx, peer, now);
        } else {
            // A server that gets no answers must not declare others dead.
            cx.effects.push(Effect::Hide(Arc::clone(peer), doubted_since));
        }
    }
}

fn is_stranger(members: &Members, identity: &str) -> bool {
    members.roster.get(identity).is_some_and(Member::is_native_stranger)
}
