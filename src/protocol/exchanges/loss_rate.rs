//! How many messages get lost: where it is many, a server's silence says little.

/// So many exchanges back, one counts a third of the latest.
const MEMORY: f64 = 32.0;
/// The share of lost exchanges from which on silence is looked into twice.
const MANY: f64 = 0.15;

/// The share of exchanges that were lately met with silence; an exponential average.
#[derive(Debug, Default)]
pub(in crate::protocol) struct LossRate {
    share: f64,
}

impl LossRate {
    /// A server has answered.
    pub(in crate::protocol) fn record_answer(&mut self) {
        self.share -= self.share / MEMORY;
    }

    /// A native server has not answered.
    pub(in crate::protocol) fn record_loss(&mut self) {
        self.share += (1.0 - self.share) / MEMORY;
    }

    pub(in crate::protocol) fn is_high(&self) -> bool {
        self.share > MANY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_vanished_does_not_make_many_and_a_lossy_network_does() {
        let mut losses = LossRate::default();
        // Among twenty, with a probe each second, it is met twice before it is suspected.
        for number in 0..200 {
            if number % 20 == 0 {
                losses.record_loss()
            } else {
                losses.record_answer()
            }
            assert!(!losses.is_high());
        }
        for number in 0..64 {
            if number % 2 == 0 { losses.record_loss() } else { losses.record_answer() }
        }
        assert!(losses.is_high());
        (0..64).for_each(|_| losses.record_answer());
        assert!(!losses.is_high());
    }
}
