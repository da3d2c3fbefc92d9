//! The processor that all servers of a world share, as on one machine that has too much to do.

use super::clock::Millis;

/// Does one thing after another.
#[derive(Debug, Default)]
pub struct Processor {
    /// How many microseconds it takes to wake a server, or to take up a request or its outcome; none: no time at all.
    pub cost: u64,
    /// When it is done with what it has been given, in microseconds.
    free_at: u64,
}

impl Processor {
    /// Takes up one thing more, or says when it could.
    pub(super) fn take_up(&mut self, now: Millis) -> Result<(), Millis> {
        if self.cost == 0 {
            return Ok(());
        }
        if self.free_at >= (now + 1) * 1_000 {
            return Err(self.free_at / 1_000);
        }
        self.free_at = self.free_at.max(now * 1_000) + self.cost;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_busy_says_until_when() {
        let mut processor = Processor { cost: 2_500, ..Processor::default() };
        assert_eq!(processor.take_up(10), Ok(()));
        assert_eq!(processor.take_up(10), Err(12));
        assert_eq!(processor.take_up(12), Ok(()));
        assert_eq!(processor.take_up(12), Err(15));
        assert_eq!(processor.take_up(20), Ok(()));
        assert_eq!(Processor::default().take_up(1), Ok(()));
    }
}
