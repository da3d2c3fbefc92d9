//! A batch of strangers: the check of a random sample decides about the whole batch.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::{IndexMap, IndexSet};
use rand::RngExt;

use crate::protocol::context::Context;
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::members::member::check::YOUNG;
use crate::protocol::types::ids::NameKey;
use crate::protocol::types::time::{Incarnation, Now, Tick};
use crate::protocol::wire::extension::Finding;

/// Strangers in the sample of a batch.
const SAMPLE: usize = 16;
/// Servers that check the same stranger, on average. A rumour reaches all servers, so each checks
/// only its share.
const CHECKERS: f64 = 16.0;
/// Failed checks that make a batch doubtful, if they are most of its checks too. A few servers that
/// start at once may not listen yet.
pub(super) const DOUBTFUL_FAILURES: usize = 8;
/// Timeout of the checks of a sample.
const SAMPLE_TIMEOUT: Duration = Duration::from_secs(3);

/// Strangers that arrived together, of which a sample is checked.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) members: IndexSet<NameKey, FixedState>,
    pub(super) to_check: Vec<Arc<str>>,
    pub(super) checking: IndexSet<Arc<str>, FixedState>,
    pub(super) failed: IndexMap<Arc<str>, Finding, FixedState>,
    pub(super) passed: usize,
    /// The end of the wait for its sample, or for the findings of helpers.
    pub(super) until: Tick,
    pub(super) asks_helpers: bool,
}

/// The servers that know the members of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KnownBy {
    /// Only this server, which asked for a roster.
    LocalServer,
    /// All servers: each checks its share.
    Everyone,
}

impl Batch {
    /// Returns a batch with a random sample to check.
    pub(super) fn sampled(
        members: IndexSet<NameKey, FixedState>,
        known_by: KnownBy,
        known: &Members,
        cx: &mut Context,
        now: Now,
    ) -> Self {
        let servers = (known.roster.native_count().saturating_sub(members.len()) + 1) as f64;
        let share = if known_by == KnownBy::LocalServer { 1.0 } else { (CHECKERS / servers).min(1.0) };
        let wanted = members.len() as f64 * share;
        let chance = usize::from(cx.rng.random::<f64>() < wanted.fract());
        let amount = (wanted as usize + chance).min(SAMPLE).min(members.len());
        let sample = rand::seq::index::sample(&mut cx.rng, members.len(), amount);
        let name = |index| known.roster.name_of(*members.get_index(index)?);
        let to_check = sample.into_iter().filter_map(name).collect();
        Self {
            members,
            to_check,
            checking: IndexSet::default(),
            failed: IndexMap::default(),
            passed: 0,
            until: now.tick + SAMPLE_TIMEOUT,
            asks_helpers: false,
        }
    }

    pub(super) fn is_to_be_judged(&self, now: Tick) -> bool {
        let is_sampled = !self.asks_helpers && self.to_check.is_empty() && self.checking.is_empty();
        is_sampled || self.until <= now
    }

    pub(super) fn is_doubtful(&self) -> bool {
        self.failed.len() >= DOUBTFUL_FAILURES && self.failed.len() > self.passed
    }

    /// Whether most of those that failed may not listen yet.
    pub(super) fn is_mostly_young(&self, members: &Members, now: Now) -> bool {
        let is_young = |peer: &&Arc<str>| {
            members.roster.get(peer).is_some_and(|member| member.may_not_listen_before(now) > now.tick)
        };
        2 * self.failed.keys().filter(is_young).count() > self.failed.len()
    }
}

impl Member {
    /// Returns the time until which it may not listen yet. A server that started long ago has no
    /// grace.
    pub(super) fn may_not_listen_before(&self, now: Now) -> Tick {
        let has_just_started = self.incarnation().next_after(YOUNG) >= Incarnation::first(now.wall);
        if has_just_started { self.changed_at().tick() + YOUNG } else { now.tick }
    }
}

impl Incarnation {
    fn next_after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(u32::try_from(delay.as_secs()).unwrap_or(u32::MAX)))
    }
}
