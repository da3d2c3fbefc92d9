//! Protection against replays: epochs, and a window of sequences for each sending process.
//!
//! A receiver accepts each sequence of a sender once. It remembers the last 64, and forgets a
//! sender that has been silent for two epochs. By then, every recorded message names an epoch that
//! is no longer accepted.

use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use super::process::ProcessNumber;
use crate::protocol::time::Tick;

/// Length of an epoch: the longest time for which a recorded message could be fresh is twice this.
pub const EPOCH: Duration = Duration::from_secs(10 * 60);
/// Sequences remembered for each sender. Requests that overtake each other differ by fewer.
const WINDOW: u64 = 64;
/// Senders remembered: the servers of the largest cluster. Further ones are rejected, because
/// forgetting a sender would allow the replay of its messages.
pub const MAX_SENDERS: usize = 100_000;

/// The sequences of one sender.
#[derive(Debug, Clone, Copy)]
struct Window {
    highest: u64,
    /// Bit `n` stands for the sequence `highest - n`.
    seen: u64,
    used_at: Tick,
}

/// Why a sequence is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unacceptable {
    /// It was accepted before, or is older than the window.
    Replayed,
    /// Too many senders are remembered.
    Full,
}

/// The windows of all senders.
#[derive(Debug)]
pub struct Windows {
    by_sender: IndexMap<ProcessNumber, Window, FixedState>,
    capacity: usize,
    swept_at: Tick,
}

impl Default for Windows {
    fn default() -> Self {
        Self::with_capacity(MAX_SENDERS)
    }
}

impl Windows {
    fn with_capacity(capacity: usize) -> Self {
        Self { by_sender: IndexMap::default(), capacity, swept_at: Tick::default() }
    }

    /// Checks a sequence without recording it.
    pub fn check(&mut self, sender: ProcessNumber, sequence: u64, now: Tick) -> Result<(), Unacceptable> {
        self.sweep(now);
        match self.by_sender.get(&sender) {
            Some(window) if window.is_new(sequence) => Ok(()),
            Some(_) => Err(Unacceptable::Replayed),
            None if self.by_sender.len() < self.capacity => Ok(()),
            None => Err(Unacceptable::Full),
        }
    }

    /// Records a sequence, unless it is unacceptable.
    pub fn record(&mut self, sender: ProcessNumber, sequence: u64, now: Tick) -> Result<(), Unacceptable> {
        self.check(sender, sequence, now)?;
        let window =
            self.by_sender.entry(sender).or_insert(Window { highest: sequence, seen: 0, used_at: now });
        window.record(sequence);
        window.used_at = now;
        Ok(())
    }

    /// Forgets the senders that have been silent for two epochs, at most once per epoch.
    fn sweep(&mut self, now: Tick) {
        if now.since(self.swept_at) >= EPOCH {
            self.swept_at = now;
            self.by_sender.retain(|_, window| now.since(window.used_at) < 2 * EPOCH);
        }
    }

    /// The number of senders remembered.
    pub fn len(&self) -> usize {
        self.by_sender.len()
    }

    /// Whether no sender is remembered.
    pub fn is_empty(&self) -> bool {
        self.by_sender.is_empty()
    }
}

impl Window {
    fn is_new(&self, sequence: u64) -> bool {
        let age = self.highest.saturating_sub(sequence);
        sequence > self.highest || (age < WINDOW && self.seen & (1 << age) == 0)
    }

    fn record(&mut self, sequence: u64) {
        if sequence > self.highest {
            let step = sequence - self.highest;
            self.seen = if step < WINDOW { self.seen << step } else { 0 };
            self.highest = sequence;
        }
        self.seen |= 1 << (self.highest - sequence);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn sender(number: u64) -> ProcessNumber {
        ProcessNumber::new(number).unwrap()
    }

    proptest! {
        #[test]
        fn each_sequence_is_accepted_at_most_once(sequences in prop::collection::vec(0_u64..200, 1..200)) {
            let mut windows = Windows::default();
            let mut accepted = BTreeSet::new();
            for sequence in sequences {
                let highest = accepted.last().copied().unwrap_or_default();
                let is_accepted = windows.record(sender(1), sequence, Tick(0)).is_ok();
                prop_assert!(!is_accepted || !accepted.contains(&sequence));
                let is_recent = sequence + WINDOW > highest;
                prop_assert_eq!(is_accepted, is_recent && !accepted.contains(&sequence));
                if is_accepted {
                    accepted.insert(sequence);
                }
            }
        }
    }

    #[test]
    fn the_extremes_do_not_overflow() {
        let mut windows = Windows::default();
        for (sequence, outcome) in [
            (0, Ok(())),
            (u64::MAX, Ok(())),
            (u64::MAX, Err(Unacceptable::Replayed)),
            (0, Err(Unacceptable::Replayed)),
        ] {
            assert_eq!(windows.record(sender(1), sequence, Tick(0)), outcome, "{sequence}");
        }
    }

    #[test]
    fn a_full_table_rejects_new_senders_and_keeps_live_ones() {
        let mut windows = Windows::with_capacity(2);
        let at = |seconds: u64| Tick(seconds * 1_000);
        windows.record(sender(1), 1, at(0)).unwrap();
        windows.record(sender(2), 1, at(1_199)).unwrap();
        assert_eq!(windows.record(sender(3), 1, at(1_199)), Err(Unacceptable::Full));
        assert_eq!(windows.check(sender(3), 1, at(1_199)), Err(Unacceptable::Full));
        assert_eq!(windows.record(sender(1), 1, at(1_199)), Err(Unacceptable::Replayed));
        // Sender 1 has been silent for two epochs, which a check alone notices.
        assert_eq!(windows.check(sender(3), 1, at(1_799)), Ok(()));
        assert_eq!(windows.record(sender(3), 1, at(1_799)), Ok(()));
        assert_eq!(windows.record(sender(2), 1, at(1_799)), Err(Unacceptable::Replayed));
        assert_eq!(windows.len(), 2);
    }
}
