//! The processor that all servers of a world share, as on an overloaded machine.

use super::clock::Millis;

/// A processor that does one task after another.
#[derive(Debug, Default)]
pub struct Processor {
    /// Microseconds per wake-up, request or outcome; 0 makes the processor infinitely fast.
    pub cost: u64,
    /// When all accepted tasks are done, in microseconds.
    free_at: u64,
}

impl Processor {
    /// Accepts a task, or returns when it can.
    pub(super) fn accept(&mut self, now: Millis) -> Result<(), Millis> {
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
    fn a_busy_processor_returns_when_it_is_free() {
        let mut processor = Processor { cost: 2_500, ..Processor::default() };
        assert_eq!(processor.accept(10), Ok(()));
        assert_eq!(processor.accept(10), Err(12));
        assert_eq!(processor.accept(12), Ok(()));
        assert_eq!(processor.accept(12), Err(15));
        assert_eq!(processor.accept(20), Ok(()));
        assert_eq!(Processor::default().accept(1), Ok(()));
    }
}
