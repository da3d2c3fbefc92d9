//! Gossip rounds: one exchange with one online peer each interval.
//!
//! The next round is scheduled when the last has ended, including its second try. There is never
//! more than one exchange with a peer at a time.

use std::sync::Arc;

use rand::RngExt;

use crate::protocol::context::Context;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::members::member::check::{FirstFailure, SECOND_TRY};
use crate::protocol::types::time::{Now, Tick};

/// Number of rounds of which one goes to a monitor, if there is one.
const MONITOR_EVERY: u64 = 3;
/// Exchanges per second of the whole cluster with one monitor.
const MONITOR_LOAD: f64 = 4.0;

#[derive(Debug, Default)]
pub(in crate::protocol) struct Rounds {
    count: u64,
    current: Option<Round>,
}

#[derive(Debug)]
struct Round {
    peer: Arc<str>,
    first_failure: Option<FirstFailure>,
}

/// The meaning of the failure of a round's exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum RoundFailure {
    /// It belongs to no open round.
    Stale,
    /// The peer gets a second try.
    First,
    /// The peer was silent twice, and the round is over.
    Second,
}

impl Rounds {
    pub(in crate::protocol) fn schedule(&self, cx: &mut Context, now: Tick) {
        let pause = cx.jittered(cx.config.gossip_interval);
        cx.timers.set(Timer::Round, now + pause);
    }

    /// Returns the peer of the open round.
    pub(in crate::protocol) fn peer(&self) -> Option<&Arc<str>> {
        self.current.as_ref().map(|round| &round.peer)
    }

    pub(in crate::protocol) fn begin(&mut self, peer: Arc<str>) {
        self.current = Some(Round { peer, first_failure: None });
    }

    pub(in crate::protocol) fn end(&mut self, cx: &mut Context, now: Tick) {
        self.current = None;
        cx.timers.stop(Timer::SecondTry);
        if cx.is_running() {
            self.schedule(cx, now);
        }
    }

    /// Counts a round without a peer.
    pub(in crate::protocol) fn skip(&mut self) {
        self.count += 1;
    }

    /// Chooses the peer of the next round. A native server contacts only legacy peers in rounds,
    /// and skips some rounds.
    pub(in crate::protocol) fn choose_peer(
        &mut self,
        members: &Members,
        exchanges: &Exchanges,
        cx: &mut Context,
        now: Tick,
    ) -> Option<Arc<str>> {
        self.count += 1;
        let is_native = cx.is_native();
        if is_native && cx.rng.random::<f64>() >= members.legacy_share(cx) {
            return None;
        }
        let is_wanted = |identity: &str, member: &Member| {
            member.is_online()
                && !member.is_unconfirmed()
                && (!is_native || member.is_contacted_as_legacy())
                && !member.is_left_alone(now)
                && !exchanges.in_flight.has_exchange_with(identity)
        };
        if self.count.is_multiple_of(MONITOR_EVERY) && draw_monitor_round(members, cx) {
            let is_wanted_monitor =
                |identity: &str, member: &Member| member.monitor() && is_wanted(identity, member);
            let monitor = members.roster.pick(&mut cx.rng, is_wanted_monitor);
            if monitor.is_some() {
                return monitor;
            }
        }
        members.roster.pick(&mut cx.rng, is_wanted)
    }

    /// Counts the failure of an exchange with the peer of a round.
    pub(in crate::protocol) fn record_failure(
        &mut self,
        members: &mut Members,
        cx: &mut Context,
        peer: &Arc<str>,
        now: Now,
    ) -> RoundFailure {
        let Some(round) = self.current.as_mut().filter(|round| round.peer == *peer) else {
            return RoundFailure::Stale;
        };
        let Some(first_failure) = round.first_failure else {
            let newest = members.roster.get(peer).map_or(now.wall, |member| member.stamp());
            round.first_failure = Some(FirstFailure { at: now, newest });
            cx.timers.set(Timer::SecondTry, now.tick + SECOND_TRY);
            return RoundFailure::First;
        };
        if let Some(member) = members.roster.get_mut(peer) {
            member.open_check().add_earlier_failure(first_failure);
        }
        RoundFailure::Second
    }
}

fn draw_monitor_round(members: &Members, cx: &mut Context) -> bool {
    let is_native = cx.is_native();
    let is_monitor = |member: &Member| {
        member.is_online() && member.monitor() && (!is_native || member.is_contacted_as_legacy())
    };
    let monitors = members.roster.iter().filter(|(_, member)| is_monitor(member)).count();
    let servers = if is_native { members.roster.native_count() } else { members.roster.online_count() };
    let rounds_a_second = servers as f64 * members.legacy_share(cx) / cx.config.gossip_interval.as_secs_f64();
    let load = rounds_a_second / MONITOR_EVERY as f64;
    monitors > 0 && cx.rng.random::<f64>() * load <= MONITOR_LOAD * monitors as f64
}
