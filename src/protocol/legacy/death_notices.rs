//! Death notices: messages that inform legacy peers of recent deaths and leaves.
//!
//! A legacy peer that lists a server as offline accepts any old online claim, and passes it on. So
//! native servers must repeat the news faster than the old claim spreads among legacy peers.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;

use crate::protocol::context::Context;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::members::Members;
use crate::protocol::types::limits::TOMBSTONE_SPREAD;
use crate::protocol::types::time::Tick;

/// Interval between two notices to a legacy peer while the news is urgent. Otherwise, interval
/// between two notices of a native server.
const NOTICE_INTERVAL: Duration = Duration::from_secs(5);
/// Legacy peers per native server up to which rounds alone contact each of them soon enough.
const LEGACIES_MET_BY_ROUNDS: f64 = 4.0;
/// Legacy peers per second that a native server asks for their lists while there is no news.
const MOST_UNMET: f64 = 1.0;
/// Shortest pause between two notices of a native server.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
/// Time after the last death, leave or old claim for which the news is urgent.
const URGENT: Duration = Duration::from_secs(60);

/// The times of the last news.
#[derive(Debug, Default)]
pub(in crate::protocol) struct DeathNotices {
    /// The time at which the last death or leave became known.
    last_death: Option<Tick>,
    /// The time at which a peer was last found without the news.
    last_missed: Option<Tick>,
}

/// The next legacy peer to contact, and the purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::protocol) enum Contact {
    /// Send it the recent deaths and leaves.
    Notify(Arc<str>),
    /// Ask it for its list, because rounds seldom contact it.
    Check(Arc<str>),
}

impl DeathNotices {
    /// Records that a server has died or left. The next notice is sent soon, even during a long
    /// pause.
    pub(in crate::protocol) fn record_death(&mut self, members: &Members, cx: &mut Context, now: Tick) {
        if !cx.is_native() {
            return;
        }
        self.last_death = Some(now);
        self.last_missed = Some(now);
        if cx.is_running() && members.legacies_per_native() > 0.0 {
            let pause = cx.jittered(SHORTEST_PAUSE);
            cx.timers.set_earlier(Timer::DeathNotices, now + pause);
        }
    }

    /// Records that a legacy peer does not know of a death or a leave. Its claim may have been
    /// relayed.
    pub(in crate::protocol) fn record_missed(&mut self, now: Tick) {
        self.last_missed = Some(now);
    }

    /// Chooses the legacy peer to contact now, if one is due and there is capacity, and schedules
    /// the next one.
    pub(in crate::protocol) fn choose_contact(
        &mut self,
        members: &Members,
        exchanges: &Exchanges,
        cx: &mut Context,
        now: Tick,
    ) -> Option<Contact> {
        let legacies = members.legacies_per_native();
        let news = self.pace(legacies, now);
        // A round contacts one legacy peer. If there are many more, the others are asked for their
        // lists in between.
        let are_met = legacies <= LEGACIES_MET_BY_ROUNDS;
        let unmet = if are_met { 0.0 } else { legacies / cx.config.gossip_interval.as_secs_f64() };
        let unmet = unmet.min(MOST_UNMET);
        let pace = news.max(unmet);
        let pause = (1.0 / pace).clamp(SHORTEST_PAUSE.as_secs_f64(), NOTICE_INTERVAL.as_secs_f64());
        let pause = Duration::from_secs_f64(pause);
        let is_due = cx.rng.random::<f64>() < pace * pause.as_secs_f64();
        let next = cx.jittered(pause);
        cx.timers.set(Timer::DeathNotices, now + next);
        if !is_due || exchanges.legacy_room(members, cx) == 0 {
            return None;
        }
        let peer = members.roster.pick(&mut cx.rng, |identity, member| {
            member.is_online()
                && member.is_contacted_as_legacy()
                && !member.is_left_alone(now)
                && !exchanges.in_flight.has_exchange_with(identity)
        })?;
        Some(if news > 0.0 { Contact::Notify(peer) } else { Contact::Check(peer) })
    }

    /// Returns the notices per second of each native server, given the number of legacy peers per
    /// native server.
    fn pace(&self, legacies_per_native: f64, now: Tick) -> f64 {
        let is_within = |moment: Option<Tick>, span| moment.is_some_and(|at| now.since(at) < span);
        let has_news = is_within(self.last_death, TOMBSTONE_SPREAD);
        let is_urgent = has_news && is_within(self.last_missed, URGENT);
        let haste = if is_urgent { legacies_per_native.max(1.0) } else { 1.0 };
        if has_news { haste * legacies_per_native.min(1.0) / NOTICE_INTERVAL.as_secs_f64() } else { 0.0 }
    }
}
