//! Rule R7: the retention of members and tombstones.

use std::time::Duration;

use crate::protocol::context::timers::Timer;
use crate::protocol::context::{Context, RunState};
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::members::roster::names::keys::KeyList;
use crate::protocol::types::limits::TOMBSTONE_LIFETIME;
use crate::protocol::types::time::{Now, Stamp};

/// Age of the last news from which an online legacy peer is verified.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// Age at which a drained server renews the stamp of its own tombstone.
const OWN_TOMBSTONE_RENEWAL_AGE: Duration = Duration::from_secs(60 * 60);
/// Shortest pause between two searches, regardless of the number of tombstones due.
const MIN_SEARCH_INTERVAL: Duration = Duration::from_secs(1);
/// Longest pause between two searches, since the wall clock may step.
const MAX_SEARCH_INTERVAL: Duration = Duration::from_secs(60);

/// The members that are due.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Due {
    /// Tombstones to drop.
    pub(in crate::protocol) expired: KeyList,
    /// Online servers to check, without recent news.
    pub(in crate::protocol) stale: KeyList,
}

/// Schedules the drop of a tombstone with this stamp.
pub(in crate::protocol) fn schedule_drop(cx: &mut Context, stamp: Stamp, now: Now) {
    if cx.run_state == RunState::Gone {
        return;
    }
    let left = TOMBSTONE_LIFETIME.saturating_sub(stamp.age(now.wall));
    cx.timers.set_earlier(Timer::Retention, now.tick + left.clamp(MIN_SEARCH_INTERVAL, MAX_SEARCH_INTERVAL));
}

/// Finds the members that are due, and schedules the next search. A drained server renews its own
/// tombstone.
pub(in crate::protocol) fn find_due(members: &mut Members, cx: &mut Context, now: Now) -> Due {
    let wall = members.local.read_clock(now);
    if members.local.stamp().age(wall) >= OWN_TOMBSTONE_RENEWAL_AGE {
        members.local.renew_tombstone(now);
    }
    let left = |member: &Member| {
        let since_stamp = member.stamp().age(wall);
        // A renewed tombstone counts as a new arrival, so that of a drained server stays while it
        // is renewed.
        let since_arrival = member.refreshed_at().max(member.changed_at()).age(now.tick);
        TOMBSTONE_LIFETIME.saturating_sub(since_stamp.max(since_arrival))
    };
    let mut due = Due::default();
    let mut pause = MAX_SEARCH_INTERVAL;
    for (identity, member) in members.roster.iter() {
        if member.is_online() {
            if !member.is_native() && member.refreshed_at().age(now.tick) >= STALE {
                due.stale.push(members.roster.key_of(identity));
            }
        } else if left(member).is_zero() {
            due.expired.push(members.roster.key_of(identity));
        } else {
            pause = pause.min(left(member));
        }
    }
    cx.timers.set(Timer::Retention, now.tick + pause.max(MIN_SEARCH_INTERVAL));
    due
}
