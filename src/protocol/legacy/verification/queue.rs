//! Who is to be verified next: accusations first, then hearsay in random order, at a bounded pace.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexSet;
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use crate::protocol::context::deadlines::Deadlines;
use crate::protocol::types::time::Tick;

/// At most ten verifications begin in a second.
const PACE: Duration = Duration::from_millis(100);
/// At most so many wait for an answer at once.
pub(in crate::protocol) const MAX_ASKED: usize = 4;

#[derive(Debug, Default)]
pub(in crate::protocol) struct VerificationQueue {
    /// In the order in which they came.
    accused: IndexSet<Arc<str>, FixedState>,
    hearsay: IndexSet<Arc<str>, FixedState>,
    waiting: Deadlines,
    next_slot: Tick,
}

impl VerificationQueue {
    /// Members may stand here longer than their cases: whoever takes one out looks whether it still
    /// has one.
    pub(in crate::protocol) fn queue(&mut self, identity: Arc<str>, is_accused: bool) {
        if is_accused {
            self.hearsay.swap_remove(&identity);
            self.accused.insert(identity);
        } else if !self.accused.contains(&identity) {
            self.hearsay.insert(identity);
        }
    }

    pub(in crate::protocol) fn wait(&mut self, identity: &Arc<str>, until: Tick) {
        self.waiting.set(identity, until);
    }

    /// A member that is no longer known is asked nothing.
    pub(in crate::protocol) fn forget(&mut self, identity: &Arc<str>) {
        self.accused.shift_remove(identity);
        self.hearsay.swap_remove(identity);
        self.waiting.forget(identity);
    }

    /// How many are queued, and how many wait to be asked again.
    pub(in crate::protocol) fn lengths(&self) -> [usize; 2] {
        [self.accused.len() + self.hearsay.len(), self.waiting.len()]
    }

    /// Those whose pause has ended.
    pub(in crate::protocol) fn take_due(&mut self, now: Tick) -> Vec<Arc<str>> {
        self.waiting.take_due(now)
    }

    /// The next one to ask, if the pace allows one now.
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
        self.next_slot = now + PACE;
    }

    /// When there is something to do next; `can_ask` says whether a further question may go out at
    /// all.
    pub(in crate::protocol) fn next_wake(&self, can_ask: bool) -> Option<Tick> {
        let has_queued = can_ask && !(self.accused.is_empty() && self.hearsay.is_empty());
        let slot = has_queued.then_some(self.next_slot);
        slot.into_iter().chain(self.waiting.next()).min()
    }
}
