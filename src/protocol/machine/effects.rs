//! Effects: the one place where what a rule wants of another component is carried out.

use crate::protocol::context::effect::Effect;
use crate::protocol::machine::Machine;
use crate::protocol::types::time::Now;

impl Machine {
    /// Carries out the effects that rules have pushed, in order, until none is left.
    ///
    /// The effects of an effect come before the next one, as if the rule had called the component itself.
    pub(in crate::protocol) fn apply(&mut self, now: Now) {
        if self.cx.effects.is_empty() {
            return;
        }
        for effect in self.cx.effects.take() {
            self.carry_out(effect, now);
            self.apply(now);
        }
    }

    fn carry_out(&mut self, effect: Effect, now: Now) {
        match effect {
            Effect::Spread(subject) => self.spread(&subject, now),
            Effect::PushToFew => self.push_to_few(now.tick),
            Effect::PushTo(peer) => self.push_to(peer, now),
            Effect::SendDeathNotices => self.hear_death_notices(now),
            Effect::ScheduleDrop(stamp) => self.schedule_drop(stamp, now),
            Effect::WatchAbsence(peer) => self.watch_absence(&peer, now),
            Effect::CheckAgain(peer) => self.check_again(&peer),
            Effect::Hide(peer, heard_since) => self.hide(&peer, heard_since, now),
            Effect::Forget(peer) => self.forget_in_queues(&peer),
            Effect::ForgetHidden(peer) => self.legacy.listings.forget_hidden(&peer),
            Effect::ExcuseProbe(peer) => self.native.probes.excuse(&peer),
            Effect::ReportFinding(peer, finding) => {
                self.report(&peer, finding, now);
            }
        }
    }
}
