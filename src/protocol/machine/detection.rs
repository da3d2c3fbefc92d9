//! Failure detection among native servers: who is probed when, and what follows for the other components.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::machine::Machine;
use crate::protocol::types::limits::LAGS;
use crate::protocol::types::time::Now;

/// Peers probed each second while the event loop lags. Their answers tell whether they think this server dead.
const PROBED_WHILE_LAGGING: usize = 2;

impl Machine {
    /// Hears how far JavaScript's event loop lags. The driver reports it about once a second while it lags for more than a
    /// second, and once when that is over.
    pub fn handle_lag(&mut self, now: Now, lag: Duration) {
        self.exchanges.health.record_lag(lag);
        if lag < LAGS || !self.is_native() || !self.cx.is_running() {
            return;
        }
        self.exchanges.health.worsen();
        // A blocked event loop is no death.
        self.excuse_check(now);
        let natives: Vec<Arc<str>> =
            self.members.roster.sample(&mut self.cx.rng, PROBED_WHILE_LAGGING, |_, member| {
                member.is_online() && !member.is_met_as_legacy()
            });
        for peer in natives {
            self.probe(&peer, now);
        }
    }
}
