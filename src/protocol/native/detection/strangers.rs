//! Native servers that nobody here has met: of each batch a sample is checked, and all of it if most
//! of the sample fails.
//!
//! ```text
//! claims about unknown natives ──▶ batch, 100 ms ──▶ sample of 16 ── most answer ─▶ believed
//!                                                        │ most do not
//!                                                        ▼
//!                      believed ◀─ reaches one ─── three helpers ── reach none ─▶ doubtful: all are checked
//! ```
//! A peer with the secret may tell of servers that it made up. Where they are believed, each is only
//! found dead when its turn to be probed has come.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::{IndexMap, IndexSet};
use rand::RngExt;

use crate::protocol::context::deadlines::Deadlines;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::capacity::Quota;
use crate::protocol::exchanges::in_flight::InFlight;
use crate::protocol::machine::Machine;
use crate::protocol::members::member::Member;
use crate::protocol::members::member::check::{SECOND_TRY, YOUNG};
use crate::protocol::native::detection::helpers::HELPERS_WAIT;
use crate::protocol::native::detection::investigation::{Attempt, Failure, KNOCK_AGAIN};
use crate::protocol::types::ids::Origin;
use crate::protocol::types::time::{Incarnation, Now, Tick};
use crate::protocol::wire::extension::Finding;

/// Time for which strangers are gathered into one batch, so that claims in many small messages
/// count together.
const GATHERED: Duration = Duration::from_millis(100);
/// Strangers of a batch that are checked at first.
const SAMPLE: usize = 16;
/// Servers that check the same stranger, on average: all hear of it when it spreads as a rumour.
const CHECKERS: f64 = 16.0;
/// Failed checks that make a batch doubtful, if they are most of its checks too. A few servers that
/// start at once may not listen yet.
const MANY_FAILED: usize = 8;
/// Strangers that failed in batches too small for a verdict, and count in the next one.
const MAX_FAILING: usize = 1_024;
/// Pause between two checks: 40 a second, so that 1,000 made-up servers are gone within 150 s.
const PACE: Duration = Duration::from_millis(25);
/// Checks under way at once: as many as begin within the longest timeout of a probe.
pub(in crate::protocol) const MAX_ASKED: usize = 40;
/// Bound of the wait for the outcome of a sample.
const SAMPLE_TAKES: Duration = Duration::from_secs(3);
/// Failed ones of a sample that helpers are asked about: the fault may be this server's own network.
const LOOKED_AT: usize = 3;

/// What is being found out about strangers.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Strangers {
    arrived: IndexSet<Arc<str>, FixedState>,
    /// When those that have arrived become a batch.
    gathered_at: Tick,
    /// Whether a roster that was asked for brought them, which nobody else has heard.
    came_by_sync: bool,
    /// Whether those that have arrived failed before.
    is_on_hold: bool,
    failing: IndexMap<Arc<str>, Finding, FixedState>,
    batch: Option<Batch>,
    /// Those of doubtful batches, with the moment of the first failure.
    doubtful: IndexMap<Arc<str>, Option<Tick>, FixedState>,
    doubted_since: Tick,
    queue: IndexSet<Arc<str>, FixedState>,
    waiting: Deadlines,
    next_slot: Tick,
}

#[derive(Debug)]
struct Batch {
    members: IndexSet<Arc<str>, FixedState>,
    to_check: Vec<Arc<str>>,
    checking: IndexSet<Arc<str>, FixedState>,
    failed: IndexMap<Arc<str>, Finding, FixedState>,
    passed: usize,
    /// When its sample, or what helpers find, is waited for no longer.
    until: Tick,
    asks_helpers: bool,
}

impl Batch {
    fn is_to_be_judged(&self, now: Tick) -> bool {
        let is_sampled = !self.asks_helpers && self.to_check.is_empty() && self.checking.is_empty();
        is_sampled || self.until <= now
    }
}

impl Strangers {
    /// Somebody tells of a native server that is not known here.
    pub(in crate::protocol) fn arrive(&mut self, identity: &Arc<str>, origin: Origin, now: Tick) {
        if self.arrived.is_empty() {
            self.gathered_at = now + GATHERED;
            self.came_by_sync = false;
        }
        self.came_by_sync |= !origin.is_passed_on();
        self.arrived.insert(Arc::clone(identity));
    }

    /// Whether it most likely does not exist.
    pub(in crate::protocol) fn is_doubtful(&self, identity: &str) -> bool {
        !self.doubtful.is_empty() && self.doubtful.contains_key(identity)
    }

    /// Whether it failed with most of its batch, and is given time.
    pub(in crate::protocol) fn is_on_hold(&self, identity: &str) -> bool {
        self.is_on_hold && self.arrived.contains(identity)
    }

    /// Whether what comes of a probe is a check's outcome.
    pub(in crate::protocol) fn is_checking(&self, identity: &str) -> bool {
        self.is_doubtful(identity)
            || self.batch.as_ref().is_some_and(|batch| batch.checking.contains(identity))
    }

    /// It has answered.
    pub(in crate::protocol) fn pass(&mut self, identity: &Arc<str>) {
        if let Some(batch) = &mut self.batch {
            batch.passed += usize::from(batch.checking.swap_remove(identity));
        }
        self.failing.swap_remove(identity);
        self.settle(identity);
    }

    /// A helper has reached it: what was found here says more about this server than about strangers.
    pub(in crate::protocol) fn vouch(&mut self, identity: &Arc<str>) {
        self.pass(identity);
        if self.batch.as_ref().is_some_and(|batch| batch.asks_helpers) {
            self.batch = None;
        }
    }

    /// A member that is no longer known is not checked.
    pub(in crate::protocol) fn forget(&mut self, identity: &Arc<str>) {
        self.arrived.swap_remove(identity);
        self.failing.swap_remove(identity);
        if let Some(batch) = &mut self.batch {
            batch.members.swap_remove(identity);
            batch.checking.swap_remove(identity);
            batch.failed.swap_remove(identity);
        }
        self.settle(identity);
    }

    /// How many have arrived or are in a batch, and how many are doubtful.
    pub(in crate::protocol) fn lengths(&self) -> [usize; 2] {
        let batch = self.batch.as_ref().map_or(0, |batch| batch.members.len());
        [self.arrived.len() + batch, self.doubtful.len()]
    }

    fn settle(&mut self, identity: &Arc<str>) {
        self.doubtful.swap_remove(identity);
        self.queue.swap_remove(identity);
        self.waiting.forget(identity);
    }

    // Fewer are met by ordinary probes soon enough, and wait here in case that more come.
    fn are_many(&self) -> bool {
        !self.arrived.is_empty() && self.arrived.len() + self.failing.len() >= MANY_FAILED
    }

    fn has_checks(&self, in_flight: &InFlight) -> bool {
        let has_sample = self.batch.as_ref().is_some_and(|batch| !batch.to_check.is_empty());
        in_flight.counted_against(Quota::Strangers) < MAX_ASKED && (has_sample || !self.queue.is_empty())
    }

    fn next_wake(&self, in_flight: &InFlight) -> Option<Tick> {
        let gathered = (self.are_many() && self.batch.is_none()).then_some(self.gathered_at);
        let slot = self.has_checks(in_flight).then_some(self.next_slot);
        let judged = self.batch.as_ref().map(|batch| batch.until);
        [gathered, slot, judged, self.waiting.next()].into_iter().flatten().min()
    }
}

impl Machine {
    pub(in crate::protocol) fn is_stranger(&self, identity: &str) -> bool {
        self.members.roster.get(identity).is_some_and(Member::is_native_stranger)
    }

    pub(in crate::protocol) fn schedule_strangers(&mut self, now: Tick) {
        let is_judged =
            self.native.detection.strangers.batch.as_ref().is_some_and(|batch| batch.is_to_be_judged(now));
        let wake = if is_judged {
            Some(now)
        } else {
            self.native.detection.strangers.next_wake(&self.exchanges.in_flight)
        };
        match wake {
            Some(at) => self.cx.timers.set(Timer::Strangers, at.max(now)),
            None => self.cx.timers.stop(Timer::Strangers),
        }
    }

    /// Checks as many strangers as the pace allows, and judges the batch.
    pub(in crate::protocol) fn check_strangers(&mut self, now: Now) {
        if self.native.detection.strangers.batch.as_ref().is_some_and(|batch| batch.is_to_be_judged(now.tick))
        {
            self.judge_batch(now);
        }
        let is_gathered = self.native.detection.strangers.are_many()
            && self.native.detection.strangers.gathered_at <= now.tick;
        if is_gathered && self.native.detection.strangers.batch.is_none() {
            self.begin_batch(now);
        }
        let due = self.native.detection.strangers.waiting.take_due(now.tick);
        self.native.detection.strangers.queue.extend(due);
        while self.native.detection.strangers.has_checks(&self.exchanges.in_flight)
            && self.native.detection.strangers.next_slot <= now.tick
        {
            self.check_next(now);
        }
        self.schedule_strangers(now.tick);
    }

    fn begin_batch(&mut self, now: Now) {
        self.native.detection.strangers.is_on_hold = false;
        let mut members = std::mem::take(&mut self.native.detection.strangers.arrived);
        members.retain(|identity| self.is_stranger(identity));
        if members.len() + self.native.detection.strangers.failing.len() < MANY_FAILED {
            self.native.detection.strangers.arrived = members;
            return;
        }
        let known = (self.members.roster.native_count().saturating_sub(members.len()) + 1) as f64;
        let share =
            if self.native.detection.strangers.came_by_sync { 1.0 } else { (CHECKERS / known).min(1.0) };
        let wanted = members.len() as f64 * share;
        let chance = usize::from(self.cx.rng.random::<f64>() < wanted.fract());
        let amount = (wanted as usize + chance).min(SAMPLE).min(members.len());
        let places = rand::seq::index::sample(&mut self.cx.rng, members.len(), amount);
        let to_check = places.into_iter().filter_map(|place| members.get_index(place).cloned()).collect();
        // Few at a time are no way round the verdict.
        let mut failed = std::mem::take(&mut self.native.detection.strangers.failing);
        failed.retain(|identity, _| self.is_stranger(identity));
        members.extend(failed.keys().cloned());
        self.native.detection.strangers.batch = Some(Batch {
            members,
            to_check,
            checking: IndexSet::default(),
            failed,
            passed: 0,
            until: now.tick + SAMPLE_TAKES,
            asks_helpers: false,
        });
    }

    fn check_next(&mut self, now: Now) {
        self.native.detection.strangers.next_slot = now.tick + PACE;
        let sampled = self.native.detection.strangers.batch.as_mut().and_then(|batch| batch.to_check.pop());
        let is_sampled = sampled.is_some();
        let last = self.native.detection.strangers.queue.len();
        let peer = sampled.or_else(|| {
            let place = (last > 0).then(|| self.cx.rng.random_range(0..last))?;
            self.native.detection.strangers.queue.swap_remove_index(place)
        });
        let Some(peer) = peer else { return };
        if !self.is_stranger(&peer) {
            return self.native.detection.strangers.settle(&peer);
        }
        match self.probe(&peer, now) {
            Some(id) => {
                self.exchanges.in_flight.count_against(id, Quota::Strangers);
                if let Some(batch) = self.native.detection.strangers.batch.as_mut().filter(|_| is_sampled) {
                    batch.checking.insert(peer);
                }
            }
            // What is under way with it tells as much.
            None if is_sampled => {}
            None => self.native.detection.strangers.waiting.set(&peer, now.tick + KNOCK_AGAIN),
        }
    }

    /// A check has failed.
    pub(in crate::protocol) fn fail_stranger(&mut self, peer: &Arc<str>, finding: Finding, now: Now) {
        self.report(peer, finding, now);
        if let Some(batch) = &mut self.native.detection.strangers.batch
            && batch.checking.swap_remove(peer)
        {
            batch.failed.insert(Arc::clone(peer), finding);
        }
        let Some(member) = self.members.roster.get(peer) else { return };
        let Some(first) = self.native.detection.strangers.doubtful.get_mut(peer) else { return };
        let pause = if finding == Finding::Refused { KNOCK_AGAIN } else { SECOND_TRY };
        let listens_by = member.may_not_listen_before(now);
        let is_settled = first.is_some_and(|first| now.tick.since(first) >= pause) && listens_by <= now.tick;
        if !is_settled {
            first.get_or_insert(now.tick);
            return self.native.detection.strangers.waiting.set(peer, (now.tick + pause).max(listens_by));
        }
        self.native.detection.strangers.settle(peer);
        let doubted_since = self.native.detection.strangers.doubted_since;
        let is_heard = self.members.isolation.has_heard_since(doubted_since);
        self.native.detection.investigations.close(peer);
        if is_heard
            || !self.members.roster.iter().any(|(_, member)| member.is_online() && member.has_exchanged())
        {
            self.bury(peer, now);
        } else {
            // One that nobody answers any more must not bury anybody.
            self.hide(peer, doubted_since, now);
        }
    }

    fn judge_batch(&mut self, now: Now) {
        let Some(mut batch) = self.native.detection.strangers.batch.take() else { return };
        batch.failed.retain(|identity, _| self.is_stranger(identity));
        let is_doubtful = batch.failed.len() >= MANY_FAILED && batch.failed.len() > batch.passed;
        if is_doubtful && batch.asks_helpers {
            self.doubt_batch(batch, now);
        } else if is_doubtful {
            let is_young = |(peer, _): &(&Arc<str>, &Finding)| {
                self.members
                    .roster
                    .get(peer)
                    .is_some_and(|member| member.may_not_listen_before(now) > now.tick)
            };
            if 2 * batch.failed.iter().filter(is_young).count() > batch.failed.len() {
                // They may not listen yet, and are checked again when they have had time.
                self.native.detection.strangers.is_on_hold = true;
                self.native.detection.strangers.gathered_at = now.tick + YOUNG;
                return self.native.detection.strangers.arrived.extend(batch.members);
            }
            // News for others went to them too, and what came of that opened questions.
            batch.members.iter().for_each(|identity| self.native.detection.investigations.close(identity));
            for (peer, finding) in batch.failed.iter().take(LOOKED_AT) {
                let incarnation =
                    self.members.roster.get(peer).map_or(Incarnation::NONE, |member| member.incarnation);
                let failure = Failure { incarnation, finding: *finding, attempt: Attempt::Last };
                let Self { native, members, exchanges, cx, .. } = &mut *self;
                native.detection.ask_helpers(members, exchanges, cx, peer, failure, now);
            }
            batch.asks_helpers = true;
            batch.until = now.tick + HELPERS_WAIT.mul_f64(self.exchanges.health.stretch()) + KNOCK_AGAIN;
            self.native.detection.strangers.batch = Some(batch);
        } else {
            // As with every probe that fails.
            for (peer, finding) in batch.failed {
                self.probe_failed(&peer, finding, now);
                if self.native.detection.strangers.failing.len() < MAX_FAILING {
                    self.native.detection.strangers.failing.insert(peer, finding);
                }
            }
        }
    }

    fn doubt_batch(&mut self, batch: Batch, now: Now) {
        if self.native.detection.strangers.doubtful.is_empty() {
            self.native.detection.strangers.doubted_since = now.tick;
        }
        for identity in batch.members {
            if self.is_stranger(&identity) {
                self.native.detection.strangers.doubtful.entry(Arc::clone(&identity)).or_default();
                self.native.detection.strangers.queue.insert(identity);
            }
        }
    }
}

impl Member {
    /// Whether it is known as a native server by hearsay alone.
    pub(in crate::protocol) fn is_native_stranger(&self) -> bool {
        self.is_online() && self.is_native() && !self.has_exchanged() && !self.has_answered()
    }

    /// Until when it may not listen yet: grace is for a server that has spoken itself, so one that
    /// started long ago has none.
    fn may_not_listen_before(&self, now: Now) -> Tick {
        let has_just_started = self.incarnation.next_after(YOUNG) >= Incarnation::first(now.wall);
        if has_just_started { self.changed_at.tick() + YOUNG } else { now.tick }
    }
}

impl Incarnation {
    fn next_after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(u32::try_from(delay.as_secs()).unwrap_or(u32::MAX)))
    }
}
