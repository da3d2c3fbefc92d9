//! Repairs partitions: this server contacts servers declared dead now and then, but not those that
//! left.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;

use crate::protocol::context::Context;
use crate::protocol::context::timers::Timer;
use crate::protocol::members::Members;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::Tick;

/// Shortest pause between two tries, which otherwise equals the gossip interval.
const MIN_RECONNECT_INTERVAL: Duration = Duration::from_secs(1);
/// Longest pause between two tries.
const MAX_RECONNECT_INTERVAL: Duration = Duration::from_secs(30);

/// Schedules the first try, after one to two pauses. Servers that start together would otherwise
/// try together, and find out late that a partition has ended.
pub(in crate::protocol) fn schedule_first(cx: &mut Context, now: Tick) {
    let delay = pause(cx).mul_f64(cx.rng.random_range(1.0..2.0));
    cx.timers.set(Timer::Reconnect, now + delay);
}

/// Schedules the next try.
pub(in crate::protocol) fn schedule(cx: &mut Context, now: Tick) {
    let delay = cx.jittered(pause(cx));
    cx.timers.set(Timer::Reconnect, now + delay);
}

fn pause(cx: &Context) -> Duration {
    cx.config.gossip_interval.clamp(MIN_RECONNECT_INTERVAL, MAX_RECONNECT_INTERVAL)
}

/// Picks a dead server to contact, with probability dead / online. The whole cluster contacts each
/// dead server about once per pause, regardless of the cluster's size.
pub(in crate::protocol) fn pick(members: &Members, cx: &mut Context, now: Tick) -> Option<Arc<str>> {
    let alive = members.roster.online_count() + 1;
    let share = members.roster.dead_count() as f64 / alive as f64;
    if cx.rng.random::<f64>() >= share {
        return None;
    }
    members.roster.pick(&mut cx.rng, |_, member| {
        let is_to_be_tried = member.status() == Status::Dead && !member.is_left_alone(now);
        is_to_be_tried && member.check().is_none()
    })
}
