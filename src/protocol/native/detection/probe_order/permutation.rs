//! The order of probes beside the ring successors: every member once, in an unpredictable order.

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

/// Visits each slot of the roster once: from a random slot, in steps of a random length coprime to
/// the number of slots. It needs no memory; a shuffled list would need a quarter of the roster's.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Permutation {
    slots: usize,
    step: usize,
    next: usize,
    left: usize,
}

impl Permutation {
    pub(in crate::protocol) fn over(slots: usize, rng: &mut Xoshiro256PlusPlus) -> Self {
        if slots == 0 {
            return Self::default();
        }
        let mut step = rng.random_range(1..=slots);
        while greatest_common_divisor(step, slots) > 1 {
            step = rng.random_range(1..=slots);
        }
        Self { slots, step, next: rng.random_range(0..slots), left: slots }
    }
}

impl Iterator for Permutation {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let slot = self.next;
        self.next = (slot + self.step) % self.slots;
        Some(slot)
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_permutation_visits_each_slot_once() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        for slots in (0..50).chain([1_000, 1_024, 10_000]) {
            let mut visited: Vec<usize> = Permutation::over(slots, &mut rng).collect();
            visited.sort_unstable();
            assert_eq!(visited, (0..slots).collect::<Vec<_>>());
        }
    }
}
