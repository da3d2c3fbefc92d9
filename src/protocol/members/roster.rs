//! The roster: all other servers known, with counts by status.

use std::cell::Cell;
use std::ptr;
use std::sync::Arc;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use crate::protocol::members::member::Member;
use crate::protocol::members::member::proof::Proof;
use crate::protocol::members::roster::digest::{Digest, name_hash};
use crate::protocol::members::roster::index_journal::SlotChanges;
use crate::protocol::members::roster::journal::Journal;
use crate::protocol::members::roster::news::NewsRing;
use crate::protocol::members::roster::ring::Ring;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Now};

mod changes;
pub(in crate::protocol) mod digest;
pub(in crate::protocol) mod draws;
pub(in crate::protocol) mod index_journal;
pub(in crate::protocol) mod journal;
pub(in crate::protocol) mod news;
pub(in crate::protocol) mod ring;

/// All other servers known, by identity. Their order depends on insertions and removals only, so it
/// is the same in every run.
#[derive(Debug)]
pub(in crate::protocol) struct Roster {
    members: IndexMap<Arc<str>, Member, FixedState>,
    capacity: usize,
    online: usize,
    suspects: usize,
    natives: usize,
    dead: usize,
    unconfirmed: usize,
    digest: Digest,
    ring: Ring,
    /// Grows when a member is added, removed, or changes its [`Standing`].
    revision: u64,
    /// Grows whenever a member may have changed.
    member_changes: u64,
    slot_changes: SlotChanges,
    /// Changes that the log is to show.
    pub(in crate::protocol) journal: Journal,
    /// Changes that programs may follow.
    pub(in crate::protocol) news: NewsRing,
    /// The slot of the last lookup. The same member is mostly looked up several times in a row.
    latest: Cell<usize>,
}

/// Spare slots of a copy, so that its map does not grow with the first new members.
const SPARE_SLOTS: usize = 128;

impl Clone for Roster {
    // The map's own `clone` reserves as much as its index can hold.
    fn clone(&self) -> Self {
        let Self { members, capacity, online, suspects, natives, dead, unconfirmed, .. } = self;
        let Self { digest, ring, revision, member_changes, slot_changes, journal, latest, .. } = self;
        let mut copy =
            IndexMap::with_capacity_and_hasher(members.len() + SPARE_SLOTS, members.hasher().clone());
        copy.clone_from(members);
        Self {
            members: copy,
            capacity: *capacity,
            online: *online,
            suspects: *suspects,
            natives: *natives,
            dead: *dead,
            unconfirmed: *unconfirmed,
            digest: *digest,
            ring: ring.clone(),
            revision: *revision,
            member_changes: *member_changes,
            slot_changes: slot_changes.clone(),
            journal: journal.clone(),
            news: NewsRing::default(),
            latest: latest.clone(),
        }
    }
}

/// The properties of a member on which the counts depend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    status: Status,
    incarnation: Incarnation,
    is_contacted_natively: bool,
    is_unconfirmed: bool,
}

impl Standing {
    fn of(member: &Member) -> Self {
        let Member { status, incarnation, is_unconfirmed, .. } = *member;
        Self { status, incarnation, is_contacted_natively: !member.is_contacted_as_legacy(), is_unconfirmed }
    }

    fn is_on_ring(self) -> bool {
        self.status.is_online() && self.is_contacted_natively
    }
}

impl Roster {
    /// An empty roster of this server for this many others. The secret `seed` prevents URLs chosen
    /// to collide.
    pub(in crate::protocol) fn new(identity: &str, capacity: usize, seed: u64) -> Self {
        Self {
            members: IndexMap::with_hasher(FixedState::with_seed(seed)),
            capacity,
            online: 0,
            suspects: 0,
            natives: 0,
            dead: 0,
            unconfirmed: 0,
            digest: Digest::default(),
            ring: Ring::at(name_hash(identity)),
            revision: 0,
            member_changes: 0,
            slot_changes: SlotChanges::default(),
            journal: Journal::default(),
            news: NewsRing::default(),
            latest: Cell::default(),
        }
    }

    /// A copy of another server's roster for this server, without its own entry.
    pub(in crate::protocol) fn copy_for(other: &Self, identity: &str, now: Now) -> Self {
        let mut roster = other.clone();
        roster.remove(identity, now);
        roster.journal.clear();
        roster.ring = Ring::at(name_hash(identity));
        roster
    }

    pub(in crate::protocol) fn reserve(&mut self, members: usize) {
        self.members.reserve_exact(members);
    }

    /// Marks all members as servers that have exchanged gossip, as after a while of running.
    pub(in crate::protocol) fn mark_all_exchanged(&mut self) {
        for member in self.members.values_mut() {
            member.record_answered();
            member.prove(Proof::Exchange);
        }
    }

    pub(in crate::protocol) fn len(&self) -> usize {
        self.members.len()
    }

    pub(in crate::protocol) fn is_full(&self) -> bool {
        self.len() >= self.capacity
    }

    /// The most members that it may have.
    pub(in crate::protocol) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(in crate::protocol) fn online_count(&self) -> usize {
        self.online
    }

    /// The number of online members that are suspects.
    pub(in crate::protocol) fn suspect_count(&self) -> usize {
        self.suspects
    }

    /// The number of online members that are contacted as native servers.
    pub(in crate::protocol) fn native_count(&self) -> usize {
        self.natives
    }

    /// The number of online members that only the master list names so far.
    pub(in crate::protocol) fn unconfirmed_count(&self) -> usize {
        self.unconfirmed
    }

    /// The hashes over the confirmed online members.
    pub(in crate::protocol) fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Grows whenever a member is added, removed, or changes its standing.
    pub(in crate::protocol) fn revision(&self) -> u64 {
        self.revision
    }

    /// Grows whenever a member is added, removed, or may have changed.
    pub(in crate::protocol) fn member_changes(&self) -> u64 {
        self.member_changes
    }

    pub(in crate::protocol) fn slot_changes(&self) -> &SlotChanges {
        &self.slot_changes
    }

    /// The next native server on the ring; searches for it if it is not cached.
    pub(in crate::protocol) fn ring_successor(&mut self) -> Option<&Arc<str>> {
        let natives = self.members.iter().filter(|(_, member)| Standing::of(member).is_on_ring());
        self.ring.find_successor(natives.map(|(identity, _)| (name_hash(identity), identity)))
    }

    pub(in crate::protocol) fn dead_count(&self) -> usize {
        self.dead
    }

    /// The slot of a member. A lookup by the same text as the last one needs no hashing.
    pub(in crate::protocol) fn slot_of(&self, identity: &str) -> Option<usize> {
        let latest = self.latest.get();
        if self.at(latest).is_some_and(|(found, _)| ptr::eq(&**found, identity)) {
            return Some(latest);
        }
        let slot = self.members.get_index_of(identity)?;
        self.latest.set(slot);
        Some(slot)
    }

    /// A member and its shared identity.
    #[inline]
    pub(in crate::protocol) fn entry(&self, identity: &str) -> Option<(&Arc<str>, &Member)> {
        self.at(self.slot_of(identity)?)
    }

    #[inline]
    pub(in crate::protocol) fn get(&self, identity: &str) -> Option<&Member> {
        Some(self.entry(identity)?.1)
    }

    #[inline]
    pub(in crate::protocol) fn get_mut(&mut self, identity: &str) -> Option<&mut Member> {
        self.at_mut(self.slot_of(identity)?)
    }

    #[inline]
    pub(in crate::protocol) fn at_mut(&mut self, index: usize) -> Option<&mut Member> {
        self.member_changes += 1;
        Some(self.members.get_index_mut(index)?.1)
    }

    /// The spelling with which a server is shown.
    pub(in crate::protocol) fn spelling(&self, identity: &Arc<str>) -> Arc<str> {
        Arc::clone(self.get(identity).map_or(identity, |member| member.spelling(identity)))
    }

    #[inline]
    pub(in crate::protocol) fn at(&self, index: usize) -> Option<(&Arc<str>, &Member)> {
        self.members.get_index(index)
    }

    pub(in crate::protocol) fn iter(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Member)> {
        self.members.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::types::base_url::BaseUrl;
    use crate::protocol::types::time::{Stamp, Tick};

    #[test]
    fn the_cached_slot_is_not_used_after_another_member_moved_into_it() {
        let now = Now { tick: Tick(0), wall: Stamp(1) };
        let mut roster = Roster::new("http://me/", 3, 1);
        let urls = ["http://a/", "http://b/", "http://c/"].map(|url| BaseUrl::parse(url).unwrap());
        for (stamp, url) in urls.iter().enumerate() {
            let member = Member::new(url, Status::Online, false, Stamp(stamp as u64), now);
            roster.insert(Arc::clone(url.identity()), member, now);
        }
        let stamp = |roster: &Roster, url: &BaseUrl| roster.get(url.identity()).map(|member| member.stamp.0);
        let [a, b, c] = &urls;
        assert_eq!(stamp(&roster, a), Some(0));
        roster.remove("http://a/", now);
        assert_eq!([a, b, c].map(|url| stamp(&roster, url)), [None, Some(1), Some(2)]);
        roster.remove("http://c/", now);
        assert_eq!([c, a, b].map(|url| stamp(&roster, url)), [None, None, Some(1)]);
    }
}
