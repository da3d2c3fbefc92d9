//! The check whether a member is alive, and when to retry it.

use std::time::Duration;

use crate::protocol::context::effect::{CheckReason, Comeback};
use crate::protocol::members::member::Member;
use crate::protocol::types::time::{Now, Stamp, Tick};

/// Pause before the second try.
pub(in crate::protocol) const SECOND_TRY: Duration = Duration::from_secs(3);
/// Age below which a claim may come from a server that does not listen yet.
pub(in crate::protocol) const YOUNG: Duration = Duration::from_secs(30);
/// Delays of the retries of such a server, from the first failure.
const GRACE_TRIES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(9), Duration::from_secs(27)];

/// The stage of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CheckStage {
    /// In the queue.
    Queued,
    /// Failed before; asked again at this time.
    Waiting(Tick),
    /// Asked; awaits the answer.
    Asked,
}

/// When a server that may not listen yet is retried; `None` after the last retry.
pub(in crate::protocol) fn next_grace_try(first_failure: Tick, now: Tick) -> Option<Tick> {
    GRACE_TRIES.into_iter().map(|delay| first_failure + delay).find(|at| *at > now)
}

/// An open check of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::protocol) struct Check {
    stage: CheckStage,
    /// The stamp of the newest hearsay that an online member is offline.
    accusation: Option<Stamp>,
    /// The newest online claim about a member that this server itself found dead.
    comeback: Option<Comeback>,
    /// Since when an answer has been awaited, to within some seconds.
    open_since: Option<Tick>,
    first_failure: Option<FirstFailure>,
    failures: u32,
    has_grace: bool,
}

/// The effect of a further reason for a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) struct Added {
    /// Whether it is newer than the reasons held. Earlier requests do not settle it.
    pub(in crate::protocol) is_news: bool,
    /// Whether the check has to be queued for it.
    pub(in crate::protocol) is_urgent: bool,
}

/// When a member stopped answering, and the newest claim about it at that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) struct FirstFailure {
    pub(in crate::protocol) at: Now,
    pub(in crate::protocol) newest: Stamp,
}

impl Check {
    pub(in crate::protocol) fn new() -> Self {
        Self {
            stage: CheckStage::Queued,
            accusation: None,
            comeback: None,
            open_since: None,
            first_failure: None,
            failures: 0,
            has_grace: false,
        }
    }

    /// Counts an earlier failure of another exchange.
    pub(in crate::protocol) fn add_earlier_failure(&mut self, first_failure: FirstFailure) {
        self.first_failure.get_or_insert(first_failure);
        self.failures += 1;
    }

    /// Adds a reason for the check, and queues the check if that makes it urgent. Of several claims
    /// of one kind, the newest counts.
    pub(in crate::protocol) fn add(&mut self, reason: CheckReason) -> Added {
        let before = (self.accusation, self.comeback);
        match reason {
            CheckReason::Hearsay | CheckReason::NeedsList => {}
            CheckReason::Accusation(stamp) => self.accusation = self.accusation.max(Some(stamp)),
            CheckReason::Comeback(comeback) => {
                if self.comeback.is_none_or(|held| held.stamp < comeback.stamp) {
                    self.comeback = Some(comeback);
                }
            }
        }
        let is_newly_accused = before.0.is_none() && self.accusation.is_some();
        let is_urgent = match self.stage {
            CheckStage::Queued => is_newly_accused || (before.1.is_none() && self.comeback.is_some()),
            // A silent member that is now accused does not wait for its second try.
            CheckStage::Waiting(_) => is_newly_accused,
            CheckStage::Asked => false,
        };
        if is_urgent {
            self.stage = CheckStage::Queued;
        }
        Added { is_news: before != (self.accusation, self.comeback), is_urgent }
    }

    /// Puts the check back into the queue.
    pub(in crate::protocol) fn queue(&mut self) {
        self.stage = CheckStage::Queued;
    }

    /// Puts the check off until the next try.
    pub(in crate::protocol) fn wait_until(&mut self, at: Tick) {
        self.stage = CheckStage::Waiting(at);
    }

    /// Takes the check out of the queue because its member is asked. Returns whether it was queued.
    pub(in crate::protocol) fn try_ask(&mut self) -> bool {
        let is_queued = self.stage == CheckStage::Queued;
        if is_queued {
            self.stage = CheckStage::Asked;
        }
        is_queued
    }

    /// Whether its member has been asked, and no answer has come.
    #[cfg(test)]
    pub(in crate::protocol) fn is_asked(&self) -> bool {
        self.stage == CheckStage::Asked
    }

    /// Whether the pause before its next try has ended.
    pub(in crate::protocol) fn is_due(&self, now: Tick) -> bool {
        matches!(self.stage, CheckStage::Waiting(until) if until <= now)
    }

    /// The newest online claim about a member that this server itself found dead.
    pub(in crate::protocol) fn comeback(&self) -> Option<Comeback> {
        self.comeback
    }

    /// Since when an answer has been awaited, to within some seconds.
    pub(in crate::protocol) fn open_since(&self) -> Option<Tick> {
        self.open_since
    }

    /// Records that an answer has been awaited at least since `now`.
    pub(in crate::protocol) fn record_open(&mut self, now: Tick) {
        self.open_since = Some(now);
    }

    /// Lets the time in which an answer is awaited begin again.
    pub(in crate::protocol) fn restart(&mut self) {
        self.open_since = None;
    }

    /// Whether the server may not listen yet.
    pub(in crate::protocol) fn has_grace(&self) -> bool {
        self.has_grace
    }

    /// The accusation, unless a newer claim supersedes it; a tie does not.
    pub(in crate::protocol) fn standing_accusation(&self, member_stamp: Stamp) -> Option<Stamp> {
        self.accusation.filter(|stamp| *stamp >= member_stamp)
    }

    /// Records a failure, and returns when to retry; `None` after the last retry.
    ///
    /// Rule "Grace": a member may not listen yet if its newest claim is young and it has not
    /// answered since it was added. The same applies if it has spoken since it stopped answering.
    /// It is retried for 27 s before it is buried.
    pub(in crate::protocol) fn record_failure(&mut self, member: &Member, now: Now) -> Option<Tick> {
        self.failures += 1;
        let newest = self.comeback.map_or(member.stamp, |comeback| comeback.stamp.max(member.stamp));
        let first = *self.first_failure.get_or_insert(FirstFailure { at: now, newest });
        let is_young = newest.age(now.wall) < YOUNG;
        let never_answered = self.comeback.is_some() || !member.has_answered();
        // A claim from before its silence may arrive late, and its clock may be fast.
        let has_spoken_since = newest > first.newest && newest > first.at.wall;
        self.has_grace |= is_young && (never_answered || has_spoken_since);
        if self.has_grace {
            return next_grace_try(first.at.tick, now.tick);
        }
        (self.failures < 2).then(|| now.tick + SECOND_TRY)
    }
}
