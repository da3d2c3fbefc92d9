//! Start and leave, and the clock at each door.

use crate::protocol::context::timers::Timer;
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
}
