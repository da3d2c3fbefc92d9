//! An open question about a member: is it alive? And when to ask again.

use std::time::Duration;

use super::member::Member;
use super::time::{Now, Stamp, Tick};

/// The pause before the second try.
pub(super) const SECOND_TRY: Duration = Duration::from_secs(3);
/// A claim this young may come from a server that does not listen yet.
const YOUNG: Duration = Duration::from_secs(30);
/// When such a server is tried again, counted from the first failure.
const GRACE_TRIES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(9), Duration::from_secs(27)];

/// Where the question stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// In the queue.
    Queued,
    /// Failed before; asked again at the moment given.
    Waiting(Tick),
    /// Asked; the answer is awaited.
    Asked,
}

/// An open question about a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) stage: Stage,
    /// The newest hearsay that says offline of an online member.
    pub(super) accusation: Option<Stamp>,
    /// The newest hearsay that says online of one that this server itself found dead.
    pub(super) comeback: Option<Comeback>,
    first_failed: Option<Now>,
    failures: u32,
    has_grace: bool,
}

/// An online claim that waits for its verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Comeback {
    pub(super) stamp: Stamp,
    pub(super) monitor: bool,
}

impl Case {
    pub(super) fn new() -> Self {
        Self {
            stage: Stage::Queued,
            accusation: None,
            comeback: None,
            first_failed: None,
            failures: 0,
            has_grace: false,
        }
    }

    /// Counts the failure of another exchange that came before.
    pub(super) fn failed_before(&mut self, first_failed: Now) {
        self.first_failed.get_or_insert(first_failed);
        self.failures += 1;
    }

    pub(super) fn accuse(&mut self, stamp: Stamp) {
        self.accusation = self.accusation.max(Some(stamp));
    }

    pub(super) fn hear_comeback(&mut self, comeback: Comeback) {
        if self.comeback.is_none_or(|held| held.stamp < comeback.stamp) {
            self.comeback = Some(comeback);
        }
    }

    /// The accusation, unless newer news has overtaken it.
    pub(super) fn standing_accusation(&self, member_stamp: Stamp) -> Option<Stamp> {
        self.accusation.filter(|stamp| *stamp > member_stamp)
    }

    /// Notes a failure; tells when to try again, or that all tries are used up.
    ///
    /// Rule "Grace": a member whose newest claim is young and that has not answered since it came (or has spoken since
    /// it fell silent) may not listen yet. It is tried for 27 s before it is buried.
    pub(super) fn fail(&mut self, member: &Member, now: Now) -> Option<Tick> {
        self.failures += 1;
        let first = *self.first_failed.get_or_insert(now);
        let newest = self.comeback.map_or(member.stamp, |comeback| comeback.stamp.max(member.stamp));
        let is_young = newest.age(now.wall) < YOUNG;
        let never_answered = self.comeback.is_some() || !member.has_answered;
        self.has_grace |= is_young && (never_answered || newest > first.wall);
        if self.has_grace {
            return GRACE_TRIES.into_iter().map(|delay| first.tick + delay).find(|at| *at > now.tick);
        }
        (self.failures < 2).then(|| now.tick + SECOND_TRY)
    }
}
