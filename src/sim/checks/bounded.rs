//! Bounded: a native server has at most 16 requests in flight, and no body is larger than 64 kB.

use super::Violation;
use crate::sim::clock::Millis;
use crate::sim::host::Host;
use crate::sim::process::{Process, Stage};

/// So many requests may be in flight.
const MAX_IN_FLIGHT: u32 = 16;
/// A start, a leave or a control tells so many more at once: 20 servers and up to 100 monitors.
const MAX_TOLD: u32 = 120;
/// The announcements of one are over after so long.
const TOLD_WITHIN: Millis = 10_000;
/// No body is larger.
const MAX_BODY: usize = 65_536;

pub(in crate::sim) fn check(
    at: Millis,
    process: &Process,
    hosts: &[Host],
    size: usize,
) -> [Option<Violation>; 2] {
    let is_native = process.machine().is_some_and(crate::protocol::machine::Machine::is_native);
    let tells_many = process.stage != Stage::Running || at < process.told_at + TOLD_WITHIN;
    let url = hosts.get(process.host.index()).map_or("", |host| &*host.url);
    judge(at, url, is_native.then_some(process.in_flight), tells_many, size)
}

fn judge(
    at: Millis,
    url: &str,
    in_flight: Option<u32>,
    tells_many: bool,
    size: usize,
) -> [Option<Violation>; 2] {
    let violation = |finding| Violation { at, invariant: "Bounded", finding };
    let cap = MAX_IN_FLIGHT + if tells_many { MAX_TOLD } else { 0 };
    let crowd = in_flight.filter(|in_flight| *in_flight > cap);
    [
        crowd.map(|in_flight| violation(format!("{url} has {in_flight} requests in flight"))),
        (size > MAX_BODY).then(|| violation(format!("{url} sends a body of {size} bytes"))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_and_too_large_are_found() {
        let finds = |in_flight, tells_many, size| {
            judge(0, "http://a/", in_flight, tells_many, size).iter().flatten().count()
        };
        assert_eq!(finds(Some(17), false, 70_000), 2);
        assert_eq!(finds(Some(17), true, 64_000), 0);
        assert_eq!(finds(None, false, 64_000), 0);
    }
}
