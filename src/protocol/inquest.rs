//! Who is to be verified next: accusations first, then hearsay in random order, at a bounded pace.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexSet;
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use super::time::Tick;

/// At most ten verifications begin in a second.
const PACE: Duration = Duration::from_millis(100);
/// At most so many wait for an answer at once.
pub(super) const MAX_ASKED: usize = 4;

#[derive(Debug, Default)]
pub(super) struct Inquest {
    accused: VecDeque<Arc<str>>,
    hearsay: IndexSet<Arc<str>, FixedState>,
    waiting: BTreeMap<Tick, Vec<Arc<str>>>,
    next_slot: Tick,
}

impl Inquest {
    /// Members may stand here longer than their cases: whoever takes one out looks whether it still has one.
    pub(super) fn queue(&mut self, identity: Arc<str>, is_accused: bool) {
        if is_accused {
            self.hearsay.swap_remove(&identity);
            self.accused.push_back(identity);
        } else {
            self.hearsay.insert(identity);
        }
    }

    pub(super) fn wait(&mut self, identity: Arc<str>, until: Tick) {
        self.waiting.entry(until).or_default().push(identity);
    }

    /// Those whose pause has ended.
    pub(super) fn take_due(&mut self, now: Tick) -> Vec<Arc<str>> {
        let later = self.waiting.split_off(&Tick(now.0.saturating_add(1)));
        std::mem::replace(&mut self.waiting, later).into_values().flatten().collect()
    }

    /// The next one to ask, if the pace allows one now.
    pub(super) fn take_next(&mut self, now: Tick, rng: &mut Xoshiro256PlusPlus) -> Option<Arc<str>> {
        if now < self.next_slot {
            return None;
        }
        self.accused.pop_front().or_else(|| {
            let last = self.hearsay.len().checked_sub(1)?;
            self.hearsay.swap_remove_index(rng.random_range(0..=last))
        })
    }

    pub(super) fn spend_slot(&mut self, now: Tick) {
        self.next_slot = now + PACE;
    }

    /// When there is something to do next; `can_ask` says whether a further question may go out at all.
    pub(super) fn next_wake(&self, can_ask: bool) -> Option<Tick> {
        let has_queued = can_ask && !(self.accused.is_empty() && self.hearsay.is_empty());
        let slot = has_queued.then_some(self.next_slot);
        let due = self.waiting.keys().next().copied();
        slot.into_iter().chain(due).min()
    }
}
