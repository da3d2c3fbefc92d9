//! Rule R9: wall clocks that are wrong by more than a day, and what is mended once they are right.
//!
//! A claim too far ahead is rejected, for it could never be outdone; its subject is told. What was taken from a clock while
//! it was ahead does not outlast that: a server's own incarnation begins again below, another's counts as none.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;

use crate::protocol::context::output::Severity;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::machine::Machine;
use crate::protocol::members::member::Member;
use crate::protocol::members::stamp_clock::Offset;
use crate::protocol::merging::intake::Subject;
use crate::protocol::types::ids::Source;
use crate::protocol::types::limits::Rejection;
use crate::protocol::types::time::{Incarnation, Now, Stamp, Tick};
use crate::protocol::wire::message::ReceivedEntry;

/// A clock may be wrong by hours, but not by more than this; beyond, a stamp could never be outdone.
pub(crate) const MAX_AHEAD: Duration = Duration::from_secs(24 * 60 * 60);
/// Pause between two looks at the clock, while something was rejected because of it.
const LOOK: Duration = Duration::from_secs(1);
/// What was rejected longer ago than this is not requested again: by then others have told it or not.
const FORGOTTEN: Duration = Duration::from_secs(60 * 60);
/// Rejected servers named in the log at once.
const MAX_NAMED: u8 = 5;
/// Pause before as many are named again.
const NAMED_AGAIN: Duration = Duration::from_secs(60);
/// Bounds of the pause, in milliseconds, before a master list is downloaded again of which everything was rejected.
const DOWNLOADED_AGAIN_MS: std::ops::Range<u64> = 1_000..10_000;

/// What was rejected because of this server's clock.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Rejected {
    /// How far the clock was ahead of the monotonic one at the first rejection, and when the last one was.
    pending: Option<(Offset, Tick)>,
    /// Servers named in the log since this moment.
    named: (u8, Tick),
    /// Entries of the master list under way: those rejected, and those let in.
    listed: (u32, u32),
    /// Whether the master list is to be downloaded again.
    wants_list: bool,
}

impl Rejected {
    fn note(&mut self, now: Now) {
        let since = self.pending.map_or(Offset::of(now), |(since, _)| since);
        self.pending = Some((since, now.tick));
    }

    /// Whether the clock has jumped ahead since something was rejected; told once.
    fn take_jump(&mut self, now: Now) -> bool {
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

    /// An entry of the master list was let in.
    pub(in crate::protocol) fn let_in_from_list(&mut self) {
        self.listed.1 += 1;
    }

    /// Whether the master list is to be downloaded again; told once.
    pub(in crate::protocol) fn takes_list(&mut self) -> bool {
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

    /// As a stamp that others let in.
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

    /// What it counts for, held of somebody: nothing, where it lies too far ahead.
    pub(crate) fn counted(self, now: Now) -> Self {
        if self.is_far_ahead(now) { Self::NONE } else { self }
    }
}

impl Machine {
    /// Looks at the clock, at each door; cheap.
    pub(in crate::protocol) fn look_at_clock(&mut self, now: Now) {
        if self.members.me.begins_again_below(now) {
            let message = "Clustershazbot: the clock was set back by a day or more, so this server starts again \
                           below the version that it gave itself before";
            self.cx.log_seldom(Severity::Warning, message.to_owned(), None, now.tick);
            self.spread_myself(now);
            self.push_to_many(now.tick);
        }
        if self.lifecycle.phase.is_running() && self.merging.rejected.take_jump(now) {
            self.request_again(now);
        }
    }

    /// The clock was set ahead: what was rejected before may be let in now.
    fn request_again(&mut self, now: Now) {
        self.lifecycle.master_list.has_greeted = false;
        self.merging.rejected.wants_list = true;
        self.cx.timers.set(Timer::Download, now.tick);
        self.ask_again_for_whole_roster(now);
        self.push_to_many(now.tick);
    }

    /// As long as something was rejected, a jump of the clock is not to wait for another event.
    pub(in crate::protocol) fn schedule_look_at_clock(&mut self, now: Tick) {
        match self.merging.rejected.pending {
            Some((_, last)) if now.since(last) < FORGOTTEN && !self.members.me.is_leaving() => {
                self.cx.timers.set_earlier(Timer::Clock, now + LOOK);
            }
            _ => self.merging.rejected.pending = None,
        }
    }

    /// Something said of a server is not let in.
    pub(in crate::protocol) fn reject(&mut self, rejection: Rejection, identity: &Arc<str>, now: Now) {
        match rejection {
            Rejection::FarAhead => self.reject_far_ahead(identity, now),
            _ => self.cx.log_rejection(rejection),
        }
    }

    /// Whether a claim's incarnation lies too far ahead to be adopted. One that is held already may be confirmed.
    pub(in crate::protocol) fn rejects_for_clock(
        &mut self,
        subject: &Subject,
        said: Incarnation,
        now: Now,
    ) -> bool {
        if !said.is_far_ahead(now) {
            return false;
        }
        let identity = self.identity_of(subject);
        let is_held = match subject {
            Subject::Me => said <= self.members.me.incarnation(),
            _ => self.members.roster.get(&identity).is_some_and(|member| member.incarnation == said),
        };
        if is_held {
            return false;
        }
        self.reject_far_ahead(&identity, now);
        true
    }

    /// Something said of a server was rejected because it lies too far ahead.
    fn reject_far_ahead(&mut self, identity: &str, now: Now) {
        self.merging.rejected.note(now);
        self.schedule_look_at_clock(now.tick);
        if self.merging.rejected.may_name(now.tick) {
            let message = format!(
                "Clustershazbot rejects what is said of {identity}: it lies more than 24 hours ahead of this \
                 server's clock"
            );
            self.cx.log_seldom(Severity::Warning, message, None, now.tick);
        }
    }

    /// A plain entry lies too far ahead. What a server says of itself when it is asked counts, as said now.
    pub(in crate::protocol) fn hear_far_ahead(
        &mut self,
        source: Source,
        says_online: bool,
        entry: &ReceivedEntry<'_>,
        now: Now,
    ) {
        let subject = match self.identify(&entry.base_url) {
            Ok(subject) => subject,
            Err(rejection) => return self.cx.log_rejection(rejection),
        };
        let identity = self.identity_of(&subject);
        if let Source::Exchange(id) = source {
            let Some(exchange) = self.exchanges.in_flight.get_mut(id) else { return };
            if identity == exchange.peer {
                self.reject_far_ahead(&identity, now);
                let entry = ReceivedEntry { last_update: now.wall.0 as f64, ..entry.clone() };
                return self.hear(now, source, says_online, &entry);
            }
            if exchange.purpose == Purpose::Inquiry {
                return;
            }
        }
        if source == Source::MasterList && !matches!(subject, Subject::Me) {
            self.merging.rejected.listed.0 += 1;
        }
        self.reject_far_ahead(&identity, now);
        self.verify_far_ahead(&identity, says_online, now);
    }

    /// Hearsay contradicts what is held, and one of the two lies too far ahead to be compared: the subject is asked.
    pub(in crate::protocol) fn verify_far_ahead(&mut self, identity: &Arc<str>, says_online: bool, now: Now) {
        let contradicts =
            |member: &Member| member.is_online() != says_online && !member.is_first_hand(!says_online, now);
        match self.members.roster.get(identity) {
            Some(member) if !contradicts(member) => {}
            Some(_) if says_online => self.verify_comeback(identity),
            Some(_) => self.request_check(identity),
            None => {}
        }
    }

    fn identity_of(&self, subject: &Subject) -> Arc<str> {
        subject.identity().map_or_else(|| Arc::from(self.members.me.identity()), Arc::clone)
    }

    /// The master list was merged. If it held nothing but what this server's clock rejects, it is downloaded again soon.
    pub(in crate::protocol) fn mind_rejected_list(&mut self, now: Tick) {
        if self.merging.rejected.is_all_of_list() && !self.members.me.is_leaving() {
            self.lifecycle.master_list.has_greeted = false;
            self.merging.rejected.wants_list = true;
            let pause = Duration::from_millis(self.cx.rng.random_range(DOWNLOADED_AGAIN_MS));
            self.cx.timers.set_earlier(Timer::Download, now + pause);
        }
    }

    /// A peer has rejected what this server says of itself, because of the clocks.
    pub(in crate::protocol) fn hear_of_rejection(&mut self, peer: &Arc<str>, theirs: Stamp, now: Now) {
        let ahead = self.members.me.incarnation().0.saturating_sub(Incarnation::first(theirs).0);
        let peer = self.members.roster.spelling(peer);
        let message = format!(
            "Clustershazbot: {peer} rejects what this server says of itself: it lies {} hours ahead of the clock there",
            ahead / 3_600
        );
        self.cx.log_seldom(Severity::Warning, message, None, now.tick);
    }
}
