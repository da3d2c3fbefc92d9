//! FairLoad: no server is sent more than a constant number of requests a second.

use super::Violation;
use crate::sim::clock::Millis;

/// Requests a second that no server is sent more of, on average within the window of its load.
pub(super) const LIMIT: f64 = 60.0;

pub(in crate::sim) fn check(at: Millis, url: &str, rate: f64, limit: f64) -> Option<Violation> {
    (rate > limit).then(|| {
        let finding = format!("{url} is sent {rate} requests a second");
        Violation { at, invariant: "FairLoad", finding }
    })
}
