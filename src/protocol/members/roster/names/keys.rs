//! Short keys that stand for names, and collections of many of them.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::protocol::types::ids::NameKey;
use crate::protocol::types::limits::room_to_keep;

/// Keys in one block of a list: 8 kB.
const KEYS_PER_BLOCK: usize = 1_024;

/// Keys to work through once. Its blocks are small: after a large one, an allocator keeps further
/// large ones for itself.
#[derive(Debug, Default)]
pub(in crate::protocol) struct KeyList(Vec<Vec<NameKey>>);

impl KeyList {
    pub(in crate::protocol) fn push(&mut self, key: NameKey) {
        match self.0.last_mut().filter(|block| block.len() < KEYS_PER_BLOCK) {
            Some(block) => block.push(key),
            None => self.0.push(vec![key]),
        }
    }
}

impl IntoIterator for KeyList {
    type Item = NameKey;
    type IntoIter = std::iter::Flatten<std::vec::IntoIter<Vec<NameKey>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().flatten()
    }
}

/// Keys without duplicates, of which any can be taken. The last one moves into the place of a
/// removed one.
#[derive(Debug, Default)]
pub(in crate::protocol) struct KeySet {
    keys: Vec<NameKey>,
    /// The places of the keys, by key.
    places: HashTable<u32>,
}

impl KeySet {
    pub(in crate::protocol) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(in crate::protocol) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(in crate::protocol) fn insert(&mut self, key: NameKey) {
        let Self { keys, places } = self;
        let is_it = |place: &u32| keys.get(*place as usize) == Some(&key);
        if let Entry::Vacant(vacant) = places.entry(key.0, is_it, |place| hash_at(keys, *place)) {
            vacant.insert(u32::try_from(keys.len()).unwrap_or(u32::MAX));
            keys.push(key);
        }
    }

    pub(in crate::protocol) fn remove(&mut self, key: NameKey) {
        let keys = &self.keys;
        let is_it = |place: &u32| keys.get(*place as usize) == Some(&key);
        if let Some(place) = self.places.find(key.0, is_it).map(|place| *place as usize) {
            self.take(place);
        }
    }

    /// Removes and returns the key in this place.
    pub(in crate::protocol) fn take(&mut self, place: usize) -> Option<NameKey> {
        let key = *self.keys.get(place)?;
        let last = self.keys.len() - 1;
        if let Ok(found) = self.places.find_entry(key.0, |other| *other as usize == place) {
            found.remove();
        }
        let moved = self.keys.last()?.0;
        if let (Some(other), Ok(place)) =
            (self.places.find_mut(moved, |other| *other as usize == last), u32::try_from(place))
        {
            *other = place;
        }
        self.keys.swap_remove(place);
        self.give_back();
        Some(key)
    }

    fn give_back(&mut self) {
        let Self { keys, places } = self;
        if let Some(room) = room_to_keep(keys.len(), keys.capacity()) {
            keys.shrink_to(room);
            places.shrink_to(room, |place| hash_at(keys, *place));
        }
    }
}

fn hash_at(keys: &[NameKey], place: u32) -> u64 {
    keys.get(place as usize).map_or(0, |key| key.0)
}

#[cfg(test)]
mod tests {
    use indexmap::IndexSet;

    use super::*;

    #[test]
    fn a_list_keeps_all_keys_in_order() {
        let mut list = KeyList::default();
        (0..2_500).for_each(|key| list.push(NameKey(key)));
        assert!(list.into_iter().map(|key| key.0).eq(0..2_500));
    }

    #[test]
    fn a_set_keeps_the_order_of_an_index_set() {
        let (mut set, mut expected) = (KeySet::default(), IndexSet::new());
        for key in 0..5_000 {
            set.insert(NameKey(key % 4_000));
            expected.insert(NameKey(key % 4_000));
        }
        for key in (0..4_500).step_by(3) {
            set.remove(NameKey(key));
            expected.swap_remove(&NameKey(key));
        }
        while !expected.is_empty() {
            assert_eq!(set.len(), expected.len());
            let place = expected.len() * 2 / 3;
            assert_eq!(set.take(place), expected.swap_remove_index(place));
        }
        assert!(set.is_empty() && set.take(0).is_none());
        assert!(set.keys.capacity() <= 1_024 && set.places.capacity() < 2_048);
    }
}
