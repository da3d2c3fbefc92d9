//! Rule R9: wall clocks that are wrong by more than a day, and the repair once they are right.
//!
//! A claim too far ahead is rejected, because no later claim could beat it; its subject is
//! notified. Versions taken from a clock that was ahead do not last. A server restarts its own
//! incarnation at a lower one, and treats such an incarnation of another server as missing.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;

use crate::protocol::context::Context;
use crate::protocol::context::effect::{CheckReason, Effect};
use crate::protocol::context::output::Severity;
use crate::protocol::context::timers::Timer;
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::members::member::proof::Verdict;
use crate::protocol::members::stamp_clock::Offset;
use crate::protocol::merging::intake::Subject;
use crate::protocol::types::limits::Rejection;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Now, Stamp, Tick};

/// Maximum lead of a stamp over the clock. A clock may be wrong by hours, but later claims could
/// never beat a larger lead.
pub(crate) const MAX_AHEAD: Duration = Duration::from_secs(24 * 60 * 60);
/// Pause between two checks of the clock while a rejection because of it is recent.
const CLOCK_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Age of a rejection above which a jump of the clock requests nothing again: others have repeated
/// the claim by then.
const MAX_REJECTION_AGE: Duration = Duration::from_secs(60 * 60);
/// Rejected servers named in the log per `NAMING_INTERVAL`.
const MAX_NAMED_REJECTED: u8 = 5;
/// Pause before the log names further rejected servers.
const NAMING_INTERVAL: Duration = Duration::from_secs(60);
/// Bounds of the pause, in milliseconds, before the next download of a master list whose entries
/// were all rejected.
const DOWNLOAD_RETRY_MS: std::ops::Range<u64> = 1_000..10_000;

/// The claims rejected because of this server's clock.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Rejected {
    /// The offset of the wall clock from the monotonic one at the first rejection, and the time of
    /// the last one.
    pending: Option<(Offset, Tick)>,
    /// The number of servers named in the log since this time.
    named: (u8, Tick),
    /// The number of entries of the latest master list that were rejected, and admitted.
    listed: (u32, u32),
    /// Whether to download the master list again.
    wants_list: bool,
}

/// Whether an entry of the master list was admitted, or rejected as too far ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Admission {
    Admitted,
    Rejected,
}

impl Rejected {
    fn record(&mut self, now: Now) {
        let since = self.pending.map_or(Offset::of(now), |(since, _)| since);
        self.pending = Some((since, now.tick));
    }

    /// Returns whether the clock has jumped forward since a rejection, and forgets the rejection if
    /// so.
    pub(in crate::protocol) fn take_jump(&mut self, now: Now) -> bool {
        self.pending.take_if(|(since, _)| Offset::of(now).has_jumped_since(*since)).is_some()
    }

    fn try_name(&mut self, now: Tick) -> bool {
        if now.since(self.named.1) >= NAMING_INTERVAL {
            self.named = (0, now);
        }
        self.named.0 = self.named.0.saturating_add(1);
        self.named.0 <= MAX_NAMED_REJECTED
    }

    /// Resets the counts for a new download of the master list.
    pub(in crate::protocol) fn begin_list(&mut self) {
        self.listed = (0, 0);
    }

    /// Counts an entry of the latest master list.
    pub(in crate::protocol) fn count_listed(&mut self, admission: Admission) {
        match admission {
            Admission::Rejected => self.listed.0 += 1,
            Admission::Admitted => self.listed.1 += 1,
        }
    }

    /// Requests another download of the master list.
    pub(in crate::protocol) fn want_list(&mut self) {
        self.wants_list = true;
    }

    /// Returns whether another download of the master list was requested, and clears the request.
    pub(in crate::protocol) fn take_wanted_list(&mut self) -> bool {
        std::mem::take(&mut self.wants_list)
    }

    fn is_all_of_list(&self) -> bool {
        matches!(self.listed, (1.., 0))
    }
}

impl Stamp {
    pub(crate) fn is_far_ahead(self, now: Now) -> bool {
        self > now.wall + MAX_AHEAD
    }

    /// Returns the stamp itself, or the present if others would reject it.
    pub(in crate::protocol) fn clamped(self, now: Now) -> Stamp {
        if self.is_far_ahead(now) { now.wall } else { self }
    }
}

impl Incarnation {
    pub(crate) fn is_far_ahead(self, now: Now) -> bool {
        self > Self::first(now.wall + MAX_AHEAD)
    }

    /// Returns the incarnation that beats this one.
    pub(in crate::protocol) fn outdone(self, now: Now) -> Self {
        if self.is_far_ahead(now) { Self::first(now.wall) } else { self.next() }
    }

    /// Returns its value as the incarnation of another server: [`Self::NONE`] if it is too far
    /// ahead.
    pub(crate) fn counted(self, now: Now) -> Self {
        if self.is_far_ahead(now) { Self::NONE } else { self }
    }
}

impl Rejected {
    /// Rejects a claim about a server.
    pub(in crate::protocol) fn reject(
        &mut self,
        members: &Members,
        cx: &mut Context,
        rejection: Rejection,
        identity: &str,
        now: Now,
    ) {
        match rejection {
            Rejection::FarAhead => self.reject_far_ahead(members, cx, identity, now),
            _ => cx.log_rejection(rejection),
        }
    }

    /// Rejects a claim about a server that is too far ahead.
    pub(in crate::protocol) fn reject_far_ahead(
        &mut self,
        members: &Members,
        cx: &mut Context,
        identity: &str,
        now: Now,
    ) {
        cx.refused.count(Rejection::FarAhead, 1);
        self.record(now);
        self.schedule_clock_check(members, cx, now.tick);
        if self.try_name(now.tick) {
            let message = format!(
                "Clustershazbot rejects claims about {identity}: they are more than 24 hours ahead of this \
                 server's clock"
            );
            cx.log_throttled(Severity::Warning, message, None, now.tick);
        }
    }

    /// Rejects a claim whose incarnation is too far ahead to be adopted, and returns whether it
    /// did. A known incarnation may be confirmed.
    #[inline]
    pub(in crate::protocol) fn reject_incarnation(
        &mut self,
        members: &Members,
        cx: &mut Context,
        subject: &Subject<'_>,
        said: Incarnation,
        now: Now,
    ) -> bool {
        said.is_far_ahead(now) && self.reject_unless_held(members, cx, subject, said, now)
    }

    #[cold]
    fn reject_unless_held(
        &mut self,
        members: &Members,
        cx: &mut Context,
        subject: &Subject<'_>,
        said: Incarnation,
        now: Now,
    ) -> bool {
        let is_held = match subject {
            Subject::LocalServer => said <= members.local.incarnation(),
            Subject::Known(known) => {
                members.roster.at(known.slot()).is_some_and(|(_, member)| member.incarnation() == said)
            }
            Subject::New(_) => false,
        };
        if !is_held {
            self.reject_far_ahead(members, cx, subject.name(members), now);
        }
        !is_held
    }

    /// Schedules a check of the clock while a rejection is recent, so a jump is noticed without
    /// another event.
    pub(in crate::protocol) fn schedule_clock_check(
        &mut self,
        members: &Members,
        cx: &mut Context,
        now: Tick,
    ) {
        match self.pending {
            Some((_, last)) if now.since(last) < MAX_REJECTION_AGE && !members.local.is_leaving() => {
                cx.timers.set_earlier(Timer::Clock, now + CLOCK_CHECK_INTERVAL);
            }
            _ => self.pending = None,
        }
    }

    /// Schedules another download if this server's clock rejects all of the master list, and
    /// returns whether it did.
    pub(in crate::protocol) fn schedule_download(
        &mut self,
        members: &Members,
        cx: &mut Context,
        now: Tick,
    ) -> bool {
        if !self.is_all_of_list() || members.local.is_leaving() {
            return false;
        }
        self.want_list();
        let pause = Duration::from_millis(cx.rng.random_range(DOWNLOAD_RETRY_MS));
        cx.timers.set_earlier(Timer::Download, now + pause);
        true
    }
}

/// Restarts this server's incarnation at a lower one if its clock was set back so far that others
/// reject its claims.
pub(in crate::protocol) fn restart_below(members: &mut Members, cx: &mut Context, now: Now) {
    if members.local.restart_incarnation(now) {
        let message = "Clustershazbot: the clock was set back by a day or more, so this server starts again \
                       below the version that it gave itself before";
        cx.log_throttled(Severity::Warning, message.to_owned(), None, now.tick);
        cx.effects.push(Effect::Spread(members.local_key()));
        cx.effects.push(Effect::PushToMany);
    }
}

/// Requests a check of a member whose status a claim contradicts. The versions cannot be compared,
/// because one of them is too far ahead.
pub(in crate::protocol) fn check_far_ahead(
    members: &Members,
    cx: &mut Context,
    identity: &Arc<str>,
    said: Status,
    now: Now,
) {
    let says_online = said.is_online();
    let contradicts = |member: &Member| {
        member.is_online() != says_online && !member.is_first_hand(Verdict::of(!says_online), now)
    };
    if members.roster.get(identity).is_some_and(contradicts) {
        let reason = if says_online { CheckReason::NeedsList } else { CheckReason::Hearsay };
        cx.effects.push(Effect::Check(Arc::clone(identity), reason));
    }
}

/// Warns that a peer has rejected this server's own claim because of the clocks.
pub(in crate::protocol) fn warn_of_rejection(
    members: &Members,
    cx: &mut Context,
    peer: &Arc<str>,
    theirs: Stamp,
    now: Now,
) {
    let ahead = members.local.incarnation().0.saturating_sub(Incarnation::first(theirs).0);
    let peer = members.roster.spelling(peer);
    let message = format!(
        "Clustershazbot: {peer} rejects this server's claims about itself: they are {} hours ahead of its clock",
        ahead / 3_600
    );
    cx.log_throttled(Severity::Warning, message, None, now.tick);
}
