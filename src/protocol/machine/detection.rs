//! Failure detection among native servers: who is probed when, and what follows for the other components.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::machine::Machine;
use crate::protocol::merging::intake::Subject;
use crate::protocol::types::limits::LAGS;
use crate::protocol::types::time::Now;
use crate::protocol::wire::extension::Finding;

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

    /// Probes a third server, which `base_url` names, on behalf of another one.
    pub(in crate::protocol) fn relay_probe(&mut self, asker: &Arc<str>, base_url: &str, now: Now) {
        if let Ok(Subject::Known(target)) = self.identify(base_url) {
            let Self { native, members, exchanges, cx, .. } = self;
            native.relays.probe(members, exchanges, cx, asker, &target, now);
        }
    }

    /// Reports a finding to those that asked for it. Returns whether anybody has.
    pub(in crate::protocol) fn report(&mut self, target: &Arc<str>, finding: Finding, now: Now) -> bool {
        let Self { native, members, exchanges, cx, .. } = self;
        native.relays.report(members, exchanges, cx, target, finding, now)
    }

    /// Reports to a peer what was found for it.
    pub(in crate::protocol) fn report_findings(&mut self, asker: &Arc<str>, now: Now) {
        let Self { native, members, exchanges, cx, .. } = self;
        native.relays.report_findings(members, exchanges, cx, asker, now);
    }
}
