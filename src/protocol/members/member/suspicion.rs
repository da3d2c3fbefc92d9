//! What is held against a suspect.

use crate::protocol::types::accusers::Accusers;
use crate::protocol::types::time::Tick;

/// What is held against a suspect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::protocol) struct Suspicion {
    pub(in crate::protocol) since: Tick,
    pub(in crate::protocol) accusers: Accusers,
}
