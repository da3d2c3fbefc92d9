//! Whom to probe beside the neighbour: everybody once, in an order that nobody can foresee.

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

/// A walk over the roster that comes to each place once: from a random one, in steps of a random length that shares no
/// divisor with their number. It takes no memory, where a shuffled list would take that of a quarter of the roster.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Permutation {
    places: usize,
    step: usize,
    next: usize,
    left: usize,
}

impl Permutation {
    pub(in crate::protocol) fn over(places: usize, rng: &mut Xoshiro256PlusPlus) -> Self {
        if places == 0 {
            return Self::default();
        }
        let mut step = rng.random_range(1..=places);
        while greatest_common_divisor(step, places) > 1 {
            step = rng.random_range(1..=places);
        }
        Self { places, step, next: rng.random_range(0..places), left: places }
    }
}

impl Iterator for Permutation {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let place = self.next;
        self.next = (place + self.step) % self.places;
        Some(place)
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
    fn a_turn_comes_to_each_place_once() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        for places in (0..50).chain([1_000, 1_024, 10_000]) {
            let mut met: Vec<usize> = Permutation::over(places, &mut rng).collect();
            met.sort_unstable();
            assert_eq!(met, (0..places).collect::<Vec<_>>());
        }
    }
}
