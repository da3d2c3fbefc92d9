//! Rate limits: a burst, then one more per period.

use crate::protocol::types::time::Tick;

/// A bucket that holds up to `BURST` tokens and gains one every `PERIOD_MS` milliseconds.
#[derive(Debug, Default)]
pub(in crate::protocol) struct TokenBucket<const BURST: u64, const PERIOD_MS: u64> {
    /// When the bucket will be full again; it is empty `BURST` periods earlier.
    full_at: Tick,
}

impl<const BURST: u64, const PERIOD_MS: u64> TokenBucket<BURST, PERIOD_MS> {
    /// Takes up to `wanted` tokens, and returns how many it took.
    pub(in crate::protocol) fn take(&mut self, wanted: usize, now: Tick) -> usize {
        let full_at = self.full_at.max(now);
        let left = BURST.saturating_sub(full_at.0.saturating_sub(now.0).div_ceil(PERIOD_MS));
        let taken = left.min(u64::try_from(wanted).unwrap_or(u64::MAX));
        self.full_at = Tick(full_at.0 + taken * PERIOD_MS);
        usize::try_from(taken).unwrap_or(wanted)
    }

    /// Whether the bucket is full, like a new one.
    pub(in crate::protocol) fn is_full(&self, now: Tick) -> bool {
        self.full_at <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_thirty_and_then_thirty_per_second() {
        let mut bucket = TokenBucket::<30, 33>::default();
        let second = |n: u64| Tick(100_000 + n * 1_000);
        assert_eq!(bucket.take(20, second(0)), 20);
        assert_eq!(bucket.take(20, second(0)), 10);
        assert_eq!(bucket.take(20, second(0)), 0);
        let in_ten_seconds: usize = (1..=100).map(|n| bucket.take(20, Tick(second(0).0 + n * 100))).sum();
        assert!((295..=305).contains(&in_ten_seconds), "{in_ten_seconds}");
        assert!(bucket.is_full(second(60)));
        assert_eq!(bucket.take(100, second(60)), 30);
        assert!(!bucket.is_full(second(60)));
    }
}
