//! Partitions heal: servers declared dead are tried again now and then, those that left are not.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;

use crate::protocol::context::Context;
use crate::protocol::context::timers::Timer;
use crate::protocol::members::Members;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::Tick;

/// Shortest pause between two tries, which is otherwise that between two rounds.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Schedules the next try.
pub(in crate::protocol) fn schedule(cx: &mut Context, now: Tick) {
    let pause = cx.config.gossip_interval.clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
    let pause = cx.jittered(pause);
    cx.timers.set(Timer::Reconnect, now + pause);
}

/// Picks a dead server to be tried, with probability dead / alive: each of them hears from the
/// whole cluster about once in a pause, however large it is.
pub(in crate::protocol) fn pick(members: &Members, cx: &mut Context, now: Tick) -> Option<Arc<str>> {
    let alive = members.roster.online_count() + 1;
    let share = members.roster.dead_count() as f64 / alive as f64;
    if cx.rng.random::<f64>() >= share {
        return None;
    }
    members.roster.pick(&mut cx.rng, |_, member| {
        let is_to_be_tried = member.status == Status::Dead && !member.is_left_alone(now);
        is_to_be_tried && member.check().is_none()
    })
}
