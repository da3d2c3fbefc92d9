//! Partitions heal: servers declared dead are tried again now and then, those that left are not.

use std::time::Duration;

use rand::RngExt;

use crate::protocol::context::timers::Timer;
use crate::protocol::machine::Machine;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Tick};

/// The pace is that of the rounds, within these bounds.
const SHORTEST_PERIOD: Duration = Duration::from_secs(1);
const LONGEST_PERIOD: Duration = Duration::from_secs(30);

impl Machine {
    pub(in crate::protocol) fn schedule_reconnect(&mut self, now: Tick) {
        let period = self.cx.config.gossip_interval.clamp(SHORTEST_PERIOD, LONGEST_PERIOD);
        let period = self.jittered(period);
        self.cx.timers.set(Timer::Reconnect, now + period);
    }

    /// With probability dead / alive one of the dead is asked: each of them hears from the whole cluster about once in a
    /// period, however large it is.
    pub(in crate::protocol) fn reconnect(&mut self, now: Now) {
        let alive = self.members.roster.online_count() + 1;
        let share = self.members.roster.dead_count() as f64 / alive as f64;
        if self.cx.rng.random::<f64>() < share {
            let dead = self.members.roster.pick(&mut self.cx.rng, |_, member| {
                let is_to_be_tried = member.status == Status::Dead && !member.is_left_alone(now.tick);
                is_to_be_tried && member.check().is_none()
            });
            if let Some(identity) = dead {
                if self.is_met_natively(&identity) {
                    self.reach(&identity, now);
                } else {
                    self.request_check(&identity);
                    self.schedule_verification(now.tick);
                }
            }
        }
        self.schedule_reconnect(now.tick);
    }
}
