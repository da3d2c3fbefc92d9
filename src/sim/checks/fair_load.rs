//! FairLoad: no server receives more than a constant number of requests per second.

use super::Violation;
use crate::sim::clock::Millis;

/// The maximum number of requests per second, averaged over the window of `Load`.
pub(super) const LIMIT: f64 = 60.0;

pub(in crate::sim) fn check(at: Millis, url: &str, rate: f64, limit: f64) -> Option<Violation> {
    (rate > limit).then(|| {
        let finding = format!("{url} receives {rate} requests per second");
        Violation { at, invariant: "FairLoad", finding }
    })
}
