//! The cycle of probes: four go to the ring successors in turn, the fifth to a random member.
//!
//! ```text
//! interval             0    1    2    3    4    5    6    7    8    9
//! predecessor of A     A    S    A    S   any   A    S    A    S   any
//! A                              S    T    S    T   any   S    T    S
//! ```
//! Each successor is met again after two or three intervals, so the connection is kept. Two servers
//! probe S. If they began their cycles at the same time, nobody might probe it for three intervals.
//! So a server begins its cycle at least two intervals after its predecessor.

use std::time::Duration;

use crate::protocol::members::roster::ring::SUCCESSORS;
use crate::protocol::types::time::Tick;

/// Probes in a cycle: two of each successor, and a random one.
pub(crate) const LENGTH: usize = 2 * SUCCESSORS + 1;
/// Whole intervals between the beginnings of the predecessor's cycle and of this server's.
pub(crate) const EARLIEST_BEGIN: usize = 2;
/// Cycles after which an observed beginning says nothing any more, because intervals vary.
const MEMORY: u32 = 3;

/// The target of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// The ring successor with this rank.
    Successor(usize),
    /// The next member of the permutation.
    Any,
}

/// The state of the cycle.
#[derive(Debug, Default)]
pub(super) struct ProbeCycle {
    /// The position of the next probe.
    next: usize,
    /// The latest probe by the ring predecessor.
    was_probed: Option<Tick>,
    /// The latest observed beginning of the predecessor's cycle.
    predecessor_began: Option<Tick>,
}

impl ProbeCycle {
    /// Returns the target of the probe that is due.
    pub(super) fn turn(&mut self, interval: Duration, now: Tick) -> Turn {
        let is_random = self.next == LENGTH - 1;
        let lead = if is_random { self.predecessor_lead(now + interval, interval) } else { None };
        match lead {
            // The cycle begins one interval earlier.
            Some(0) => self.next = 0,
            // It begins one interval later.
            Some(lead) if lead < EARLIEST_BEGIN as u128 => return Turn::Any,
            _ => {}
        }
        let turn = self.next;
        self.next = (turn + 1) % LENGTH;
        if turn == LENGTH - 1 { Turn::Any } else { Turn::Successor(turn % SUCCESSORS) }
    }

    /// Records a probe by the ring predecessor. It begins a cycle after the longer pause.
    pub(super) fn record_probe(&mut self, interval: Duration, now: Tick) {
        let pause = self.was_probed.replace(now).map(|latest| now.since(latest));
        if pause.is_some_and(|pause| pause > interval * 5 / 2 && pause < interval * 7 / 2) {
            self.predecessor_began = Some(now);
        }
    }

    /// Returns the whole intervals between the beginning of the predecessor's cycle and this time.
    fn predecessor_lead(&self, time: Tick, interval: Duration) -> Option<u128> {
        let elapsed = time.since(self.predecessor_began?);
        let cycle = interval * LENGTH as u32;
        (elapsed < cycle * MEMORY).then(|| elapsed.as_millis() % cycle.as_millis() / interval.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(1_000);
    const INTERVAL_MS: u64 = 1_000;

    /// Returns the times at which a server probes its successors, if it begins at this time and its
    /// predecessor at 0.
    fn probes(begin: u64, until: u64) -> [Vec<u64>; SUCCESSORS] {
        let mut cycle = ProbeCycle::default();
        let mut probes = [Vec::new(), Vec::new()];
        let mut predecessor = (0..until).step_by(5 * INTERVAL_MS as usize).flat_map(|at| [at, at + 2_000]);
        let mut next = predecessor.next();
        for now in (begin..until).step_by(INTERVAL_MS as usize) {
            while let Some(at) = next.filter(|at| *at <= now) {
                cycle.record_probe(INTERVAL, Tick(at));
                next = predecessor.next();
            }
            if let Turn::Successor(rank) = cycle.turn(INTERVAL, Tick(now)) {
                probes[rank].push(now);
            }
        }
        probes
    }

    fn longest_pause(times: &[u64]) -> u64 {
        times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap()
    }

    #[test]
    fn four_of_five_probes_go_to_two_successors_in_turn() {
        let mut cycle = ProbeCycle::default();
        let turns: Vec<Turn> = (0..10).map(|_| cycle.turn(INTERVAL, Tick(0))).collect();
        let [one, two] = [0, 1].map(Turn::Successor);
        assert_eq!(turns, [one, two, one, two, Turn::Any, one, two, one, two, Turn::Any]);
    }

    #[test]
    fn a_server_and_its_predecessor_do_not_pause_together() {
        for begin in (0..5_000).step_by(100) {
            let [first, second] = probes(begin, 60_000);
            assert!(longest_pause(&first).max(longest_pause(&second)) <= 4_000, "{begin}");
            let settled = |times: &[u64]| times.iter().copied().filter(|at| *at > 12_000).collect::<Vec<_>>();
            assert_eq!(longest_pause(&settled(&first)), 3_000, "{begin}");
            // The predecessor probes it one interval after it has probed this server.
            let mut all = settled(&first);
            all.extend((0..60_000).step_by(5_000).flat_map(|at| [at + 1_000, at + 3_000]));
            all.retain(|at| *at > 12_000);
            all.sort_unstable();
            assert!(longest_pause(&all) <= 2_000, "{begin}: {all:?}");
        }
    }

    #[test]
    fn a_predecessor_with_another_order_changes_nothing() {
        let mut cycle = ProbeCycle::default();
        for second in 0..60 {
            if second % 2 == 0 {
                cycle.record_probe(INTERVAL, Tick(second * INTERVAL_MS));
            }
            let is_random = cycle.turn(INTERVAL, Tick(second * INTERVAL_MS + 1)) == Turn::Any;
            assert_eq!(is_random, second % 5 == 4);
        }
    }
}
