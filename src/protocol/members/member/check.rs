//! An open question about a member: is it alive? And when to ask again.

use std::time::Duration;

use crate::protocol::context::effect::{CheckReason, Comeback};
use crate::protocol::members::member::Member;
use crate::protocol::types::time::{Now, Stamp, Tick};

/// The pause before the second try.
pub(in crate::protocol) const SECOND_TRY: Duration = Duration::from_secs(3);
/// A claim this young may come from a server that does not listen yet.
pub(in crate::protocol) const YOUNG: Duration = Duration::from_secs(30);
/// When such a server is tried again, counted from the first failure.
const GRACE_TRIES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(9), Duration::from_secs(27)];

/// Where the question stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Stage {
    /// In the queue.
    Queued,
    /// Failed before; asked again at the moment given.
    Waiting(Tick),
    /// Asked; the answer is awaited.
    Asked,
}

/// When one that may not listen yet is tried next; none when all tries are used up.
pub(in crate::protocol) fn next_grace_try(first_failure: Tick, now: Tick) -> Option<Tick> {
    GRACE_TRIES.into_iter().map(|delay| first_failure + delay).find(|at| *at > now)
}

/// An open question about a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::protocol) struct Check {
    pub(in crate::protocol) stage: Stage,
    /// The newest hearsay that says offline of an online member.
    pub(in crate::protocol) accusation: Option<Stamp>,
    /// The newest hearsay that says online of one that this server itself found dead.
    pub(in crate::protocol) comeback: Option<Comeback>,
    /// Since when it has been looked for an answer, within some seconds.
    pub(in crate::protocol) open_since: Option<Tick>,
    first_failure: Option<FirstFailure>,
    failures: u32,
    has_grace: bool,
}

/// When a member fell silent, and what was the newest claim about it then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) struct FirstFailure {
    pub(in crate::protocol) at: Now,
    pub(in crate::protocol) newest: Stamp,
}

impl Check {
    pub(in crate::protocol) fn new() -> Self {
        Self {
            stage: Stage::Queued,
            accusation: None,
            comeback: None,
            open_since: None,
            first_failure: None,
            failures: 0,
            has_grace: false,
        }
    }

    /// Counts the failure of another exchange that came before.
    pub(in crate::protocol) fn failed_before(&mut self, first_failure: FirstFailure) {
        self.first_failure.get_or_insert(first_failure);
        self.failures += 1;
    }

    /// Adds what the check has to settle. Of several claims of one kind, the newest counts.
    pub(in crate::protocol) fn add(&mut self, reason: CheckReason) {
        match reason {
            CheckReason::Hearsay | CheckReason::Question => {}
            CheckReason::Accusation(stamp) => self.accusation = self.accusation.max(Some(stamp)),
            CheckReason::Comeback(comeback) => {
                if self.comeback.is_none_or(|held| held.stamp < comeback.stamp) {
                    self.comeback = Some(comeback);
                }
            }
        }
    }

    /// Whether its server may not listen yet.
    pub(in crate::protocol) fn has_grace(&self) -> bool {
        self.has_grace
    }

    /// The accusation, unless newer news has overtaken it; a tie does not.
    pub(in crate::protocol) fn standing_accusation(&self, member_stamp: Stamp) -> Option<Stamp> {
        self.accusation.filter(|stamp| *stamp >= member_stamp)
    }

    /// Notes a failure; tells when to try again, or that all tries are used up.
    ///
    /// Rule "Grace": a member whose newest claim is young and that has not answered since it came (or has spoken since
    /// it fell silent) may not listen yet. It is tried for 27 s before it is buried.
    pub(in crate::protocol) fn fail(&mut self, member: &Member, now: Now) -> Option<Tick> {
        self.failures += 1;
        let newest = self.comeback.map_or(member.stamp, |comeback| comeback.stamp.max(member.stamp));
        let first = *self.first_failure.get_or_insert(FirstFailure { at: now, newest });
        let is_young = newest.age(now.wall) < YOUNG;
        let never_answered = self.comeback.is_some() || !member.has_answered();
        // What it had said before it fell silent may still be on its way here, and its clock may be fast.
        let has_spoken_since = newest > first.newest && newest > first.at.wall;
        self.has_grace |= is_young && (never_answered || has_spoken_since);
        if self.has_grace {
            return next_grace_try(first.at.tick, now.tick);
        }
        (self.failures < 2).then(|| now.tick + SECOND_TRY)
    }
}
