//! Rule R7: how long what is known is kept.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::context::timers::Timer;
use crate::protocol::lifecycle::phase::Phase;
use crate::protocol::machine::Machine;
use crate::protocol::members::member::Member;
use crate::protocol::types::limits::TOMBSTONE_KEPT;
use crate::protocol::types::time::{Now, Stamp};

/// An online server that nobody had news of for so long is verified.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// A drained server stamps its own tombstone anew so often.
const OWN_TOMBSTONE_RENEWED: Duration = Duration::from_secs(60 * 60);
/// Looks are at least so far apart, however many tombstones are due.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// And at most so far, as the wall clock may step.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

impl Machine {
    /// Sees to it that a tombstone with this stamp is dropped in time.
    pub(in crate::protocol) fn schedule_drop(&mut self, stamp: Stamp, now: Now) {
        if self.lifecycle.phase == Phase::Gone {
            return;
        }
        let left = TOMBSTONE_KEPT.saturating_sub(stamp.age(now.wall));
        self.cx.timers.set_earlier(Timer::Retention, now.tick + left.clamp(SHORTEST_PAUSE, LONGEST_PAUSE));
    }

    pub(in crate::protocol) fn drop_what_is_old(&mut self, now: Now) {
        let wall = self.members.me.read_clock(now);
        if self.members.me.stamp().age(wall) >= OWN_TOMBSTONE_RENEWED {
            self.members.me.renew_tombstone(now);
        }
        let left = |member: &Member| {
            let since_stamp = member.stamp.age(wall);
            // A newer tombstone is one that came anew: so that of a drained server stays as long as it is renewed.
            let since_arrival = member.refreshed_at.max(member.changed_at).age(now.tick);
            TOMBSTONE_KEPT.saturating_sub(since_stamp.max(since_arrival))
        };
        let mut expired: Vec<Arc<str>> = Vec::new();
        let mut stale: Vec<Arc<str>> = Vec::new();
        let mut pause = LONGEST_PAUSE;
        for (identity, member) in self.members.roster.iter() {
            if member.is_online() {
                if !member.is_native() && member.refreshed_at.age(now.tick) >= STALE {
                    stale.push(Arc::clone(identity));
                }
            } else if left(member).is_zero() {
                expired.push(Arc::clone(identity));
            } else {
                pause = pause.min(left(member));
            }
        }
        for identity in expired {
            self.members.forget(&mut self.cx, &identity, now);
            self.apply(now);
        }
        for identity in stale {
            self.request_check(&identity);
        }
        self.schedule_verification(now.tick);
        self.cx.timers.set(Timer::Retention, now.tick + pause.max(SHORTEST_PAUSE));
    }
}
