//! Rule R9: wall clocks that are wrong by more than a day, and what is repaired once they are
//! right.
//!
//! A claim too far ahead is rejected, because nothing could ever outdo it; its subject is told.
//! What a server took from its clock while that was ahead does not last: its own incarnation begins
//! again below, another's counts as none.

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

/// How far a stamp may lie ahead: a clock may be wrong by hours, but what is beyond this could
/// never be outdone.
pub(crate) const MAX_AHEAD: Duration = Duration::from_secs(24 * 60 * 60);
/// Pause between two looks at the clock, while a rejection because of it is recent.
const LOOK: Duration = Duration::from_secs(1);
/// Age of a rejection after which a jump of the clock requests nothing again: others have repeated
/// it by then.
const FORGOTTEN: Duration = Duration::from_secs(60 * 60);
/// Rejected servers named in the log at once.
const MAX_NAMED: u8 = 5;
/// Pause before as many are named again.
const NAMED_AGAIN: Duration = Duration::from_secs(60);
/// Bounds of the pause, in milliseconds, before a master list is downloaded again of which
/// everything was rejected.
const DOWNLOADED_AGAIN_MS: std::ops::Range<u64> = 1_000..10_000;

/// What was rejected because of this server's clock.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Rejected {
    /// How far the clock was ahead of the monotonic one at the first rejection, and when the last
    /// one was.
    pending: Option<(Offset, Tick)>,
    /// Servers named in the log since this moment.
    named: (u8, Tick),
    /// Entries of the latest master list: those rejected, and those admitted.
    listed: (u32, u32),
    /// Whether the master list is to be downloaded again.
    wants_list: bool,
}

/// Whether an entry of the master list was admitted, or lies too far ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Admission {
    Admitted,
    Rejected,
}

impl Rejected {
    fn note(&mut self, now: Now) {
        let since = self.pending.map_or(Offset::of(now), |(since, _)| since);
        self.pending = Some((since, now.tick));
    }

    /// Whether the clock has jumped ahead since something was rejected; told once.
    pub(in crate::protocol) fn take_jump(&mut self, now: Now) -> bool {
        self.pending.take_if(|(since, _)| Offset::of(now).has_jumped_since(*since)).is_some()
    }

    fn may_name(&mut self, now: Tick) -> bool {
        if now.since(self.named.1) >= NAMED_AGAIN {
            self.named = (0, now);
        }
        self.named.0 = self.named.0.saturating_add(1);
        self.named.0 <= MAX_NAMED
    }

    /// A download of the master list begins.
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

    /// Wants the master list to be downloaded again.
    pub(in crate::protocol) fn want_list(&mut self) {
        self.wants_list = true;
    }

    /// Whether the master list is to be downloaded again; told once.
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

    /// The stamp itself, or the present if others would reject it.
    pub(in crate::protocol) fn clamped(self, now: Now) -> Stamp {
        if self.is_far_ahead(now) { now.wall } else { self }
    }
}

impl Incarnation {
    pub(crate) fn is_far_ahead(self, now: Now) -> bool {
        self > Self::first(now.wall + MAX_AHEAD)
    }

    /// The one that outdoes it.
    pub(in crate::protocol) fn outdone(self, now: Now) -> Self {
        if self.is_far_ahead(now) { Self::first(now.wall) } else { self.next() }
    }

    /// What it counts for when it is held of another server: nothing, if it lies too far ahead.
    pub(crate) fn counted(self, now: Now) -> Self {
        if self.is_far_ahead(now) { Self::NONE } else { self }
    }
}

impl Rejected {
    /// Rejects something said of a server.
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

    /// Rejects something said of a server because it lies too far ahead.
    pub(in crate::protocol) fn reject_far_ahead(
        &mut self,
        members: &Members,
        cx: &mut Context,
        identity: &str,
        now: Now,
    ) {
        self.note(now);
        self.schedule_look(members, cx, now.tick);
        if self.may_name(now.tick) {
            let message = format!(
                "Clustershazbot rejects what is said of {identity}: it lies more than 24 hours ahead of this \
                 server's clock"
            );
            cx.log_throttled(Severity::Warning, message, None, now.tick);
        }
    }

    /// Rejects a claim whose incarnation lies too far ahead to be adopted, and tells whether it
    /// did. An incarnation that is held already may be confirmed.
    #[inline]
    pub(in crate::protocol) fn reject_incarnation(
        &mut self,
        members: &Members,
        cx: &mut Context,
        subject: &Subject,
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
        subject: &Subject,
        said: Incarnation,
        now: Now,
    ) -> bool {
        let is_held = match subject {
            Subject::Me => said <= members.me.incarnation(),
            Subject::Known(identity) => {
                members.roster.get(identity).is_some_and(|member| member.incarnation == said)
            }
            Subject::New(_) => false,
        };
        if !is_held {
            self.reject_far_ahead(members, cx, subject.name(members), now);
        }
        !is_held
    }

    /// Looks at the clock soon, as long as something was rejected: a jump of the clock is not to
    /// wait for another event.
    pub(in crate::protocol) fn schedule_look(&mut self, members: &Members, cx: &mut Context, now: Tick) {
        match self.pending {
            Some((_, last)) if now.since(last) < FORGOTTEN && !members.me.is_leaving() => {
                cx.timers.set_earlier(Timer::Clock, now + LOOK);
            }
            _ => self.pending = None,
        }
    }

    /// Schedules another download of a master list that holds nothing but what this server's clock
    /// rejects, and tells whether it did.
    pub(in crate::protocol) fn schedule_download(
        &mut self,
        members: &Members,
        cx: &mut Context,
        now: Tick,
    ) -> bool {
        if !self.is_all_of_list() || members.me.is_leaving() {
            return false;
        }
        self.want_list();
        let pause = Duration::from_millis(cx.rng.random_range(DOWNLOADED_AGAIN_MS));
        cx.timers.set_earlier(Timer::Download, now + pause);
        true
    }
}

/// Begins again below, if the clock was set back by so much that nobody lets in what this server
/// says of itself.
pub(in crate::protocol) fn restart_below(members: &mut Members, cx: &mut Context, now: Now) {
    if members.me.restart_incarnation(now) {
        let message = "Clustershazbot: the clock was set back by a day or more, so this server starts again \
                       below the version that it gave itself before";
        cx.log_throttled(Severity::Warning, message.to_owned(), None, now.tick);
        cx.effects.push(Effect::Spread(Arc::from(members.me.identity())));
        cx.effects.push(Effect::PushToMany);
    }
}

/// Has a member checked if a claim contradicts what is held of it. The two can't be compared,
/// because one of them lies too far ahead.
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

/// Warns that a peer has rejected what this server says of itself, because of the clocks.
pub(in crate::protocol) fn warn_of_rejection(
    members: &Members,
    cx: &mut Context,
    peer: &Arc<str>,
    theirs: Stamp,
    now: Now,
) {
    let ahead = members.me.incarnation().0.saturating_sub(Incarnation::first(theirs).0);
    let peer = members.roster.spelling(peer);
    let message = format!(
        "Clustershazbot: {peer} rejects what this server says of itself: it lies {} hours ahead of the clock there",
        ahead / 3_600
    );
    cx.log_throttled(Severity::Warning, message, None, now.tick);
}
