//! FairLoad: no server is sent more than a constant number of requests a second.

use super::Violation;
use crate::sim::clock::Millis;

/// More than this no server is sent on average within the window.
pub(super) const LIMIT: f64 = 60.0;
/// The window slides by seconds.
const WINDOW: usize = 10;

/// The requests that a host was sent in the last seconds.
#[derive(Debug, Default)]
pub(in crate::sim) struct Load {
    counts: [u32; WINDOW],
    second: u64,
    sum: u32,
    /// How many it was ever sent.
    pub(in crate::sim) total: u64,
}

impl Load {
    /// Counts a request.
    pub(in crate::sim) fn receive(&mut self, now: Millis, url: &str, limit: f64) -> Option<Violation> {
        let second = now / 1_000;
        for passed in (self.second + 1..=second).take(WINDOW) {
            let slot = &mut self.counts[passed as usize % WINDOW];
            self.sum -= std::mem::take(slot);
        }
        self.second = second;
        self.counts[second as usize % WINDOW] += 1;
        self.sum += 1;
        self.total += 1;
        let rate = f64::from(self.sum) / WINDOW as f64;
        (rate > limit).then(|| {
            let finding = format!("{url} is sent {rate} requests a second");
            Violation { at: now, invariant: "FairLoad", finding }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_found_and_a_trickle_is_not() {
        let mut load = Load::default();
        let trickle = (0..10_000).filter_map(|step| load.receive(step * 50, "http://a/", 30.0)).count();
        assert_eq!(trickle, 0);
        let storm = (0..10_000).filter_map(|step| load.receive(600_000 + step, "http://a/", 30.0)).count();
        assert!(storm > 9_000, "{storm}");
        assert_eq!(load.receive(900_000, "http://a/", 30.0), None);
    }
}
