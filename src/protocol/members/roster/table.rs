//! The members by identity, and by slot.
//!
//! Like an `IndexMap`, but without an allocation for each name, and with half of its index.

use std::cell::Cell;
use std::hash::BuildHasher;
use std::hint::black_box;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::protocol::members::member::Member;
use crate::protocol::members::roster::digest::bucket;
use crate::protocol::members::roster::names::{NamePlace, Names};
use crate::protocol::members::roster::table::ahead::{AHEAD, MIN_AHEAD, NO_SLOT, SlotsAhead};
use crate::protocol::types::limits::room_to_keep;
use crate::protocol::wire::message;

pub(in crate::protocol) mod ahead;
pub(in crate::protocol) mod index_journal;
pub(in crate::protocol) mod latest;

/// Members in slots without gaps: the last one moves into the slot of a removed one.
#[derive(Debug)]
pub(super) struct Table {
    entries: Vec<Entry>,
    /// Slots by the hash of the identity.
    index: HashTable<u32>,
    names: Names,
    hasher: FixedState,
    found: Found,
}

/// The slot found last, and the hash of its name, which is often wanted next. Two cells, because a
/// processor waits if it reads at once what it has just written in parts.
#[derive(Debug)]
struct Found {
    slot: Cell<usize>,
    hash: Cell<u64>,
}

impl Default for Found {
    fn default() -> Self {
        Self { slot: Cell::new(usize::MAX), hash: Cell::default() }
    }
}

#[derive(Debug, Clone)]
struct Entry {
    name: NamePlace,
    /// The hash of the name in the digest, which is expensive to compute.
    hash: u64,
    member: Member,
}

impl Table {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            entries: Vec::new(),
            index: HashTable::new(),
            names: Names::default(),
            hasher: FixedState::with_seed(seed),
            found: Found::default(),
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    // Most lookups end before this one, and are small enough to be inlined without it.
    #[inline(never)]
    pub(super) fn slot_of(&self, identity: &str) -> Option<usize> {
        let is_it = |slot: &u32| {
            self.entries.get(*slot as usize).is_some_and(|entry| self.names.is_at(entry.name, identity))
        };
        let hash = self.hasher.hash_one(identity);
        let slot = *self.index.find(hash, is_it)? as usize;
        self.use_found(slot, hash);
        Some(slot)
    }

    /// Looks up the first [`AHEAD`] of these names, after this many changes of slots.
    ///
    /// A lookup reads the index, the entry and the name one after the other, mostly from memory
    /// that is in no cache. If each step is taken for all names before the next one, a processor
    /// waits for many lookups in the time of one.
    #[inline(never)]
    pub(super) fn look_ahead<'a>(
        &self,
        identities: impl Iterator<Item = &'a str> + Clone,
        changes: u64,
    ) -> SlotsAhead {
        let (mut hashes, mut count) = ([0; AHEAD], 0);
        for (hash, identity) in hashes.iter_mut().zip(identities.clone()) {
            *hash = self.hash(identity);
            count += 1;
        }
        let mut slots = [NO_SLOT; AHEAD];
        self.add_candidates(hashes.get(..count).unwrap_or_default(), &mut slots);
        for (slot, identity) in slots.iter_mut().zip(identities) {
            match self.entries.get(*slot as usize) {
                Some(entry) if self.names.is_at(entry.name, identity) => fetch(&entry.member),
                _ => *slot = NO_SLOT,
            }
        }
        SlotsAhead::new(hashes, slots, changes)
    }

    /// Uses a slot that was looked up ahead: it counts as the one found last.
    #[inline]
    pub(super) fn use_found(&self, slot: usize, hash: u64) {
        self.found.slot.set(slot);
        self.found.hash.set(hash);
    }

    /// Sets the first slots that may have these hashes.
    fn add_candidates(&self, hashes: &[u64], slots: &mut [u32; AHEAD]) {
        for (slot, hash) in slots.iter_mut().zip(hashes) {
            *slot = self.index.find(*hash, |_| true).copied().unwrap_or(NO_SLOT);
        }
    }

    /// The hash of a name in this table.
    pub(super) fn hash(&self, identity: &str) -> u64 {
        self.hasher.hash_one(identity)
    }

    /// The hash in this table of the name in a slot.
    #[inline]
    pub(super) fn hash_in(&self, slot: usize) -> u64 {
        if self.found.slot.get() == slot {
            return self.found.hash.get();
        }
        hash_at(&self.entries, &self.names, &self.hasher, slot)
    }

    /// The slot of the member whose name has this hash.
    pub(super) fn find(&self, hash: u64) -> Option<usize> {
        self.index.find(hash, |slot| self.hash_at(*slot) == hash).map(|slot| *slot as usize)
    }

    /// Finds the slots of names by their hashes: several at once, as [`Self::look_ahead`] does.
    #[inline(never)]
    pub(super) fn find_several(&self, hashes: &[u64], slots: &mut [u32; AHEAD]) {
        slots.fill(NO_SLOT);
        if hashes.len() >= MIN_AHEAD {
            self.add_candidates(hashes, slots);
        }
        for (slot, hash) in slots.iter_mut().zip(hashes) {
            if *slot == NO_SLOT || self.hash_at(*slot) != *hash {
                *slot = self.find(*hash).and_then(|slot| u32::try_from(slot).ok()).unwrap_or(NO_SLOT);
            }
            self.member_at(*slot as usize).into_iter().for_each(fetch);
        }
    }

    #[inline]
    pub(super) fn at(&self, slot: usize) -> Option<(&str, &Member)> {
        let Entry { name, member, .. } = self.entries.get(slot)?;
        Some((self.names.at(*name), member))
    }

    #[inline]
    pub(super) fn member_at(&self, slot: usize) -> Option<&Member> {
        Some(&self.entries.get(slot)?.member)
    }

    #[inline]
    pub(super) fn at_mut(&mut self, slot: usize) -> Option<&mut Member> {
        Some(&mut self.entries.get_mut(slot)?.member)
    }

    /// The member in a slot, with the hash of its name in the digest.
    #[inline]
    pub(super) fn hashed_mut(&mut self, slot: usize) -> Option<(u64, &mut Member)> {
        let Entry { hash, member, .. } = self.entries.get_mut(slot)?;
        Some((*hash, member))
    }

    /// The hash in the digest of the name in a slot.
    pub(super) fn digest_hash(&self, slot: usize) -> Option<u64> {
        Some(self.entries.get(slot)?.hash)
    }

    /// The members, with the hashes of their names in the digest.
    pub(super) fn hashed(&self) -> impl ExactSizeIterator<Item = (u64, &str, &Member)> {
        self.entries.iter().map(|Entry { name, hash, member }| (*hash, self.names.at(*name), member))
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Member)> {
        self.entries.iter().map(|Entry { name, member, .. }| (self.names.at(*name), member))
    }

    /// The members whose buckets in the digest are wanted.
    pub(super) fn in_buckets(&self, wanted: impl Fn(usize) -> bool) -> impl Iterator<Item = (&str, &Member)> {
        let found = self.entries.iter().filter(move |entry| wanted(bucket(entry.hash)));
        found.map(|Entry { name, member, .. }| (self.names.at(*name), member))
    }

    /// The member in a slot with its entry in lists.
    pub(super) fn list_entry(&self, slot: usize) -> Option<(&Member, message::Entry)> {
        self.entries.get(slot).map(|entry| self.to_list_entry(entry))
    }

    /// The members with their entries in lists.
    pub(super) fn list_entries(&self) -> impl ExactSizeIterator<Item = (&Member, message::Entry)> {
        self.entries.iter().map(|entry| self.to_list_entry(entry))
    }

    fn to_list_entry<'a>(&self, Entry { name, member, .. }: &'a Entry) -> (&'a Member, message::Entry) {
        (member, member.entry(self.names.share(*name)))
    }

    pub(super) fn members_mut(&mut self) -> impl Iterator<Item = &mut Member> {
        self.entries.iter_mut().map(|entry| &mut entry.member)
    }

    /// Adds an unknown server, whose name has this hash in the digest, and returns its slot.
    pub(super) fn push(&mut self, identity: &str, hash: u64, member: Member) -> usize {
        let Self { entries, index, names, hasher, .. } = self;
        let slot = entries.len();
        entries.push(Entry { name: names.add(identity), hash, member });
        let rehash = |slot: &u32| hash_at(entries, names, hasher, *slot as usize);
        index.insert_unique(hasher.hash_one(identity), u32::try_from(slot).unwrap_or(u32::MAX), rehash);
        slot
    }

    /// Removes the member of a slot.
    pub(super) fn swap_remove(&mut self, slot: usize) -> Option<Member> {
        let last = self.len().checked_sub(1).filter(|last| slot <= *last)?;
        self.found = Found::default();
        self.unlink(slot);
        if slot != last {
            self.unlink(last);
        }
        let Entry { name, member, .. } = self.entries.swap_remove(slot);
        self.names.discard(name);
        if slot != last {
            self.link(slot);
        }
        self.give_back();
        Some(member)
    }

    /// Makes room for this many members in all.
    pub(super) fn reserve(&mut self, members: usize) {
        let Self { entries, index, names, hasher, .. } = self;
        entries.reserve_exact(members.saturating_sub(entries.len()));
        let more = members.saturating_sub(index.len());
        index.reserve(more, |slot| hash_at(entries, names, hasher, *slot as usize));
    }

    /// A copy with room for some more members. Enlarging a copy afterwards would leave a hole of
    /// its size in the memory of the process.
    pub(super) fn copy_with_room(&self, more: usize) -> Self {
        let mut entries = Vec::with_capacity(self.len() + more);
        entries.extend_from_slice(&self.entries);
        let mut copy = Self {
            entries,
            index: self.index.clone(),
            names: self.names.clone(),
            hasher: self.hasher.clone(),
            found: Found::default(),
        };
        copy.reserve(self.len() + more);
        copy
    }

    fn unlink(&mut self, slot: usize) {
        let hash = hash_at(&self.entries, &self.names, &self.hasher, slot);
        if let Ok(found) = self.index.find_entry(hash, |other| *other as usize == slot) {
            found.remove();
        }
    }

    fn link(&mut self, slot: usize) {
        let Ok(number) = u32::try_from(slot) else { return };
        let Self { entries, index, names, hasher, .. } = self;
        let hash = |slot: &u32| hash_at(entries, names, hasher, *slot as usize);
        index.insert_unique(hash(&number), number, hash);
    }

    /// Gives back memory after many members were removed.
    fn give_back(&mut self) {
        if self.names.is_sparse() {
            let mut names = self.names.to_be_compacted();
            for entry in &mut self.entries {
                entry.name = names.add_moved(&self.names, entry.name);
            }
            self.names = names;
        }
        let Self { entries, index, names, hasher, .. } = self;
        if let Some(room) = room_to_keep(entries.len(), entries.capacity()) {
            entries.shrink_to(room);
            index.shrink_to(room, |slot| hash_at(entries, names, hasher, *slot as usize));
        }
    }

    fn hash_at(&self, slot: u32) -> u64 {
        hash_at(&self.entries, &self.names, &self.hasher, slot as usize)
    }
}

/// Reads the memory that a claim is compared with, so that it is in a cache when it is needed.
fn fetch(member: &Member) {
    black_box(member.version(Default::default()));
}

#[inline]
fn hash_at(entries: &[Entry], names: &Names, hasher: &FixedState, slot: usize) -> u64 {
    hasher.hash_one(entries.get(slot).map_or("", |entry| names.at(entry.name)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use indexmap::IndexMap;

    use super::*;
    use crate::protocol::types::base_url::BaseUrl;
    use crate::protocol::types::status::Status;
    use crate::protocol::types::time::{Now, Stamp, Tick};

    fn member(identity: &str, stamp: u64) -> Member {
        let now = Now { tick: Tick(0), wall: Stamp(1) };
        Member::new(&BaseUrl::parse(identity).unwrap(), Status::Online, false, Stamp(stamp), now)
    }

    fn url(number: u64) -> Arc<str> {
        format!("http://server-{number}/a/path/of/some/length/").into()
    }

    fn assert_same(table: &Table, map: &IndexMap<Arc<str>, u64>) {
        let held = table.iter().map(|(identity, member)| (identity, member.stamp().0));
        assert!(held.eq(map.iter().map(|(identity, stamp)| (&**identity, *stamp))));
        for (slot, identity) in map.keys().enumerate() {
            assert_eq!(table.slot_of(identity), Some(slot));
            assert_eq!(table.find(table.hash(identity)), Some(slot));
            assert_eq!(table.hash_in(slot), table.hash(identity));
        }
        assert_found_ahead(table, &map.keys().map(|identity| &**identity).collect::<Vec<_>>());
        let expected = map.iter().filter(|(_, stamp)| **stamp % 64 == 7).map(|(identity, _)| &**identity);
        assert!(table.in_buckets(|bucket| bucket == 7).map(|(identity, _)| identity).eq(expected));
    }

    fn assert_found_ahead(table: &Table, identities: &[&str]) {
        let mut found = 0;
        for (group, identities) in identities.chunks(AHEAD).enumerate() {
            let ahead = table.look_ahead(identities.iter().copied().chain(["http://unknown/"]), 1);
            let hashes: Vec<u64> = identities.iter().map(|identity| table.hash(identity)).collect();
            for (number, hash) in hashes.iter().enumerate() {
                let slot = ahead.get(number, 1);
                assert!(slot.is_none_or(|slot| slot == (group * AHEAD + number, *hash)));
                found += usize::from(slot.is_some());
            }
            assert_eq!(ahead.get(identities.len(), 1), None);
            let mut slots = [NO_SLOT; AHEAD];
            for count in [1, identities.len()] {
                table.find_several(&hashes[..count], &mut slots);
                assert!((0..count).all(|number| slots[number] as usize == group * AHEAD + number));
            }
        }
        let mut slots = [0; AHEAD];
        table.find_several(&[0; MIN_AHEAD], &mut slots);
        assert_eq!(slots[..MIN_AHEAD], [NO_SLOT; MIN_AHEAD]);
        // The first candidate is not always the right one.
        assert!(found * 10 > identities.len() * 8);
    }

    #[test]
    fn it_keeps_the_order_of_an_index_map() {
        let (mut table, mut map) = (Table::new(7), IndexMap::new());
        for number in 0..3_000 {
            table.push(&url(number), number, member(&url(number), number));
            map.insert(url(number), number);
            if number % 3 == 0 {
                let removed = url(number * 7 % (number + 1));
                let slot = table.slot_of(&removed);
                assert_eq!(slot.map(|slot| table.hash_in(slot)), slot.map(|_| table.hash(&removed)));
                assert_eq!(slot, map.get_index_of(&removed));
                let held = slot.and_then(|slot| table.swap_remove(slot)).map(|member| member.stamp().0);
                assert_eq!(held, map.swap_remove(&removed));
            }
        }
        assert_same(&table, &map);
        let copy = table.copy_with_room(10);
        while map.len() > 100 {
            map.swap_remove_index(map.len() / 2);
            table.swap_remove(table.len() / 2);
        }
        assert_same(&table, &map);
        assert!(table.entries.capacity() < 1_100 && table.names.bytes() < 16_000);
        assert!(copy.len() > 1_900 && copy.iter().all(|(identity, _)| copy.slot_of(identity).is_some()));
        assert_eq!(table.swap_remove(table.len()).map(|member| member.stamp()), None);
    }
}
