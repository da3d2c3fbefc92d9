//! Statistics of many events: percentiles, and the share of informed servers over time.

use super::clock::Millis;
use super::watch::Watch;

/// The shares of the audience whose times are reported.
pub const SHARES: [f64; 4] = [0.5, 0.9, 0.99, 1.0];

/// The times of many events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// The median.
    pub p50: Option<Millis>,
    /// The 99th percentile.
    pub p99: Option<Millis>,
    /// The maximum; `None` if an event did not complete.
    pub max: Option<Millis>,
}

impl Times {
    /// Summarises the times of events; `None` is an event that did not complete.
    pub fn of(times: impl IntoIterator<Item = Option<Millis>>) -> Self {
        let mut times: Vec<Millis> = times.into_iter().map(|time| time.unwrap_or(Millis::MAX)).collect();
        times.sort_unstable();
        let rank = |share: f64| {
            let index = (share * times.len() as f64).ceil() as usize;
            times.get(index.saturating_sub(1)).copied().filter(|time| *time < Millis::MAX)
        };
        Self { p50: rank(0.5), p99: rank(0.99), max: rank(1.0) }
    }

    /// Summarises the times until a share of the audience knew; with the whole audience, until all
    /// knew for good.
    pub fn of_share(events: &[Watch], share: f64) -> Self {
        Self::of(
            events.iter().map(|watch| if share < 1.0 { watch.duration_of(share) } else { watch.duration() }),
        )
    }
}

/// Returns the share of informed servers some time after the event, averaged over all events.
pub fn share_informed(events: &[Watch], after: Millis) -> f64 {
    let share = |watch: &Watch| {
        let reached = watch.curve.partition_point(|(at, _)| *at <= watch.since + after);
        let informed =
            reached.checked_sub(1).and_then(|index| watch.curve.get(index)).map_or(0, |point| point.1);
        // Some of the informed servers may have ended.
        (f64::from(informed) / f64::from(watch.audience.max(1))).min(1.0)
    };
    events.iter().map(share).sum::<f64>() / events.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_taken_from_sorted_times() {
        let times = Times::of((1..=200).rev().map(Some));
        assert_eq!(times, Times { p50: Some(100), p99: Some(198), max: Some(200) });
        let unfinished = Times::of([Some(1), Some(2), None]);
        assert_eq!(unfinished, Times { p50: Some(2), p99: None, max: None });
        assert_eq!(Times::of([]), Times::default());
    }
}
