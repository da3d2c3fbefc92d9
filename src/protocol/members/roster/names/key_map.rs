//! One value for each of many names.
//!
//! Like an `IndexMap`, but it grows in small steps, and gives its memory back.

use hashbrown::HashTable;

use crate::protocol::types::blocks::Blocks;
use crate::protocol::types::ids::NameKey;
use crate::protocol::types::limits::room_to_keep;

/// Values by name, the oldest first, unless [`Self::swap_remove`] has moved one.
#[derive(Debug, Clone)]
pub(in crate::protocol) struct KeyMap<V> {
    entries: Blocks<(NameKey, V)>,
    /// The places of the entries, by key.
    places: HashTable<u32>,
}

impl<V> Default for KeyMap<V> {
    fn default() -> Self {
        Self { entries: Blocks::default(), places: HashTable::new() }
    }
}

impl<V: Copy> KeyMap<V> {
    pub(in crate::protocol) fn len(&self) -> usize {
        self.entries.len()
    }

    #[inline]
    pub(in crate::protocol) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(in crate::protocol) fn get(&self, key: NameKey) -> Option<&V> {
        self.entries.get(self.place_of(key)?).map(|(_, value)| value)
    }

    /// The entry in this place.
    pub(in crate::protocol) fn at(&self, place: usize) -> Option<&(NameKey, V)> {
        self.entries.get(place)
    }

    pub(in crate::protocol) fn set_at(&mut self, place: usize, value: V) {
        self.entries.get_mut(place).into_iter().for_each(|(_, held)| *held = value);
    }

    /// The entries in the block with this number.
    pub(in crate::protocol) fn block(&self, number: usize) -> &[(NameKey, V)] {
        self.entries.block(number)
    }

    pub(in crate::protocol) fn get_mut(&mut self, key: NameKey) -> Option<&mut V> {
        let place = self.place_of(key)?;
        self.entries.get_mut(place).map(|(_, value)| value)
    }

    /// Adds a name that has no value yet.
    pub(in crate::protocol) fn insert(&mut self, key: NameKey, value: V) {
        let place = self.entries.len();
        self.entries.push((key, value));
        self.link(key, place);
    }

    pub(in crate::protocol) fn remove(&mut self, key: NameKey) {
        if self.place_of(key).is_some() {
            self.retain(|other, _| other != key);
        }
    }

    /// Removes the value in this place. The last one moves there.
    pub(in crate::protocol) fn swap_remove(&mut self, place: usize) {
        let last = self.len().saturating_sub(1);
        let Some((key, _)) = self.at(place) else { return };
        if let Ok(found) = self.places.find_entry(key.0, |other| *other as usize == place) {
            found.remove();
        }
        let Some(moved) = self.entries.pop() else { return };
        if let Some(entry) = self.entries.get_mut(place) {
            *entry = moved;
            let is_last = |other: &u32| *other as usize == last;
            if let (Some(other), Ok(place)) = (self.places.find_mut(moved.0.0, is_last), u32::try_from(place))
            {
                *other = place;
            }
        }
        self.give_back();
    }

    pub(in crate::protocol) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(in crate::protocol) fn retain(&mut self, mut is_kept: impl FnMut(NameKey, &mut V) -> bool) {
        let before = self.len();
        self.entries.retain(|(key, value)| is_kept(*key, value));
        if self.len() < before {
            self.link_all();
        }
    }

    pub(in crate::protocol) fn iter(&self) -> impl DoubleEndedIterator<Item = (NameKey, &V)> {
        self.entries.iter().map(|(key, value)| (*key, value))
    }

    pub(in crate::protocol) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.iter().map(|(_, value)| value)
    }

    pub(in crate::protocol) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|(_, value)| value)
    }

    pub(in crate::protocol) fn place_of(&self, key: NameKey) -> Option<usize> {
        let is_it = |place: &u32| self.entries.get(*place as usize).is_some_and(|(other, _)| *other == key);
        self.places.find(key.0, is_it).map(|place| *place as usize)
    }

    /// Renews the places after a removal.
    fn link_all(&mut self) {
        self.places.clear();
        self.give_back();
        for place in 0..self.len() {
            if let Some((key, _)) = self.entries.get(place) {
                self.link(*key, place);
            }
        }
    }

    /// Gives back memory after many were removed.
    fn give_back(&mut self) {
        let Self { entries, places } = self;
        if let Some(room) = room_to_keep(entries.len(), places.capacity()) {
            places.shrink_to(room, |place| hash_at(entries, *place));
        }
    }

    fn link(&mut self, key: NameKey, place: usize) {
        let Self { entries, places } = self;
        let rehash = |place: &u32| hash_at(entries, *place);
        places.insert_unique(key.0, u32::try_from(place).unwrap_or(u32::MAX), rehash);
    }
}

fn hash_at<V: Copy>(entries: &Blocks<(NameKey, V)>, place: u32) -> u64 {
    entries.get(place as usize).map_or(0, |(key, _)| key.0)
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
        let (mut held, mut map) = (KeyMap::default(), IndexMap::new());
        for number in 0..2_000 {
            held.insert(key(number), number);
            map.insert(key(number), number);
            if number % 3 == 0 {
                let removed = key(number * 7 % (number + 100));
                held.remove(removed);
                map.shift_remove(&removed);
            }
        }
        let is_same = |held: &mut KeyMap<u64>, map: &IndexMap<NameKey, u64>| {
            assert!(held.iter().eq(map.iter().map(|(key, value)| (*key, value))));
            assert!(held.iter().rev().eq(map.iter().rev().map(|(key, value)| (*key, value))));
            assert!(
                (0..2_000).all(|number| held.get_mut(key(number)).copied() == map.get(&key(number)).copied())
            );
        };
        is_same(&mut held, &map);
        held.retain(|_, value| *value % 16 == 0);
        map.retain(|_, value| *value % 16 == 0);
        is_same(&mut held, &map);
        assert!(held.len() > 64 && held.places.capacity() < 512);
        for place in [held.len() - 1, 0, 5] {
            let (removed, _) = *held.at(place).unwrap();
            held.swap_remove(place);
            map.swap_remove(&removed);
        }
        is_same(&mut held, &map);
        held.clear();
        assert_eq!((held.len(), held.is_empty(), held.places.capacity()), (0, true, 0));
    }
}
