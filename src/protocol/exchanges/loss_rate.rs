//! The rate of lost messages. If it is high, a server's silence says little.

/// Exchanges after which the weight of an earlier one has fallen to about a third.
const MEMORY_EXCHANGES: f64 = 32.0;
/// Share of lost exchanges above which silence is checked twice.
const HIGH_SHARE: f64 = 0.15;

/// An exponential average of the share of recent exchanges without an answer.
#[derive(Debug, Default)]
pub(in crate::protocol) struct LossRate {
    share: f64,
}

impl LossRate {
    /// Records that a server has answered.
    pub(in crate::protocol) fn record_answer(&mut self) {
        self.share -= self.share / MEMORY_EXCHANGES;
    }

    /// Records that a native server has not answered.
    pub(in crate::protocol) fn record_loss(&mut self) {
        self.share += (1.0 - self.share) / MEMORY_EXCHANGES;
    }

    pub(in crate::protocol) fn is_high(&self) -> bool {
        self.share > HIGH_SHARE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lossy_network_raises_the_rate_but_one_vanished_server_does_not() {
        let mut loss_rate = LossRate::default();
        // Among twenty servers, with one probe per second, it is probed twice before it is
        // suspected.
        for number in 0..200 {
            if number % 20 == 0 {
                loss_rate.record_loss()
            } else {
                loss_rate.record_answer()
            }
            assert!(!loss_rate.is_high());
        }
        for number in 0..64 {
            if number % 2 == 0 { loss_rate.record_loss() } else { loss_rate.record_answer() }
        }
        assert!(loss_rate.is_high());
        (0..64).for_each(|_| loss_rate.record_answer());
        assert!(!loss_rate.is_high());
    }
}
