//! One value for each of many subjects, in the order in which they came.
//!
//! Like an `IndexMap`, but it grows in small steps, and gives its memory back.

use hashbrown::HashTable;

use crate::protocol::types::blocks::Blocks;
use crate::protocol::types::ids::NameKey;
use crate::protocol::types::limits::room_to_keep;

/// Values by subject, the oldest first.
#[derive(Debug)]
pub(super) struct BySubject<V> {
    entries: Blocks<(NameKey, V)>,
    /// The places of the entries, by subject.
    places: HashTable<u32>,
}

impl<V> Default for BySubject<V> {
    fn default() -> Self {
        Self { entries: Blocks::default(), places: HashTable::new() }
    }
}

impl<V: Copy> BySubject<V> {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn get_mut(&mut self, subject: NameKey) -> Option<&mut V> {
        let place = self.place_of(subject)?;
        self.entries.get_mut(place).map(|(_, value)| value)
    }

    /// Adds a subject that has no value yet.
    pub(super) fn insert(&mut self, subject: NameKey, value: V) {
        let place = self.entries.len();
        self.entries.push((subject, value));
        self.link(subject, place);
    }

    pub(super) fn remove(&mut self, subject: NameKey) {
        if self.place_of(subject).is_some() {
            self.retain(|other, _| other != subject);
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn retain(&mut self, mut is_kept: impl FnMut(NameKey, &mut V) -> bool) {
        let before = self.len();
        self.entries.retain(|(subject, value)| is_kept(*subject, value));
        if self.len() < before {
            self.link_all();
        }
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (NameKey, &V)> {
        self.entries.iter().map(|(subject, value)| (*subject, value))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.iter().map(|(_, value)| value)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|(_, value)| value)
    }

    fn place_of(&self, subject: NameKey) -> Option<usize> {
        let is_it =
            |place: &u32| self.entries.get(*place as usize).is_some_and(|(other, _)| *other == subject);
        self.places.find(subject.0, is_it).map(|place| *place as usize)
    }

    /// Renews the places after a removal, and gives back their memory if few are left.
    fn link_all(&mut self) {
        self.places.clear();
        if let Some(room) = room_to_keep(self.len(), self.places.capacity()) {
            self.places.shrink_to(room, |_| 0);
        }
        for place in 0..self.len() {
            if let Some((subject, _)) = self.entries.get(place) {
                self.link(*subject, place);
            }
        }
    }

    fn link(&mut self, subject: NameKey, place: usize) {
        let Self { entries, places } = self;
        let hash = |place: &u32| entries.get(*place as usize).map_or(0, |(subject, _)| subject.0);
        places.insert_unique(subject.0, u32::try_from(place).unwrap_or(u32::MAX), hash);
    }
}

#[cfg(test)]
mod tests {
    use foldhash::fast::FixedState;
    use indexmap::IndexMap;
    use std::hash::BuildHasher;

    use super::*;

    #[test]
    fn it_keeps_the_order_of_an_index_map() {
        let hasher = FixedState::with_seed(7);
        let key = |number: u64| NameKey(hasher.hash_one(number));
        let (mut held, mut map) = (BySubject::default(), IndexMap::new());
        for number in 0..2_000 {
            held.insert(key(number), number);
            map.insert(key(number), number);
            if number % 3 == 0 {
                let removed = key(number * 7 % (number + 100));
                held.remove(removed);
                map.shift_remove(&removed);
            }
        }
        let is_same = |held: &mut BySubject<u64>, map: &IndexMap<NameKey, u64>| {
            assert!(held.iter().eq(map.iter().map(|(subject, value)| (*subject, value))));
            assert!(held.iter().rev().eq(map.iter().rev().map(|(subject, value)| (*subject, value))));
            assert!(
                (0..2_000).all(|number| held.get_mut(key(number)).copied() == map.get(&key(number)).copied())
            );
        };
        is_same(&mut held, &map);
        held.retain(|_, value| *value % 16 == 0);
        map.retain(|_, value| *value % 16 == 0);
        is_same(&mut held, &map);
        assert!(held.len() > 64 && held.places.capacity() < 512);
        held.clear();
        assert_eq!((held.len(), held.is_empty(), held.places.capacity()), (0, true, 0));
    }
}
