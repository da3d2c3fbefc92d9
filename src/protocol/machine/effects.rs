//! Effects: the one place that carries out what a rule requests of another component.

use crate::protocol::context::effect::Effect;
use crate::protocol::lifecycle::retention;
use crate::protocol::machine::Machine;
use crate::protocol::types::time::Now;

impl Machine {
    /// Carries out, in order, all effects that rules have pushed.
    ///
    /// The effects of an effect come before the next one, as if the rule had called the component
    /// itself.
    #[inline]
    pub(in crate::protocol::machine) fn apply(&mut self, now: Now) {
        // Most claims change nothing and push no effects.
        if !self.cx.effects.is_empty() {
            self.apply_all(now);
        }
    }

    fn apply_all(&mut self, now: Now) {
        if let Some(effect) = self.cx.effects.take_only() {
            self.carry_out(effect, now);
            return self.apply(now);
        }
        let mut effects = self.cx.effects.take();
        effects.reverse();
        while let Some(effect) = effects.pop() {
            self.carry_out(effect, now);
            self.apply(now);
        }
        self.cx.effects.reuse(effects);
    }

    fn carry_out(&mut self, effect: Effect, now: Now) {
        match effect {
            Effect::AwaitAnswer(id) => self.lifecycle.await_answer(id),
            Effect::Spread(subject) => self.spread(subject, now),
            Effect::AnnounceRefutation => self.announce_refutation(now),
            Effect::RecordSibling => self.lifecycle.own_url.record_sibling(),
            Effect::PushToMany => self.push_to_many(now.tick),
            Effect::PushToFew => self.push_to_few(now.tick),
            Effect::PushTo(peer) => self.push_to(peer, now),
            Effect::SendDeathNotices => self.record_death(now),
            Effect::HastenDeathNotices => self.legacy.death_notices.record_missed(now.tick),
            Effect::ScheduleDrop(stamp) => retention::schedule_drop(&mut self.cx, stamp, now),
            Effect::WatchAbsence(peer) => self.watch_absence(&peer, now),
            Effect::CheckAgain(peer) => self.check_again(&peer),
            Effect::Hide(peer, doubted_since) => self.hide(&peer, doubted_since, now),
            Effect::Forget(peer) => self.forget_in_queues(&peer),
            Effect::ForgetHidden(peer) => self.legacy.listings.forget_hidden(&peer),
            Effect::ExcuseProbe(peer) => self.native.detection.investigations.close(&peer),
            Effect::ReportFinding(peer, finding) => {
                self.report(&peer, finding, now);
            }
            Effect::Check(peer, reason) => self.check(&peer, reason),
            Effect::AskListing(peer) => self.legacy.listings.ask_first(&peer),
            Effect::TryOutsider(url) => self.try_outsider(&url, now),
            Effect::ProbeSoon(peer) => self.native.detection.probe_order.hurry(&peer),
            Effect::DisputeDeath(peer) => self.native.detection.probe_order.dispute(&peer),
            Effect::GatherStranger(peer, origin) => {
                let key = self.members.roster.key_of(&peer);
                self.native.detection.strangers.arrive(key, origin, now.tick)
            }
            Effect::RecordMessage(peer) => self.native.detection.unreached.record_message(&peer, now.tick),
            Effect::ScheduleSuspicion(peer) => self.schedule_suspicion(&peer, now),
        }
    }

    fn announce_refutation(&mut self, now: Now) {
        if !self.lifecycle.own_url.is_unreachable() {
            self.push_to_few(now.tick);
            self.spread_own_claim(now);
        }
    }
}
