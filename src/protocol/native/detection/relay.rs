//! Probe relays: this server probes another one on behalf of servers that got no answer, and
//! reports its finding.

use std::collections::VecDeque;
use std::sync::Arc;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use crate::protocol::context::Context;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::exchanges::native_message::NativeMessage;
use crate::protocol::members::Members;
use crate::protocol::types::time::Now;
use crate::protocol::wire::extension::{Finding, Kind};

/// Servers probed for others at once; also askers per server, and findings waiting to be reported.
pub(in crate::protocol) const MAX_RELAYS: usize = 64;

/// Probes on behalf of others.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Relays {
    /// The askers of each target.
    askers: IndexMap<Arc<str>, Vec<Arc<str>>, FixedState>,
    /// Findings for askers with which an exchange was in flight.
    deferred: VecDeque<Report>,
}

#[derive(Debug)]
struct Report {
    asker: Arc<str>,
    target: Arc<str>,
    finding: Finding,
}

impl Relays {
    /// Probes a server on behalf of another one. An exchange in flight with it serves the same
    /// purpose.
    pub(in crate::protocol) fn probe(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        asker: &Arc<str>,
        target: &Arc<str>,
        now: Now,
    ) {
        if !members.is_contacted_natively(cx, target) || self.askers.len() >= MAX_RELAYS {
            return;
        }
        let askers = self.askers.entry(Arc::clone(target)).or_default();
        if !askers.contains(asker) && askers.len() < MAX_RELAYS {
            askers.push(Arc::clone(asker));
        }
        let message = NativeMessage::new(Kind::Probe, Purpose::Relay);
        if !exchanges.in_flight.has_exchange_with(target)
            && exchanges.send_native(members, cx, target, message, now).is_none()
        {
            self.askers.swap_remove(target);
        }
    }

    /// Reports a finding to the servers that asked for it. Returns whether there are any.
    pub(in crate::protocol) fn report(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        target: &Arc<str>,
        finding: Finding,
        now: Now,
    ) -> bool {
        let Some(askers) = self.askers.swap_remove(target) else { return false };
        for asker in askers {
            if self.deferred.len() < MAX_RELAYS {
                let (asker, target) = (Arc::clone(&asker), Arc::clone(target));
                self.deferred.push_back(Report { asker, target, finding });
            }
            self.report_findings(members, exchanges, cx, &asker, now);
        }
        true
    }

    /// Reports to a peer the findings that it asked for, unless an exchange with it is in flight.
    pub(in crate::protocol) fn report_findings(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        asker: &Arc<str>,
        now: Now,
    ) {
        let Some(index) = self.deferred.iter().position(|report| report.asker == *asker) else { return };
        if !exchanges.in_flight.has_exchange_with(asker)
            && let Some(Report { target, finding, .. }) = self.deferred.remove(index)
        {
            let found = Some((members.roster.spelling(&target), finding));
            let message = NativeMessage { found, ..NativeMessage::new(Kind::Push, Purpose::Push) };
            exchanges.send_native(members, cx, asker, message, now);
        }
    }

    /// Returns the number of targets, of their askers, and of waiting findings.
    pub(in crate::protocol) fn lengths(&self) -> [usize; 3] {
        [self.askers.len(), self.askers.values().map(Vec::len).sum(), self.deferred.len()]
    }
}
