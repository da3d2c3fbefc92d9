//! What is held against a suspect.

use super::types::accusers::Accusers;
use super::types::time::Tick;

/// What is held against a suspect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Suspicion {
    pub(super) since: Tick,
    pub(super) accusers: Accusers,
}
