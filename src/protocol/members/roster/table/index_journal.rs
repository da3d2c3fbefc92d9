//! The latest changes of roster slots, for callers that keep a copy of the roster.

use std::collections::VecDeque;

/// Changes remembered. A copy that has missed more is sent all URLs again.
pub(in crate::protocol) const MAX_CHANGES: usize = 512;

/// Slots whose URL has changed or was removed.
#[derive(Debug, Clone, Default)]
pub(in crate::protocol) struct SlotChanges {
    changes: u64,
    latest: VecDeque<usize>,
}

impl SlotChanges {
    /// The number of changes so far.
    pub(in crate::protocol) fn changes(&self) -> u64 {
        self.changes
    }

    pub(in crate::protocol) fn change(&mut self, slot: usize) {
        self.changes += 1;
        if self.latest.len() == MAX_CHANGES {
            self.latest.pop_front();
        }
        self.latest.push_back(slot);
    }

    pub(in crate::protocol) fn len(&self) -> usize {
        self.latest.len()
    }

    /// Returns the slots of all later changes; `None` if some are no longer remembered.
    pub(in crate::protocol) fn since(&self, changes: u64) -> Option<impl Iterator<Item = usize>> {
        let missed = usize::try_from(self.changes.checked_sub(changes)?).ok()?;
        let forgotten = self.latest.len().checked_sub(missed)?;
        Some(self.latest.range(forgotten..).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_learns_which_slots_have_changed() {
        let mut slots = SlotChanges::default();
        let since = |slots: &SlotChanges, changes| slots.since(changes).map(Iterator::collect::<Vec<_>>);
        slots.change(5);
        slots.change(7);
        assert_eq!(since(&slots, 0), Some(vec![5, 7]));
        assert_eq!(since(&slots, 1), Some(vec![7]));
        assert_eq!(since(&slots, 2), Some(vec![]));
        assert_eq!(since(&slots, 3), None);
    }

    #[test]
    fn old_changes_are_forgotten() {
        let mut slots = SlotChanges::default();
        (0..=MAX_CHANGES).for_each(|slot| slots.change(slot));
        assert!(slots.since(0).is_none());
        assert_eq!(slots.since(1).unwrap().count(), MAX_CHANGES);
    }
}
