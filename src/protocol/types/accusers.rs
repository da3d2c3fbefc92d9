//! The servers that found a suspect silent: a small set whose union does not depend on the order.

/// Accusers kept: one that suspects and two that confirm. More would not shorten a suspicion.
pub const MAX_ACCUSERS: usize = 3;

/// Up to three servers, by the hashes of their URLs. The smallest are kept, so the order of merging
/// does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accusers {
    /// In ascending order; zero marks an unused element.
    ids: [u32; MAX_ACCUSERS],
}

impl Accusers {
    /// The accusers, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.ids.into_iter().filter(|id| *id != 0)
    }

    /// The number of accusers.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there are no accusers.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds one, and returns whether the set changed.
    pub fn insert(&mut self, id: u32) -> bool {
        let id = id.max(1);
        let rank = self.iter().take_while(|held| *held < id).count();
        let Some(rest) = self.ids.get_mut(rank..).filter(|rest| rest.first().is_some_and(|held| *held != id))
        else {
            return false;
        };
        rest.rotate_right(1);
        rest[0] = id;
        true
    }

    /// Adds all of `others`, and returns whether the set changed.
    pub fn join(&mut self, others: &Self) -> bool {
        others.iter().fold(false, |changed, id| self.insert(id) | changed)
    }
}

impl FromIterator<u32> for Accusers {
    fn from_iter<T: IntoIterator<Item = u32>>(ids: T) -> Self {
        let mut accusers = Self::default();
        for id in ids {
            accusers.insert(id);
        }
        accusers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_three_are_kept_in_any_order() {
        let ids = [9, 4, 7, 2, 4];
        let forwards: Accusers = ids.into_iter().collect();
        let backwards: Accusers = ids.into_iter().rev().collect();
        assert_eq!(forwards, backwards);
        assert_eq!(forwards.iter().collect::<Vec<_>>(), [2, 4, 7]);
    }

    #[test]
    fn joining_returns_whether_anything_changed() {
        let mut accusers: Accusers = [5].into_iter().collect();
        assert!(!accusers.join(&[5].into_iter().collect()));
        assert!(accusers.join(&[6].into_iter().collect()));
        assert!(!Accusers::default().join(&Accusers::default()));
    }
}
