//! Start and leave, and the clock at each door.

use crate::protocol::context::timers::Timer;
use crate::protocol::lifecycle::{reconnect, retention};
use crate::protocol::machine::Machine;
use crate::protocol::merging::clocks;
use crate::protocol::types::time::Now;

impl Machine {
    /// Looks at the clock, at each door; cheap.
    pub(in crate::protocol) fn look_at_clock(&mut self, now: Now) {
        clocks::restart_below(&mut self.members, &mut self.cx, now);
        self.apply(now);
        if self.cx.is_running() && self.merging.rejected.take_jump(now) {
            self.request_again(now);
        }
    }

    /// The clock was set ahead: what was rejected before may be let in now.
    fn request_again(&mut self, now: Now) {
        self.lifecycle.master_list.has_greeted = false;
        self.merging.rejected.want_list();
        self.cx.timers.set(Timer::Download, now.tick);
        self.ask_again_for_whole_roster(now);
        self.push_to_many(now.tick);
    }

    /// Drops tombstones that have served their time, and checks servers that nobody has heard of for long.
    pub(in crate::protocol) fn drop_what_is_old(&mut self, now: Now) {
        let due = retention::look(&mut self.members, &mut self.cx, now);
        for identity in due.expired {
            self.members.forget(&mut self.cx, &identity, now);
            self.apply(now);
        }
        for identity in due.stale {
            self.request_check(&identity);
        }
        self.schedule_verification(now.tick);
    }

    /// Tries to reach a server that was declared dead.
    pub(in crate::protocol) fn reconnect(&mut self, now: Now) {
        if let Some(peer) = reconnect::pick(&self.members, &mut self.cx, now.tick) {
            if self.is_met_natively(&peer) {
                self.reach(&peer, now);
            } else {
                self.request_check(&peer);
                self.schedule_verification(now.tick);
            }
        }
        reconnect::schedule(&mut self.cx, now.tick);
    }
}
