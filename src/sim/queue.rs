//! The queue of future events, in order of time; events of the same time stay in order of
//! insertion.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::clock::Millis;

/// A queue of future events.
#[derive(Debug)]
pub struct Queue<T> {
    heap: BinaryHeap<Due<T>>,
    arrivals: u64,
}

#[derive(Debug)]
struct Due<T> {
    at: Millis,
    arrival: u64,
    event: T,
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

// The heap returns its greatest element, which must be the earliest event.
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
    /// Schedules an event.
    pub fn push(&mut self, at: Millis, event: T) {
        self.arrivals += 1;
        self.heap.push(Due { at, arrival: self.arrivals, event });
    }

    /// Takes the next event if it is due by `limit`.
    pub fn pop_until(&mut self, limit: Millis) -> Option<(Millis, T)> {
        if self.heap.peek()?.at > limit {
            return None;
        }
        self.heap.pop().map(|due| (due.at, due.event))
    }

    /// The number of queued events.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether no event is queued.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_ordered_by_time_then_insertion() {
        let mut queue = Queue::default();
        for (at, event) in [(5, 'c'), (1, 'a'), (5, 'd'), (3, 'b'), (9, 'e')] {
            queue.push(at, event);
        }
        let until_eight: String = std::iter::from_fn(|| queue.pop_until(8)).map(|(_, event)| event).collect();
        assert_eq!(until_eight, "abcd");
        assert_eq!(queue.len(), 1);
    }
}
