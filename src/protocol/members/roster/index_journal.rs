//! The latest changes of the places in the roster, for those who keep a copy of it.

use std::collections::VecDeque;

/// So many changes are remembered; a copy that has missed more is told all names anew.
pub(in crate::protocol) const REMEMBERED: usize = 512;

/// Which places have got another name, or none, while the roster was at least so long.
#[derive(Debug, Clone, Default)]
pub(in crate::protocol) struct Places {
    changes: u64,
    latest: VecDeque<usize>,
}

impl Places {
    /// Changes so far.
    pub(in crate::protocol) fn changes(&self) -> u64 {
        self.changes
    }

    pub(in crate::protocol) fn change(&mut self, place: usize) {
        self.changes += 1;
        if self.latest.len() == REMEMBERED {
            self.latest.pop_front();
        }
        self.latest.push_back(place);
    }

    pub(in crate::protocol) fn len(&self) -> usize {
        self.latest.len()
    }

    /// Those that have changed after so many changes; none if nobody remembers.
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
    fn a_copy_learns_which_places_have_changed() {
        let mut places = Places::default();
        let since = |places: &Places, changes| places.since(changes).map(Iterator::collect::<Vec<_>>);
        places.change(5);
        places.change(7);
        assert_eq!(since(&places, 0), Some(vec![5, 7]));
        assert_eq!(since(&places, 1), Some(vec![7]));
        assert_eq!(since(&places, 2), Some(vec![]));
        assert_eq!(since(&places, 3), None);
    }

    #[test]
    fn what_is_long_ago_is_forgotten() {
        let mut places = Places::default();
        (0..=REMEMBERED).for_each(|place| places.change(place));
        assert!(places.since(0).is_none());
        assert_eq!(places.since(1).unwrap().count(), REMEMBERED);
    }
}
