//! Bounded: a native server has at most 16 requests in flight to native servers and as many to legacy peers, no body is larger
//! than 64 kB, and no queue is longer than its cap.

use super::Violation;
use crate::protocol::queues::QueueLength;
use crate::sim::clock::Millis;
use crate::sim::host::Host;
use crate::sim::process::{Process, Stage};

/// So many requests may be in flight to servers of either kind.
const MAX_IN_FLIGHT: usize = 16;
/// A start, a leave or a control tells so many more at once: 20 servers and up to 100 monitors.
const MAX_TOLD: usize = 120;
/// The announcements of one are over after so long.
const TOLD_WITHIN: Millis = 10_000;
/// No body is larger.
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
    let tells_many = process.stage != Stage::Running || at < process.told_at + TOLD_WITHIN;
    let url = hosts.get(process.host.index()).map_or("", |host| &*host.url);
    let [crowd, body] = judge(at, url, in_flight, tells_many, size);
    let queues = process.machine().map(|machine| machine.queue_lengths()).unwrap_or_default();
    [crowd, body, judge_queues(at, url, &queues)]
}

fn judge_queues(at: Millis, url: &str, queues: &[QueueLength]) -> Option<Violation> {
    let QueueLength { name, length, cap } = queues.iter().find(|queue| queue.length > queue.cap)?;
    let finding = format!("{url} holds {length} {name}, {cap} are the most");
    Some(Violation { at, invariant: "Bounded", finding })
}

fn judge(
    at: Millis,
    url: &str,
    in_flight: Option<[usize; 2]>,
    tells_many: bool,
    size: usize,
) -> [Option<Violation>; 2] {
    let violation = |finding| Violation { at, invariant: "Bounded", finding };
    let cap = MAX_IN_FLIGHT + if tells_many { MAX_TOLD } else { 0 };
    let crowd = in_flight.filter(|in_flight| in_flight.iter().any(|requests| *requests > cap));
    [
        crowd.map(|[native, legacy]| {
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
    fn too_many_and_too_large_are_found() {
        let finds = |in_flight, tells_many, size| {
            judge(0, "http://a/", in_flight, tells_many, size).iter().flatten().count()
        };
        assert_eq!(finds(Some([17, 0]), false, 70_000), 2);
        assert_eq!(finds(Some([0, 17]), false, 64_000), 1);
        assert_eq!(finds(Some([16, 16]), false, 64_000), 0);
        assert_eq!(finds(Some([17, 17]), true, 64_000), 0);
        assert_eq!(finds(None, false, 64_000), 0);
    }

    #[test]
    fn a_queue_beyond_its_cap_is_found() {
        let queue = |length| QueueLength { name: "rumours", length, cap: 10 };
        assert_eq!(judge_queues(0, "http://a/", &[queue(10), queue(0)]), None);
        let found = judge_queues(0, "http://a/", &[queue(0), queue(11)]).unwrap();
        assert_eq!(found.finding, "http://a/ holds 11 rumours, 10 are the most");
    }
}
