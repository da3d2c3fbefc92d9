//! Deaths and leaves are told to legacy peers for a while, and faster than they forget them.
//!
//! An original takes any old online claim for new once it holds the server for offline, and says so to others. The news
//! die out unless native servers repeat them faster than originals infect each other with the old.

use std::time::Duration;

use rand::RngExt;

use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::machine::Machine;
use crate::protocol::types::limits::TOMBSTONE_TOLD;
use crate::protocol::types::time::{Now, Tick};

/// While it presses, each legacy peer is told about so often; otherwise each native server tells one of them so often.
const PACE: Duration = Duration::from_secs(5);
/// So many legacy peers for each native server are met soon enough by rounds alone.
const FEW: f64 = 4.0;
/// While there is nothing to tell, no native server asks more of them than this in a second.
const MOST_UNMET: f64 = 1.0;
/// No native server tells them faster than this.
const FASTEST: Duration = Duration::from_millis(200);
/// So long after the last death, leave or old claim it presses.
const PRESSES: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(in crate::protocol) struct DeathNotices {
    /// When the last death or leave was heard of.
    came: Option<Tick>,
    /// When somebody was last found not to know.
    missed: Option<Tick>,
}

impl DeathNotices {
    /// A server has died or left.
    pub(in crate::protocol) fn come(&mut self, now: Tick) {
        self.came = Some(now);
        self.missed = Some(now);
    }

    /// A legacy peer, or whoever relayed its word, has not heard of a death or a leave.
    pub(in crate::protocol) fn record_missed(&mut self, now: Tick) {
        self.missed = Some(now);
    }

    /// How many legacy peers each native server tells in a second, where there are so many of them for each native one.
    fn pace(&self, legacies_per_native: f64, now: Tick) -> f64 {
        let is_within = |moment: Option<Tick>, span| moment.is_some_and(|at| now.since(at) < span);
        let are_told = is_within(self.came, TOMBSTONE_TOLD);
        let press = are_told && is_within(self.missed, PRESSES);
        let haste = if press { legacies_per_native.max(1.0) } else { 1.0 };
        if are_told { haste * legacies_per_native.min(1.0) / PACE.as_secs_f64() } else { 0.0 }
    }
}

impl Machine {
    /// Tells one legacy peer, and sees to the next.
    pub(in crate::protocol) fn tell_legacy_news(&mut self, now: Now) {
        let legacies = self.members.legacies_per_native();
        let news = self.legacy.death_notices.pace(legacies, now.tick);
        // Rounds meet one each: where there are many more, the others are asked for their list meanwhile.
        let are_met = legacies <= FEW;
        let unmet = if are_met { 0.0 } else { legacies / self.cx.config.gossip_interval.as_secs_f64() };
        let unmet = unmet.min(MOST_UNMET);
        let pace = news.max(unmet);
        let pause = Duration::from_secs_f64((1.0 / pace).clamp(FASTEST.as_secs_f64(), PACE.as_secs_f64()));
        let is_due = self.cx.rng.random::<f64>() < pace * pause.as_secs_f64();
        let next = self.jittered(pause);
        self.cx.timers.set(Timer::DeathNotices, now.tick + next);
        if !is_due {
            return;
        }
        if self.exchanges.legacy_room(&self.members, &self.cx) == 0 {
            return;
        }
        let legacy = self.members.roster.pick(&mut self.cx.rng, |identity, member| {
            member.is_online()
                && member.is_met_as_legacy()
                && !member.is_left_alone(now.tick)
                && !self.exchanges.in_flight.has_exchange_with(identity)
        });
        let Some(peer) = legacy else { return };
        if news > 0.0 {
            self.converse(peer, Purpose::DeathNotices, now);
        } else {
            self.request_check(&peer);
            self.schedule_verification(now.tick);
        }
    }

    /// News have come: they are not to wait for the end of a slow pause.
    pub(in crate::protocol) fn hear_death_notices(&mut self, now: Now) {
        if !self.is_native() {
            return;
        }
        self.legacy.death_notices.come(now.tick);
        if self.cx.is_running() && self.members.legacies_per_native() > 0.0 {
            let pause = self.jittered(FASTEST);
            self.cx.timers.set_earlier(Timer::DeathNotices, now.tick + pause);
        }
    }
}
