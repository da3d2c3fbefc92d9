//! Bounded: a native server has at most 16 requests in flight to native servers and 16 to legacy
//! peers. No body exceeds 64 kB, and no queue its cap.

use super::Violation;
use crate::protocol::queues::QueueLength;
use crate::sim::clock::Millis;
use crate::sim::host::Host;
use crate::sim::process::{Process, Stage};

/// Requests in flight to servers of either kind.
const MAX_IN_FLIGHT_PER_WIRE: usize = 16;
/// Requests in addition to those after a start, a leave or a control: 20 servers and up to 100
/// monitors.
const MAX_ANNOUNCEMENTS: usize = 120;
/// Time within which these announcements end.
const ANNOUNCEMENT_DURATION: Millis = 10_000;
/// The largest body in bytes.
const MAX_BODY: usize = 65_536;

pub(in crate::sim) fn check(
    at: Millis,
    process: &Process,
    hosts: &[Host],
    size: usize,
) -> [Option<Violation>; 3] {
    let machine = process.machine().filter(|machine| machine.is_native());
    let in_flight = machine.map(|machine| {
        let to_legacy_peers = machine.requests_to_legacy_peers();
        let to_others = to_legacy_peers + machine.requests_to_unmet();
        [(process.in_flight as usize).saturating_sub(to_others), to_legacy_peers]
    });
    let has_announcements =
        process.stage != Stage::Running || at < process.announced_at + ANNOUNCEMENT_DURATION;
    let url = hosts.get(process.host.index()).map_or("", |host| &*host.url);
    let [in_flight_violation, body_violation] = check_requests(at, url, in_flight, has_announcements, size);
    let queues = process.machine().map(|machine| machine.queue_lengths()).unwrap_or_default();
    [in_flight_violation, body_violation, check_queues(at, url, &queues)]
}

fn check_queues(at: Millis, url: &str, queues: &[QueueLength]) -> Option<Violation> {
    let QueueLength { name, length, cap } = queues.iter().find(|queue| queue.length > queue.cap)?;
    let finding = format!("{url} has {length} {name}, limit {cap}");
    Some(Violation { at, invariant: "Bounded", finding })
}

fn check_requests(
    at: Millis,
    url: &str,
    in_flight: Option<[usize; 2]>,
    has_announcements: bool,
    size: usize,
) -> [Option<Violation>; 2] {
    let violation = |finding| Violation { at, invariant: "Bounded", finding };
    let cap = MAX_IN_FLIGHT_PER_WIRE + if has_announcements { MAX_ANNOUNCEMENTS } else { 0 };
    let in_flight_violation = in_flight.filter(|in_flight| in_flight.iter().any(|requests| *requests > cap));
    [
        in_flight_violation.map(|[native, legacy]| {
            violation(format!(
                "{url} has {native} requests in flight to native servers and {legacy} to legacy peers"
            ))
        }),
        (size > MAX_BODY).then(|| violation(format!("{url} sends a body of {size} bytes"))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_requests_and_large_bodies_are_violations() {
        let finds = |in_flight, has_announcements, size| {
            check_requests(0, "http://a/", in_flight, has_announcements, size).iter().flatten().count()
        };
        assert_eq!(finds(Some([17, 0]), false, 70_000), 2);
        assert_eq!(finds(Some([0, 17]), false, 64_000), 1);
        assert_eq!(finds(Some([16, 16]), false, 64_000), 0);
        assert_eq!(finds(Some([17, 17]), true, 64_000), 0);
        assert_eq!(finds(None, false, 64_000), 0);
    }

    #[test]
    fn a_queue_beyond_its_cap_is_a_violation() {
        let queue = |length| QueueLength { name: "rumours", length, cap: 10 };
        assert_eq!(check_queues(0, "http://a/", &[queue(10), queue(0)]), None);
        let found = check_queues(0, "http://a/", &[queue(0), queue(11)]).unwrap();
        assert_eq!(found.finding, "http://a/ has 11 rumours, limit 10");
    }
}
