//! A legacy peer's lists and how it merges claims, with the faults of version 1.

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use super::clock::Millis;
use super::names::{Listed, Listing, NameId, Names};
use crate::protocol::time::Stamp;

const TOMBSTONE_LIFE: Millis = 24 * 60 * 60 * 1_000;

/// The two lists of a legacy peer.
#[derive(Debug, Default)]
pub(super) struct LegacyLists {
    pub(super) names: Names,
    pub(super) online: Online,
    pub(super) offline: IndexMap<NameId, Listed, FixedState>,
}

/// The servers that it lists as online, in the order of an `IndexMap`. That map would need four
/// times the memory, since thousands of legacy peers list each other.
#[derive(Debug, Default)]
pub(super) struct Online {
    listed: Vec<Listed>,
    /// The place of each name in the list.
    places: Vec<u32>,
}

/// The place of a name that is not in the list.
const ABSENT: u32 = u32::MAX;

impl LegacyLists {
    pub(super) fn bury(&mut self, name: NameId, wall: Stamp) {
        if let Some(listed) = self.online.swap_remove(name) {
            self.offline.insert(name, Listed { last_update: wall, ..listed });
        }
    }

    /// Compares an online entry only with the online ones, so an old claim resurrects a dead
    /// server.
    pub(super) fn merge(&mut self, lists: &Listing, wall: Stamp) {
        self.online.reserve(lists.online.len());
        for listed in &lists.online {
            let known = self.online.get(listed.name);
            if known.is_some_and(|known| listed.last_update <= known.last_update) {
                continue;
            }
            self.offline.swap_remove(&listed.name);
            self.online.insert(*listed);
        }
        for listed in &lists.offline {
            let known = self.online.get(listed.name).or_else(|| self.offline.get(&listed.name));
            if known.is_some_and(|known| listed.last_update <= known.last_update) {
                continue;
            }
            self.online.swap_remove(listed.name);
            self.offline.insert(listed.name, *listed);
        }
        self.offline.retain(|_, listed| wall.0.saturating_sub(listed.last_update.0) <= TOMBSTONE_LIFE);
    }

    pub(super) fn view(&self, base_url: &str) -> Option<(bool, Stamp)> {
        let name = self.names.find(base_url)?;
        let online = self.online.get(name).map(|listed| (true, listed.last_update));
        online.or_else(|| self.offline.get(&name).map(|listed| (false, listed.last_update)))
    }

    pub(super) fn to_listing(&self) -> Listing {
        Listing {
            names: self.names.clone(),
            online: self.online.listed.clone(),
            offline: self.offline.values().copied().collect(),
        }
    }
}

impl Online {
    pub(super) fn len(&self) -> usize {
        self.listed.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Listed> {
        self.listed.iter()
    }

    pub(super) fn at(&self, place: usize) -> Option<&Listed> {
        self.listed.get(place)
    }

    pub(super) fn get(&self, name: NameId) -> Option<&Listed> {
        self.listed.get(*self.places.get(name.index())? as usize)
    }

    /// Adds a server at the end, or replaces it in its place.
    pub(super) fn insert(&mut self, listed: Listed) {
        let index = listed.name.index();
        if index >= self.places.len() {
            self.places.resize(index + 1, ABSENT);
        }
        let Some(place) = self.places.get_mut(index) else { return };
        if let Some(known) = self.listed.get_mut(*place as usize) {
            *known = listed;
        } else {
            *place = u32::try_from(self.listed.len()).unwrap_or(ABSENT);
            self.listed.push(listed);
        }
    }

    /// Removes a server; the last one takes its place.
    pub(super) fn swap_remove(&mut self, name: NameId) -> Option<Listed> {
        let place = self.places.get_mut(name.index()).filter(|place| **place != ABSENT)?;
        let place = std::mem::replace(place, ABSENT);
        let removed = self.listed.swap_remove(place as usize);
        if let Some(moved) = self.listed.get(place as usize)
            && let Some(its_place) = self.places.get_mut(moved.name.index())
        {
            *its_place = place;
        }
        Some(removed)
    }

    /// Makes exact room for the first list, as doubling could take twice the memory.
    fn reserve(&mut self, count: usize) {
        if self.listed.len() <= 1 {
            self.listed.reserve_exact(count);
            self.places.reserve_exact(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::message::{Entry, Lists};

    const A: &str = "http://a/";

    fn entries(last_update: u64) -> Vec<Entry> {
        vec![Entry { base_url: A.into(), monitor: false, last_update: Stamp(last_update) }]
    }

    fn merge(lists: &mut LegacyLists, online: Vec<Entry>, offline: Vec<Entry>) {
        let listing = lists.names.listing(&Lists { online, offline });
        lists.merge(&listing, Stamp(100));
    }

    #[test]
    fn an_old_claim_resurrects_and_a_tie_changes_nothing() {
        let mut lists = LegacyLists::default();
        merge(&mut lists, entries(90), vec![]);
        merge(&mut lists, vec![], entries(100));
        assert_eq!(lists.view(A), Some((false, Stamp(100))));
        merge(&mut lists, entries(50), vec![]);
        assert_eq!(lists.view(A), Some((true, Stamp(50))));
        merge(&mut lists, vec![], entries(50));
        assert_eq!(lists.view(A), Some((true, Stamp(50))));
    }

    #[test]
    fn the_online_list_keeps_the_order_of_an_index_map() {
        let names = Names::default();
        let mut online = Online::default();
        let mut map = IndexMap::new();
        for step in 0..2_000_u64 {
            // A product with a prime that keeps its lower digits for the name.
            let number = step * 7_919 % 97;
            let entry = Entry {
                base_url: format!("http://{}/", number % 31).as_str().into(),
                monitor: step % 2 == 0,
                last_update: Stamp(step),
            };
            let listed = names.listed(&entry);
            if number % 3 == 0 {
                assert_eq!(online.swap_remove(listed.name), map.swap_remove(&listed.name));
            } else {
                online.insert(listed);
                map.insert(listed.name, listed);
            }
            assert_eq!(online.get(listed.name), map.get(&listed.name));
            assert!(online.iter().eq(map.values()), "after step {step}");
        }
        assert_eq!((online.len(), online.at(3)), (map.len(), map.get_index(3).map(|(_, listed)| listed)));
    }
}
