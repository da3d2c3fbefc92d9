//! The names of members, in a few large blocks.
//!
//! Thousands of small allocations would scatter over the memory of the process, which keeps a page
//! for as long as one of them is in use. Large blocks are given back at once.

use std::iter;
use std::ops::Range;
use std::sync::Arc;

use crate::protocol::members::member::Member;
use crate::protocol::members::roster::Roster;
use crate::protocol::members::roster::table::ahead::{AHEAD, NO_SLOT, SlotsAhead};
use crate::protocol::types::ids::NameKey;
use crate::protocol::types::text::shared::SharedText;
use crate::protocol::types::time::Now;
use crate::protocol::wire::message::Entry;

pub(in crate::protocol) mod key_map;
pub(in crate::protocol) mod keys;

/// The size of a block in bytes: above the size from which allocators ask the system itself.
const BLOCK: usize = 256 * 1024;
/// Size in bytes up to which a shared block is copied when it grows, rather than a new one begun.
const SMALL_BLOCK: usize = 16 * 1024;
/// Bytes of removed names from which a compaction pays.
const MIN_GARBAGE: usize = 4 * 1024;

/// Where a name is kept. Compaction moves names.
#[derive(Debug, Clone, Copy)]
pub(super) struct NamePlace {
    block: u16,
    length: u16,
    start: u32,
}

impl NamePlace {
    #[inline]
    fn range(self) -> Range<usize> {
        let start = self.start as usize;
        start..start + usize::from(self.length)
    }
}

/// Names one after the other, and the bytes of those in use.
#[derive(Debug, Clone, Default)]
struct Block {
    text: Arc<String>,
    used: usize,
}

/// Names, each in one block. Copies share the blocks that they have not written themselves.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    blocks: Vec<Block>,
    used: usize,
    garbage: usize,
}

impl Names {
    /// Adds a name, which has at most a few times `MAX_BASE_URL_BYTES`.
    pub(super) fn add(&mut self, name: &str) -> NamePlace {
        let may_grow = |Block { text, .. }: &mut Block| {
            text.len() + name.len() <= BLOCK && (text.len() < SMALL_BLOCK || Arc::get_mut(text).is_some())
        };
        if !self.blocks.last_mut().is_some_and(may_grow) {
            self.blocks.push(Block::default());
        }
        let block = self.blocks.len() - 1;
        let mut start = 0;
        if let Some(Block { text, used }) = self.blocks.last_mut() {
            start = text.len();
            let text = Arc::make_mut(text);
            if text.capacity() - start < name.len() {
                let wanted = if start < SMALL_BLOCK { 2 * start } else { BLOCK };
                text.reserve_exact(wanted.max(start + name.len()) - start);
            }
            text.push_str(name);
            *used += name.len();
        }
        self.used += name.len();
        let [block, length] = [block, name.len()].map(|number| u16::try_from(number).unwrap_or(u16::MAX));
        NamePlace { block, length, start: u32::try_from(start).unwrap_or(u32::MAX) }
    }

    #[inline]
    pub(super) fn at(&self, place: NamePlace) -> &str {
        let block = self.blocks.get(usize::from(place.block));
        block.and_then(|block| block.text.get(place.range())).unwrap_or_default()
    }

    /// Whether this name is kept there.
    #[inline]
    pub(super) fn is_at(&self, place: NamePlace, name: &str) -> bool {
        let block = self.blocks.get(usize::from(place.block));
        block.and_then(|block| block.text.as_bytes().get(place.range())) == Some(name.as_bytes())
    }

    /// The name, to be kept for a while.
    #[inline]
    pub(super) fn share(&self, place: NamePlace) -> SharedText {
        let block = self.blocks.get(usize::from(place.block));
        block.map_or_else(|| "".into(), |block| SharedText::part(&block.text, place.start, place.length))
    }

    /// No names yet, but room for these in as few bytes as they need.
    pub(super) fn to_be_compacted(&self) -> Self {
        let text = Arc::new(String::with_capacity(self.used.min(BLOCK)));
        Self { blocks: vec![Block { text, used: 0 }], ..Self::default() }
    }

    /// Adds a name of other blocks.
    pub(super) fn add_moved(&mut self, others: &Self, place: NamePlace) -> NamePlace {
        self.add(others.at(place))
    }

    /// Records that a name is no longer used. A block without any is given back.
    pub(super) fn discard(&mut self, place: NamePlace) {
        let length = usize::from(place.length);
        self.used -= length;
        self.garbage += length;
        let Some(block) = self.blocks.get_mut(usize::from(place.block)) else { return };
        block.used -= length;
        if block.used == 0 {
            self.garbage -= std::mem::take(block).text.len();
        }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.blocks.iter().map(|block| block.text.len()).sum()
    }

    /// Whether more than half of the blocks is garbage.
    pub(super) fn is_sparse(&self) -> bool {
        self.garbage > MIN_GARBAGE && self.garbage > self.used
    }
}

impl Roster {
    pub(in crate::protocol) fn key_of(&self, identity: &str) -> NameKey {
        NameKey(self.members.hash(identity))
    }

    /// The key of the member in a slot.
    #[inline]
    pub(in crate::protocol) fn key_at(&self, slot: usize) -> NameKey {
        NameKey(self.members.hash_in(slot))
    }

    /// The name with this key, if its server is a member.
    pub(in crate::protocol) fn name_of(&self, key: NameKey) -> Option<Arc<str>> {
        Some(self.find(key)?.0.into())
    }

    /// The member with this key.
    pub(in crate::protocol) fn find(&self, key: NameKey) -> Option<(&str, &Member)> {
        self.at(self.members.find(key.0)?)
    }

    /// The members with these keys; `None` for a key that no member has.
    pub(in crate::protocol) fn find_all<'a>(
        &'a self,
        mut keys: impl Iterator<Item = NameKey> + 'a,
    ) -> impl Iterator<Item = (NameKey, Option<(&'a str, &'a Member)>)> {
        let (mut hashes, mut slots) = ([0; AHEAD], [NO_SLOT; AHEAD]);
        let (mut next, mut count) = (0, 0);
        iter::from_fn(move || {
            if next == count {
                (next, count) = (0, 0);
                for (hash, key) in hashes.iter_mut().zip(keys.by_ref()) {
                    *hash = key.0;
                    count += 1;
                }
                self.members.find_several(hashes.get(..count)?, &mut slots);
            }
            let (hash, slot) = (*hashes.get(..count)?.get(next)?, *slots.get(next)?);
            next += 1;
            Some((NameKey(hash), self.at(slot as usize)))
        })
    }

    /// Looks up the slots of the first [`AHEAD`] of these names at once.
    pub(in crate::protocol) fn look_ahead<'a>(
        &self,
        identities: impl Iterator<Item = &'a str> + Clone,
    ) -> SlotsAhead {
        self.members.look_ahead(identities, self.slot_changes.changes())
    }

    /// The slot of the name with this number. `None` if it has to be looked up.
    #[inline]
    pub(in crate::protocol) fn slot_ahead(&self, ahead: &SlotsAhead, number: usize) -> Option<usize> {
        let (slot, hash) = ahead.get(number, self.slot_changes.changes())?;
        self.members.use_found(slot, hash);
        Some(slot)
    }

    /// The spelling with which a server is shown.
    pub(in crate::protocol) fn spelling(&self, identity: &Arc<str>) -> Arc<str> {
        let spelling = self.get(identity).and_then(Member::own_spelling);
        Arc::clone(spelling.unwrap_or(identity))
    }

    /// Sets the spelling with which a member is shown. For programs, which know servers by their
    /// URLs, another one takes its place.
    pub(in crate::protocol) fn set_spelling(&mut self, identity: &str, spelling: &Arc<str>, now: Now) {
        let Some(slot) = self.slot_of(identity) else { return };
        let Some(member) = self.members.at_mut(slot) else { return };
        if member.spelling(identity) == &**spelling {
            return;
        }
        let (state, cause) = (Some(member.status), self.journal.cause.into());
        self.news.record(member.entry(identity), [state, None], cause, now);
        member.set_spelling(identity, spelling);
        self.slot_changes.change(slot);
        self.news.record(member.entry(identity), [None, state], cause, now);
    }

    /// The members with the hashes of their names, by slot.
    pub(in crate::protocol) fn hashed(&self) -> impl ExactSizeIterator<Item = (u64, &Member)> {
        self.members.hashed().map(|(name, _, member)| (name, member))
    }

    /// The members whose buckets in the digest are wanted.
    pub(in crate::protocol) fn in_buckets(
        &self,
        wanted: impl Fn(usize) -> bool,
    ) -> impl Iterator<Item = (&str, &Member)> {
        self.members.in_buckets(wanted)
    }

    /// The member in a slot with its entry in lists, which shares the name.
    pub(in crate::protocol) fn list_entry(&self, slot: usize) -> Option<(&Member, Entry)> {
        self.members.list_entry(slot)
    }

    /// The members with their entries in lists, which share the names.
    pub(in crate::protocol) fn list_entries(&self) -> impl ExactSizeIterator<Item = (&Member, Entry)> {
        self.members.list_entries()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_share_names_and_add_their_own() {
        let mut names = Names::default();
        let a = names.add("http://a/");
        let mut copy = names.clone();
        let [b, c] = [names.add("http://b/"), copy.add("http://c/")];
        assert_eq!(
            [names.at(a), names.at(b), copy.at(a), copy.at(c)],
            ["http://a/", "http://b/", "http://a/", "http://c/"]
        );
    }

    #[test]
    fn names_fill_one_block_after_another() {
        let mut names = Names::default();
        let long = "x".repeat(500);
        let places: Vec<NamePlace> = (0..2_000).map(|_| names.add(&long)).collect();
        assert!(places.iter().all(|place| names.at(*place) == long));
        assert!(names.blocks.iter().all(|block| block.text.len() <= BLOCK));
        assert_eq!(names.blocks.len(), 4);
    }

    #[test]
    fn a_block_without_names_is_given_back() {
        let mut names = Names::default();
        let long = "x".repeat(500);
        let places: Vec<NamePlace> = (0..1_000).map(|_| names.add(&long)).collect();
        let (first, others) = places.split_at(BLOCK / 500);
        first.iter().for_each(|place| names.discard(*place));
        assert_eq!((names.bytes(), names.garbage), (others.len() * 500, 0));
        assert!(others.iter().all(|place| names.at(*place) == long));
    }

    #[test]
    fn shared_names_stay_and_do_not_leave_many_small_blocks() {
        let mut names = Names::default();
        let mut shared = Vec::new();
        for number in 0..1_000 {
            let name = format!("http://server-{number}/a/path/of/some/length/");
            let place = names.add(&name);
            shared.push((names.share(place), name));
        }
        assert!(shared.iter().all(|(shared, name)| **shared == **name));
        assert!(names.blocks.len() <= names.bytes() / SMALL_BLOCK + 1);
    }
}
