//! Suspicions.

use crate::protocol::types::accusers::Accusers;
use crate::protocol::types::time::Tick;

/// When a member became a suspect, and which servers accuse it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::protocol) struct Suspicion {
    pub(in crate::protocol) since: Tick,
    pub(in crate::protocol) accusers: Accusers,
}
