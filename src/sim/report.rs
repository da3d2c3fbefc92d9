//! Numbers of many events: percentiles, and the share of those who know over time.

use super::clock::Millis;
use super::watch::Watch;

/// The shares of the audience whose times are told.
pub const SHARES: [f64; 4] = [0.5, 0.9, 0.99, 1.0];

/// The times of many events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// The median.
    pub p50: Option<Millis>,
    /// Of a hundred events one is slower.
    pub p99: Option<Millis>,
    /// The slowest; none if one did not come to its end.
    pub max: Option<Millis>,
}

impl Times {
    /// Of events, of which some may not have come to their end.
    pub fn of(times: impl IntoIterator<Item = Option<Millis>>) -> Self {
        let mut times: Vec<Millis> = times.into_iter().map(|time| time.unwrap_or(Millis::MAX)).collect();
        times.sort_unstable();
        let rank = |share: f64| {
            let index = (share * times.len() as f64).ceil() as usize;
            times.get(index.saturating_sub(1)).copied().filter(|time| *time < Millis::MAX)
        };
        Self { p50: rank(0.5), p99: rank(0.99), max: rank(1.0) }
    }

    /// How long it took until a share of the audience knew; with all of it, until the last one knew for good.
    pub fn of_share(events: &[Watch], share: f64) -> Self {
        Self::of(
            events.iter().map(|watch| if share < 1.0 { watch.duration_of(share) } else { watch.duration() }),
        )
    }
}

/// The share of those who know, on average over all events, so many milliseconds after each.
pub fn share_informed(events: &[Watch], after: Millis) -> f64 {
    let share = |watch: &Watch| {
        let reached = watch.curve.partition_point(|(at, _)| *at <= watch.since + after);
        let informed =
            reached.checked_sub(1).and_then(|index| watch.curve.get(index)).map_or(0, |point| point.1);
        // Of those who knew then, some may not run any more.
        (f64::from(informed) / f64::from(watch.audience.max(1))).min(1.0)
    };
    events.iter().map(share).sum::<f64>() / events.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_times() {
        let times = Times::of((1..=200).rev().map(Some));
        assert_eq!(times, Times { p50: Some(100), p99: Some(198), max: Some(200) });
        let unfinished = Times::of([Some(1), Some(2), None]);
        assert_eq!(unfinished, Times { p50: Some(2), p99: None, max: None });
        assert_eq!(Times::of([]), Times::default());
    }
}
