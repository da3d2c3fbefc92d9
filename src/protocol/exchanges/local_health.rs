//! Local health: a slow server must not blame others for its own delays.
//!
//! The score is Lifeguard's (Dadgar, Phillips, Currey 2018); here, late wake-ups worsen it too. It
//! decides how long this server waits for answers.

use std::collections::VecDeque;
use std::time::Duration;

use crate::protocol::exchanges::loss_rate::LossRate;
use crate::protocol::types::limits::MAX_EVENT_LOOP_LAG;
use crate::protocol::types::time::Tick;

/// Worst score; 0 is healthy.
const WORST_SCORE: u8 = 7;

/// Round trips remembered. The longest of them, about the 98th percentile, sets the probe timeout.
pub(in crate::protocol) const ROUND_TRIPS: usize = 64;
/// Lower bound of a probe's timeout.
pub(crate) const SHORTEST_PROBE_TIMEOUT: Duration = Duration::from_millis(300);
/// Upper bound of a probe's timeout, while local health is good.
const LONGEST_PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// Timeout of an exchange with a native server while local health is good, except for probes and
/// rosters.
const NATIVE_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest such timeout, however bad local health is.
const LONGEST_NATIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Lateness of a wake-up that counts as one step of the score.
const LATENESS_STEP: Duration = Duration::from_millis(100);
/// Upper bound of the lateness counted, so that a process recovers soon after a long stop.
const MAX_LATENESS: Duration = Duration::from_secs(1);
/// Lateness of timers on a healthy machine, which does not count.
const USUAL_LATENESS: Duration = Duration::from_millis(50);
/// Half-life of the lateness: longer than the time between two bursts of work.
const LATENESS_HALF_LIFE: Duration = Duration::from_secs(5);

/// How reliable this server's own observations are.
#[derive(Debug, Default)]
pub(in crate::protocol) struct LocalHealth {
    /// Lifeguard's counter: 0 is healthy.
    score: u8,
    /// How far JavaScript's event loop lags.
    lag: Duration,
    /// How late recent wake-ups were, which shows an overloaded processor.
    lateness: Duration,
    late_at: Tick,
    round_trips: VecDeque<Duration>,
    loss_rate: LossRate,
}

impl LocalHealth {
    /// Worsens the score by one step.
    pub(in crate::protocol) fn worsen(&mut self) {
        self.score = (self.score + 1).min(WORST_SCORE);
    }

    /// Improves the score by one step.
    pub(in crate::protocol) fn improve(&mut self) {
        self.score = self.score.saturating_sub(1);
    }

    /// Records that the driver woke this server late.
    pub(in crate::protocol) fn record_wake(&mut self, late: Duration, now: Tick) {
        let halvings = now.since(self.late_at).as_secs_f64() / LATENESS_HALF_LIFE.as_secs_f64();
        self.lateness = late
            .saturating_sub(USUAL_LATENESS)
            .min(MAX_LATENESS)
            .max(self.lateness.mul_f64(0.5_f64.powf(halvings)));
        self.late_at = now;
    }

    /// Records how far JavaScript's event loop lags.
    pub(in crate::protocol) fn record_lag(&mut self, lag: Duration) {
        self.lag = lag;
    }

    /// How far JavaScript's event loop lags.
    #[inline]
    pub(in crate::protocol) fn lag(&self) -> Duration {
        self.lag
    }

    /// Whether JavaScript's event loop lags so far that this server cannot answer in time.
    pub(in crate::protocol) fn lags(&self) -> bool {
        self.lag > MAX_EVENT_LOOP_LAG
    }

    /// The factor of timeouts and suspicions.
    pub(in crate::protocol) fn stretch(&self) -> f64 {
        (f64::from(self.score) + self.overload()).min(f64::from(WORST_SCORE)) + 1.0
    }

    /// The factor of the pause between rounds of pushes.
    ///
    /// Without it, a busy machine would spend its time on suspicions instead of refutations, and
    /// never recover (a metastable failure: Bronson et al. 2021).
    pub(in crate::protocol) fn restraint(&self) -> f64 {
        self.overload().min(f64::from(WORST_SCORE)) + 1.0
    }

    /// Whether this server may have missed answers itself, so that it should not ask helpers.
    pub(in crate::protocol) fn is_late(&self) -> bool {
        self.lateness >= LATENESS_STEP
    }

    fn overload(&self) -> f64 {
        self.lateness.as_secs_f64() / LATENESS_STEP.as_secs_f64()
    }

    /// Records the round trip of an exchange with a native server.
    pub(in crate::protocol) fn record_round_trip(&mut self, round_trip: Duration) {
        self.loss_rate.record_answer();
        if self.round_trips.len() >= ROUND_TRIPS {
            self.round_trips.pop_front();
        }
        self.round_trips.push_back(round_trip);
    }

    /// Records that a native server has not answered.
    pub(in crate::protocol) fn record_loss(&mut self) {
        self.loss_rate.record_loss();
    }

    /// Whether the loss rate is so high that a server's silence says little.
    pub(in crate::protocol) fn has_high_loss(&self) -> bool {
        self.loss_rate.is_high()
    }

    /// The timeout of a probe.
    pub(in crate::protocol) fn probe_timeout(&self) -> Duration {
        let longest = self.round_trips.iter().max().copied().unwrap_or_default();
        let timeout = longest.saturating_mul(4).clamp(SHORTEST_PROBE_TIMEOUT, LONGEST_PROBE_TIMEOUT);
        timeout.mul_f64(self.stretch())
    }

    /// The timeout of other exchanges with a native server.
    pub(in crate::protocol) fn native_timeout(&self) -> Duration {
        NATIVE_TIMEOUT.mul_f64(self.stretch()).min(LONGEST_NATIVE_TIMEOUT)
    }

    pub(in crate::protocol) fn round_trip_count(&self) -> usize {
        self.round_trips.len()
    }
}
