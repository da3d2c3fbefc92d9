//! Suspicions.

use crate::protocol::types::accusers::Accusers;
use crate::protocol::types::time::Tick;

/// When a member became a suspect, and which servers accuse it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::protocol) struct Suspicion {
    since: Tick,
    accusers: Accusers,
}

impl Suspicion {
    pub(in crate::protocol) fn new(accusers: Accusers, now: Tick) -> Self {
        Self { since: now, accusers }
    }

    /// When the member became a suspect.
    pub(in crate::protocol) fn since(&self) -> Tick {
        self.since
    }

    /// The servers that accuse the member.
    pub(in crate::protocol) fn accusers(&self) -> Accusers {
        self.accusers
    }

    /// Adds accusers, and returns whether they are new.
    pub(in crate::protocol) fn add_accusers(&mut self, accusers: &Accusers) -> bool {
        self.accusers.join(accusers)
    }
}
