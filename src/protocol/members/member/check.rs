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
    open_since: Option<OpenSince>,
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

/// The time at which the search for unconfirmed claims first found a check open: the low bits of
/// its tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct OpenSince(u32);

impl From<Tick> for OpenSince {
    fn from(tick: Tick) -> Self {
        Self(tick.0 as u32)
    }
}

impl OpenSince {
    /// Exact up to 49 days.
    fn age(self, now: Tick) -> Duration {
        Duration::from_millis(Self::from(now).0.wrapping_sub(self.0).into())
    }
}

/// A queued check that has not been tried yet, in four bytes: a message may name 100,000 servers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct UntriedCheck(u32);

impl UntriedCheck {
    const OPEN: u32 = 1;

    pub(super) fn open() -> Self {
        Self(Self::OPEN)
    }

    pub(super) fn is_open(self) -> bool {
        self != Self::default()
    }

    /// Rounds up by up to 2 ms once in 49 days.
    pub(super) fn record_open(&mut self, now: Tick) {
        self.0 = OpenSince::from(now).0.max(Self::OPEN + 1);
    }

    fn open_since(self) -> Option<OpenSince> {
        (self.0 > Self::OPEN).then_some(OpenSince(self.0))
    }

    /// Closes it, and returns it in full.
    pub(super) fn take(&mut self) -> Option<Check> {
        let taken = std::mem::take(self);
        taken.is_open().then(|| Check { open_since: taken.open_since(), ..Check::new() })
    }
}

impl Check {
    /// A check that has not been tried yet.
    pub(in crate::protocol) const UNTRIED: &Self = &Self::new();

    pub(in crate::protocol) const fn new() -> Self {
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
    fn open_since(&self) -> Option<OpenSince> {
        self.open_since
    }

    /// Records that an answer has been awaited at least since `now`.
    fn record_open(&mut self, now: Tick) {
        self.open_since = Some(now.into());
    }

    /// Lets the time in which an answer is awaited begin again.
    fn restart(&mut self) {
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

impl Member {
    /// Its open check, if any.
    pub(in crate::protocol) fn check(&self) -> Option<&Check> {
        if self.untried_check.is_open() {
            return Some(Check::UNTRIED);
        }
        self.rarer()?.check.as_ref()
    }

    pub(in crate::protocol) fn check_mut(&mut self) -> Option<&mut Check> {
        self.box_check();
        self.rarer_mut()?.check.as_mut()
    }

    /// Returns its open check, after opening one if necessary.
    pub(in crate::protocol) fn open_check(&mut self) -> &mut Check {
        self.box_check();
        self.rarer_or_insert().check.get_or_insert_with(Check::new)
    }

    /// Adds a reason to its open check, after opening one if necessary.
    pub(in crate::protocol) fn add_check_reason(&mut self, reason: CheckReason) -> Added {
        if !matches!(reason, CheckReason::Hearsay | CheckReason::NeedsList) {
            return self.open_check().add(reason);
        }
        if self.check().is_none() {
            self.untried_check = UntriedCheck::open();
        }
        Added { is_news: false, is_urgent: false }
    }

    pub(in crate::protocol) fn close_check(&mut self) -> Option<Check> {
        if let Some(check) = self.untried_check.take() {
            return Some(check);
        }
        let check = self.rarer_mut()?.check.take();
        self.drop_empty_rare();
        check
    }

    /// For how long its check has been open, if that is known.
    pub(in crate::protocol) fn check_age(&self, now: Tick) -> Option<Duration> {
        let boxed = || self.rarer()?.check.as_ref()?.open_since();
        let since = if self.untried_check.is_open() { self.untried_check.open_since() } else { boxed() };
        Some(since?.age(now))
    }

    /// Records that its check is open now.
    pub(in crate::protocol) fn date_check(&mut self, now: Tick) {
        if self.untried_check.is_open() {
            self.untried_check.record_open(now);
        } else if let Some(check) = self.check_mut() {
            check.record_open(now);
        }
    }

    /// Records that nothing has been asked since its check was last dated.
    pub(in crate::protocol) fn restart_check(&mut self) {
        if self.untried_check.is_open() {
            self.untried_check = UntriedCheck::open();
        } else if let Some(check) = self.check_mut() {
            check.restart();
        }
    }

    fn box_check(&mut self) {
        if let Some(check) = self.untried_check.take() {
            self.rarer_or_insert().check = Some(check);
        }
    }

    pub(in crate::protocol) fn leave_check_open(&mut self, check: Check) {
        self.rarer_or_insert().check = Some(check);
    }

    /// Whether an open check verifies a claim that it has returned.
    pub(in crate::protocol) fn has_comeback(&self) -> bool {
        self.check().is_some_and(|check| check.comeback().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::types::base_url::BaseUrl;
    use crate::protocol::types::status::Status;

    #[test]
    fn an_untried_check_takes_no_room_and_keeps_its_age() {
        let late = Tick((3 << 32) - 1_000);
        let now = Now { tick: late, wall: Stamp(1_000_000) };
        let url = BaseUrl::parse("http://a/").unwrap();
        let mut member = Member::new(&url, Status::Online, false, Stamp(1), now);
        member.add_check_reason(CheckReason::Hearsay);
        assert_eq!((member.check(), member.check_age(late)), (Some(Check::UNTRIED), None));
        member.date_check(late);
        assert!(member.rare.is_none());
        let later = late + Duration::from_secs(300);
        assert_eq!(member.check_age(later), Some(Duration::from_secs(300)));
        assert!(member.check_mut().is_some_and(Check::try_ask));
        assert_eq!(member.check_age(later), Some(Duration::from_secs(300)));
        member.restart_check();
        assert_eq!(member.check_age(later), None);
        assert!(member.close_check().is_some_and(|check| check.is_asked()) && member.check().is_none());
    }
}
