//! Copies of a roster, with which simulations start.

use indexmap::IndexMap;

use crate::protocol::members::member::proof::Proof;
use crate::protocol::members::roster::Roster;
use crate::protocol::members::roster::digest::name_hash;
use crate::protocol::members::roster::news::NewsRing;
use crate::protocol::members::roster::ring::Ring;
use crate::protocol::types::time::Now;

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

impl Roster {
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
}
