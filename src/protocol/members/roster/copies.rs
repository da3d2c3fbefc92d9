//! Copies of a roster, with which simulations start.

use crate::protocol::members::member::proof::Proof;
use crate::protocol::members::roster::Roster;
use crate::protocol::members::roster::digest::name_hash;
use crate::protocol::members::roster::news::NewsRing;
use crate::protocol::members::roster::ring::Ring;
use crate::protocol::members::roster::table::latest::Latest;
use crate::protocol::types::time::Now;

/// Spare slots of a copy, so that its map does not grow with the first new members.
const SPARE_SLOTS: usize = 128;

impl Clone for Roster {
    fn clone(&self) -> Self {
        let Self { members, capacity, online, suspects, natives, dead, unconfirmed, .. } = self;
        let Self { digest, ring, revision, member_changes, slot_changes, journal, suspicions, .. } = self;
        Self {
            members: members.copy_with_room(SPARE_SLOTS),
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
            latest: Latest::default(),
            suspicions: suspicions.clone(),
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
        self.members.reserve(self.len() + members);
    }

    /// Marks all members as servers that have exchanged gossip, as after a while of running.
    pub(in crate::protocol) fn mark_all_exchanged(&mut self) {
        for member in self.members.members_mut() {
            member.record_answered();
            member.prove(Proof::Exchange);
        }
    }
}
