//! What is still to happen, in the order of its moments; of one moment in the order of arrival.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::clock::Millis;

/// A queue of things to happen.
#[derive(Debug)]
pub struct Queue<T> {
    heap: BinaryHeap<Due<T>>,
    arrivals: u64,
}

#[derive(Debug)]
struct Due<T> {
    at: Millis,
    arrival: u64,
    what: T,
}

impl<T> Due<T> {
    fn key(&self) -> (Millis, u64) {
        (self.at, self.arrival)
    }
}

impl<T> PartialEq for Due<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Due<T> {}

impl<T> PartialOrd for Due<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

// The heap gives out its greatest, which is to be the earliest.
impl<T> Ord for Due<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), arrivals: 0 }
    }
}

impl<T> Queue<T> {
    /// Has something happen at a moment.
    pub fn push(&mut self, at: Millis, what: T) {
        self.arrivals += 1;
        self.heap.push(Due { at, arrival: self.arrivals, what });
    }

    /// What comes next, if it comes no later than `limit`.
    pub fn pop_until(&mut self, limit: Millis) -> Option<(Millis, T)> {
        if self.heap.peek()?.at > limit {
            return None;
        }
        self.heap.pop().map(|due| (due.at, due.what))
    }

    /// How much is still to happen.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_of_one_moment_the_first_to_arrive() {
        let mut queue = Queue::default();
        for (at, what) in [(5, 'c'), (1, 'a'), (5, 'd'), (3, 'b'), (9, 'e')] {
            queue.push(at, what);
        }
        let until_eight: String = std::iter::from_fn(|| queue.pop_until(8)).map(|(_, what)| what).collect();
        assert_eq!(until_eight, "abcd");
        assert_eq!(queue.len(), 1);
    }
}
