//! The order of verifications: accusations first, then hearsay in random order, at a bounded rate.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexSet;
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use crate::protocol::context::deadlines::Deadlines;
use crate::protocol::types::time::Tick;

/// Pause between the starts of two verifications: ten a second.
const VERIFICATION_INTERVAL: Duration = Duration::from_millis(100);
/// Verifications in flight at once.
pub(in crate::protocol) const MAX_VERIFICATIONS: usize = 4;

/// The priority of a member in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Priority {
    /// Only an answer settles whether the member is online.
    Accused,
    /// Hearsay was accepted, and is verified later.
    Hearsay,
}

/// Whether a further request may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Capacity {
    Free,
    Exhausted,
}

#[derive(Debug, Default)]
pub(in crate::protocol) struct VerificationQueue {
    /// In the order of arrival.
    accused: IndexSet<Arc<str>, FixedState>,
    hearsay: IndexSet<Arc<str>, FixedState>,
    waiting: Deadlines,
    next_slot: Tick,
}

impl VerificationQueue {
    /// Queues a member. It may stay queued after its check was closed, so the caller of `take_next`
    /// must recheck it.
    pub(in crate::protocol) fn push(&mut self, identity: Arc<str>, priority: Priority) {
        match priority {
            Priority::Accused => {
                self.hearsay.swap_remove(&identity);
                self.accused.insert(identity);
            }
            Priority::Hearsay if self.accused.contains(&identity) => {}
            Priority::Hearsay => {
                self.hearsay.insert(identity);
            }
        }
    }

    pub(in crate::protocol) fn wait(&mut self, identity: &Arc<str>, until: Tick) {
        self.waiting.set(identity, until);
    }

    /// Removes a forgotten member.
    pub(in crate::protocol) fn forget(&mut self, identity: &Arc<str>) {
        self.accused.shift_remove(identity);
        self.hearsay.swap_remove(identity);
        self.waiting.forget(identity);
    }

    /// Returns the number of queued members, and of those that wait for another try.
    pub(in crate::protocol) fn lengths(&self) -> [usize; 2] {
        [self.accused.len() + self.hearsay.len(), self.waiting.len()]
    }

    /// Removes and returns the members whose pause has ended.
    pub(in crate::protocol) fn take_due(&mut self, now: Tick) -> Vec<Arc<str>> {
        self.waiting.take_due(now)
    }

    /// Removes and returns the next member to ask, if the rate limit allows.
    pub(in crate::protocol) fn take_next(
        &mut self,
        now: Tick,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Option<Arc<str>> {
        if now < self.next_slot {
            return None;
        }
        self.accused.shift_remove_index(0).or_else(|| {
            let last = self.hearsay.len().checked_sub(1)?;
            self.hearsay.swap_remove_index(rng.random_range(0..=last))
        })
    }

    pub(in crate::protocol) fn spend_slot(&mut self, now: Tick) {
        self.next_slot = now + VERIFICATION_INTERVAL;
    }

    /// Returns the time of the next work.
    pub(in crate::protocol) fn next_wake(&self, capacity: Capacity) -> Option<Tick> {
        let has_queued = capacity == Capacity::Free && !(self.accused.is_empty() && self.hearsay.is_empty());
        let slot = has_queued.then_some(self.next_slot);
        slot.into_iter().chain(self.waiting.next()).min()
    }
}
