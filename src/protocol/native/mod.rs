//! The protocol among native servers: news, the comparison of rosters, failure detection.
//!
//! May touch `merging` and below; never `legacy` or `lifecycle`.

use std::sync::Arc;

use crate::protocol::members::roster::Roster;
use crate::protocol::native::anti_entropy::AntiEntropy;
use crate::protocol::native::detection::Detection;
use crate::protocol::native::processes::Processes;

pub(in crate::protocol) mod anti_entropy;
pub(in crate::protocol) mod detection;
pub(in crate::protocol) mod peers;
pub(in crate::protocol) mod processes;

/// The state of the protocol with native servers.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Native {
    pub(in crate::protocol) detection: Detection,
    pub(in crate::protocol) anti_entropy: AntiEntropy,
    pub(in crate::protocol) processes: Processes,
}

impl Native {
    /// Removes a forgotten member.
    pub(in crate::protocol) fn forget(&mut self, roster: &Roster, identity: &Arc<str>) {
        self.detection.strangers.forget(roster, identity);
        self.detection.unreached.forget(identity);
        self.processes.forget(identity);
    }
}
