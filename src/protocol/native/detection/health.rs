//! How well this server itself is: one that is slow must not blame others for it.
//!
//! Lifeguard's local health (Dadgar, Phillips, Currey 2018), worsened also by a lagging event loop and by being woken late; and
//! self-preservation: a server that alone would bury many at once is more likely cut off itself.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use crate::protocol::context::output::Severity;
use crate::protocol::machine::Machine;
use crate::protocol::members::member::Member;
use crate::protocol::native::detection::loss_rate::LossRate;
use crate::protocol::types::limits::{LAGS, MAX_MEMBERS};
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Tick};

/// The worst there is.
const WORST: u8 = 7;
/// So many peers are met each second meanwhile: their answers tell whether they hold this server for dead.
const MET_WHILE_LAGGING: usize = 2;
/// Burials are counted for so long.
const BURIAL_WINDOW: Duration = Duration::from_secs(60);
/// Members whose burial by one server alone is too many, where they are also more than that share of the members.
const TOO_MANY: usize = 3;
const TOO_LARGE_A_SHARE: f64 = 0.15;
/// Burials remembered; the oldest makes way. No fuller window is reached: this is the largest share of the largest roster.
pub(in crate::protocol) const MAX_BURIALS: usize = (MAX_MEMBERS as f64 * TOO_LARGE_A_SHARE) as usize;

/// The samples of which the longest is taken: some 98th percentile.
pub(in crate::protocol) const ROUND_TRIPS: usize = 64;
pub(crate) const SHORTEST_PROBE_TIMEOUT: Duration = Duration::from_millis(300);
const LONGEST_PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// A server that is woken so much too late is worse by one.
const LATE: Duration = Duration::from_millis(100);
/// More counts no more, so that a process that was stopped for long is soon itself again.
const LATEST: Duration = Duration::from_secs(1);
/// On machines that are well too, timers are late by this.
const USUAL: Duration = Duration::from_millis(50);
/// Half of it is forgotten after this: longer than the moments between two bursts of work.
const LATENESS_HALVES: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(in crate::protocol) struct Health {
    ailment: u8,
    pub(in crate::protocol) lag: Duration,
    /// How much too late this server has been woken of late: the processor has too much to do.
    lateness: Duration,
    late_at: Tick,
    round_trips: VecDeque<Duration>,
    pub(in crate::protocol) losses: LossRate,
    /// Whom this server buried though nobody else had accused them, and when it did so last; since the last answer.
    burials: IndexMap<Arc<str>, Tick, FixedState>,
    pub(in crate::protocol) is_isolated: bool,
}

impl Health {
    pub(in crate::protocol) fn worsen(&mut self) {
        self.ailment = (self.ailment + 1).min(WORST);
    }

    pub(in crate::protocol) fn heal(&mut self) {
        self.ailment = self.ailment.saturating_sub(1);
    }

    /// This server was woken so much too late.
    pub(in crate::protocol) fn woke(&mut self, late: Duration, now: Tick) {
        let halvings = now.since(self.late_at).as_secs_f64() / LATENESS_HALVES.as_secs_f64();
        self.lateness =
            late.saturating_sub(USUAL).min(LATEST).max(self.lateness.mul_f64(0.5_f64.powf(halvings)));
        self.late_at = now;
    }

    /// What time-outs and suspicions are multiplied by.
    pub(in crate::protocol) fn stretch(&self) -> f64 {
        (f64::from(self.ailment) + self.overload()).min(f64::from(WORST)) + 1.0
    }

    /// What the pause between rounds of pushes is multiplied by. Without it, suspicions on a busy machine cost the time that would
    /// refute them, and never end (a metastable failure: Bronson and others 2021).
    pub(in crate::protocol) fn restraint(&self) -> f64 {
        self.overload().min(f64::from(WORST)) + 1.0
    }

    /// Whether this server had better not ask others what it may have missed itself.
    pub(in crate::protocol) fn is_late(&self) -> bool {
        self.lateness >= LATE
    }

    fn overload(&self) -> f64 {
        self.lateness.as_secs_f64() / LATE.as_secs_f64()
    }

    pub(in crate::protocol) fn measured(&mut self, round_trip: Duration) {
        self.losses.heard();
        if self.round_trips.len() >= ROUND_TRIPS {
            self.round_trips.pop_front();
        }
        self.round_trips.push_back(round_trip);
    }

    /// How long the answer to a probe is waited for.
    pub(in crate::protocol) fn probe_timeout(&self) -> Duration {
        let longest = self.round_trips.iter().max().copied().unwrap_or_default();
        let timeout = longest.saturating_mul(4).clamp(SHORTEST_PROBE_TIMEOUT, LONGEST_PROBE_TIMEOUT);
        timeout.mul_f64(self.stretch())
    }

    pub(in crate::protocol) fn buried_alone(&mut self, identity: &Arc<str>, now: Tick) {
        self.burials.shift_remove(identity);
        if self.burials.len() >= MAX_BURIALS {
            self.burials.shift_remove_index(0);
        }
        self.burials.insert(Arc::clone(identity), now);
    }

    /// How many other members than this one were buried alone within the window.
    fn recent_burials_beside(&mut self, identity: &str, now: Tick) -> usize {
        self.burials.retain(|_, at| now.since(*at) < BURIAL_WINDOW);
        self.burials.len() - usize::from(self.burials.contains_key(identity))
    }

    pub(in crate::protocol) fn round_trip_count(&self) -> usize {
        self.round_trips.len()
    }

    pub(in crate::protocol) fn burial_count(&self) -> usize {
        self.burials.len()
    }
}

impl Machine {
    /// How far JavaScript's event loop lags behind. To be told about once a second while it lags for more than a second, and once
    /// when that is over.
    pub fn handle_lag(&mut self, now: Now, lag: Duration) {
        self.native.health.lag = lag;
        if lag < LAGS || !self.is_native() || !self.lifecycle.phase.is_running() {
            return;
        }
        self.native.health.worsen();
        // A blocked event loop is no death.
        self.excuse_check(now);
        let natives: Vec<Arc<str>> =
            self.members.roster.sample(&mut self.cx.rng, MET_WHILE_LAGGING, |_, member| {
                member.is_online() && !member.is_met_as_legacy()
            });
        for peer in natives {
            self.probe(&peer, now);
        }
    }

    /// Whether the burial of this member, on nobody else's word, would be one too many.
    pub(in crate::protocol) fn would_bury_too_many(&mut self, identity: &str, now: Now) -> bool {
        if self.native.health.is_isolated {
            return true;
        }
        let others = self.native.health.recent_burials_beside(identity, now.tick);
        let members = self.members.roster.online_count() + others;
        // Where there is only one other member, its death and one's own isolation look alike.
        let is_rule_void = members <= 1;
        let burials = others + 1;
        let are_few = burials < TOO_MANY || (burials as f64) <= members as f64 * TOO_LARGE_A_SHARE;
        if is_rule_void || are_few {
            return false;
        }
        self.native.health.is_isolated = true;
        let message = "Clustershazbot reaches hardly anybody: this server seems to be cut off, and buries no more of the others";
        self.cx.log_seldom(Severity::Warning, message.to_owned(), None, now.tick);
        true
    }

    /// Somebody has answered: this server is not cut off, and those it buried alone count no more.
    pub(in crate::protocol) fn record_reached(&mut self) {
        self.native.health.is_isolated = false;
        self.native.health.burials.clear();
    }

    /// Up to so many native servers that can help, in random order.
    pub(in crate::protocol) fn helpers(&mut self, amount: usize, target: &str, now: Tick) -> Vec<Arc<str>> {
        self.helpers_among(amount, target, now, |_| true)
    }

    /// The same among those that this server has met.
    pub(in crate::protocol) fn met_helpers(
        &mut self,
        amount: usize,
        target: &str,
        now: Tick,
    ) -> Vec<Arc<str>> {
        self.helpers_among(amount, target, now, Member::has_exchanged)
    }

    fn helpers_among(
        &mut self,
        amount: usize,
        target: &str,
        now: Tick,
        is_wanted: impl Fn(&Member) -> bool,
    ) -> Vec<Arc<str>> {
        let open = &self.native.probes;
        self.members.roster.sample(&mut self.cx.rng, amount, |identity, member| {
            member.status == Status::Online
                && member.is_native()
                && !member.is_met_as_legacy()
                && !member.is_left_alone(now)
                && is_wanted(member)
                && &**identity != target
                && !self.native.strangers.is_doubtful(identity)
                && !(member.is_native_stranger() && self.native.strangers.is_on_hold(identity))
                && !open.is_open(identity)
                && !self.exchanges.in_flight.is_talking_to(identity)
        })
    }
}
