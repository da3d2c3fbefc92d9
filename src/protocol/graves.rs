//! The stamps of tombstones that have left the lists, so that old claims find no gap to come back through.

use std::sync::Arc;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use super::time::Stamp;

/// So many are remembered; the oldest makes way.
const MAX_GRAVES: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Graves(IndexMap<Arc<str>, Stamp, FixedState>);

impl Graves {
    pub(super) fn dig(&mut self, identity: Arc<str>, stamp: Stamp) {
        self.0.shift_remove(&identity);
        if self.0.len() >= MAX_GRAVES {
            self.0.shift_remove_index(0);
        }
        self.0.insert(identity, stamp);
    }

    /// The stamp that a claim about this server has to beat, if it is remembered.
    pub(super) fn stamp_of(&self, identity: &str) -> Option<Stamp> {
        self.0.get(identity).copied()
    }

    pub(super) fn fill(&mut self, identity: &str) {
        self.0.shift_remove(identity);
    }
}
