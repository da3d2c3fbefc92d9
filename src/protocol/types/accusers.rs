//! Who has found a suspect silent: a small set whose union is the same in any order.

/// One that suspects and two that confirm are enough; more would change nothing.
pub const MAX_ACCUSERS: usize = 3;

/// Up to three servers, each by a number made of its URL; of more the smallest, so that merging is order-independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accusers {
    /// In rising order; zero is an empty place.
    ids: [u32; MAX_ACCUSERS],
}

impl Accusers {
    /// The accusers, in rising order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.ids.into_iter().filter(|id| *id != 0)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds one; tells whether that changed anything.
    pub fn insert(&mut self, id: u32) -> bool {
        let before = *self;
        let mut ids: Vec<u32> = self.iter().chain([id.max(1)]).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.resize(MAX_ACCUSERS, 0);
        for (slot, id) in self.ids.iter_mut().zip(ids) {
            *slot = id;
        }
        *self != before
    }

    /// Adds all of `others`; tells whether that changed anything.
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
    fn the_smallest_three_stay_in_any_order() {
        let ids = [9, 4, 7, 2, 4];
        let forwards: Accusers = ids.into_iter().collect();
        let backwards: Accusers = ids.into_iter().rev().collect();
        assert_eq!(forwards, backwards);
        assert_eq!(forwards.iter().collect::<Vec<_>>(), [2, 4, 7]);
    }

    #[test]
    fn joining_tells_whether_it_changed_anything() {
        let mut accusers: Accusers = [5].into_iter().collect();
        assert!(!accusers.join(&[5].into_iter().collect()));
        assert!(accusers.join(&[6].into_iter().collect()));
        assert!(!Accusers::default().join(&Accusers::default()));
    }
}
