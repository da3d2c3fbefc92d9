//! Claims: what others say of servers, merged one after the other.

use std::sync::Arc;

use crate::protocol::machine::Machine;
use crate::protocol::merging::intake::{self, Subject};
use crate::protocol::types::limits::Rejection;
use crate::protocol::types::time::Incarnation;

impl Machine {
    /// Finds out whom a base URL names, in whatever spelling.
    pub(in crate::protocol) fn identify(&self, base_url: &str) -> Result<Subject, Rejection> {
        intake::identify(&self.members, &self.cx, base_url)
    }

    pub(in crate::protocol) fn identify_shared(&self, base_url: &Arc<str>) -> Result<Subject, Rejection> {
        intake::identify_shared(&self.members, &self.cx, base_url)
    }

    /// The incarnation that is held of another server.
    pub(in crate::protocol) fn incarnation_of(&self, base_url: &str) -> Incarnation {
        intake::incarnation_of(&self.members, &self.cx, base_url)
    }
}
