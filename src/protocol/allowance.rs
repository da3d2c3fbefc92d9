//! How many pushes a server may make, whatever it is told: thirty at once, and thirty a second.

use std::time::Duration;

use super::time::Tick;

/// So many pushes may go out at once, and in each second.
const PUSHES: u64 = 30;
/// One more push is allowed after this.
const EACH: Duration = Duration::from_nanos(1_000_000_000 / PUSHES);

/// A bucket of pushes that fills by and by.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    /// When it will be full again; it is empty a second before.
    full_at: Tick,
}

impl Allowance {
    /// Takes out as many as are wanted, or as there are.
    pub(super) fn take(&mut self, wanted: usize, now: Tick) -> usize {
        let each = u64::try_from(EACH.as_millis()).unwrap_or(1);
        let full_at = self.full_at.max(now);
        let left = PUSHES.saturating_sub(full_at.0.saturating_sub(now.0).div_ceil(each));
        let taken = left.min(u64::try_from(wanted).unwrap_or(u64::MAX));
        self.full_at = Tick(full_at.0 + taken * each);
        usize::try_from(taken).unwrap_or(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_at_once_and_thirty_a_second() {
        let mut allowance = Allowance::default();
        let second = |n: u64| Tick(100_000 + n * 1_000);
        assert_eq!(allowance.take(20, second(0)), 20);
        assert_eq!(allowance.take(20, second(0)), 10);
        assert_eq!(allowance.take(20, second(0)), 0);
        let in_ten_seconds: usize = (1..=100).map(|n| allowance.take(20, Tick(second(0).0 + n * 100))).sum();
        assert!((295..=305).contains(&in_ten_seconds), "{in_ten_seconds}");
        assert_eq!(allowance.take(100, second(60)), 30);
    }
}
