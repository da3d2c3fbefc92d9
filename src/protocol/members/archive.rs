//! The versions of tombstones that have left the lists, so that old claims cannot revive their
//! servers.

use std::sync::Arc;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use crate::protocol::types::claim::Claim;
use crate::protocol::types::limits::TOMBSTONE_LIFETIME;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Now, Stamp};

/// Tombstones archived. A further one evicts the oldest.
pub(in crate::protocol) const MAX_ARCHIVED: usize = 4_096;

/// Archived versions by identity, the oldest first.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Archive(IndexMap<Arc<str>, (Stamp, Incarnation), FixedState>);

impl Archive {
    pub(in crate::protocol) fn insert(&mut self, identity: Arc<str>, stamp: Stamp, incarnation: Incarnation) {
        self.0.shift_remove(&identity);
        if self.0.len() >= MAX_ARCHIVED {
            self.0.shift_remove_index(0);
        }
        self.0.insert(identity, (stamp, incarnation));
    }

    /// The stamp that a claim about this server must beat, if it is archived and not too far ahead.
    pub(in crate::protocol) fn stamp_of(&self, identity: &str, now: Now) -> Option<Stamp> {
        let stamp = self.0.get(identity).map(|(stamp, _)| *stamp);
        stamp.filter(|stamp| !stamp.is_far_ahead(now))
    }

    pub(in crate::protocol) fn incarnation_of(&self, identity: &str) -> Incarnation {
        self.0.get(identity).map_or(Incarnation::NONE, |(_, incarnation)| *incarnation)
    }

    /// Whether a native server's claim is not newer than the archived version.
    pub(in crate::protocol) fn blocks(&self, identity: &str, claim: &Claim, now: Now) -> bool {
        self.0.get(identity).is_some_and(|(stamp, incarnation)| {
            if claim.incarnation == Incarnation::NONE || *incarnation == Incarnation::NONE {
                claim.last_update <= *stamp && !stamp.is_far_ahead(now)
            } else {
                claim.incarnation <= incarnation.counted(now)
            }
        })
    }

    /// The archived claim to send to a native server whose own claim is older, so that it refutes
    /// it.
    pub(in crate::protocol) fn objection_to(
        &self,
        identity: &str,
        own_claim: &Claim,
        now: Now,
    ) -> Option<Claim> {
        let (last_update, incarnation) = *self.0.get(identity)?;
        let is_outdated = own_claim.incarnation != Incarnation::NONE && self.blocks(identity, own_claim, now);
        let age = u32::try_from(TOMBSTONE_LIFETIME.as_secs()).unwrap_or(u32::MAX);
        (is_outdated && incarnation != Incarnation::NONE).then(|| Claim {
            status: Status::Dead,
            incarnation,
            last_update,
            age,
            ..own_claim.clone()
        })
    }

    pub(in crate::protocol) fn len(&self) -> usize {
        self.0.len()
    }

    pub(in crate::protocol) fn remove(&mut self, identity: &str) {
        self.0.shift_remove(identity);
    }
}
