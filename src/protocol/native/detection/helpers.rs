//! Helpers: other servers that probe a server which did not answer this one.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::context::Context;
use crate::protocol::context::rate_limit::TokenBucket;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::exchanges::native_message::NativeMessage;
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::members::member::check::SECOND_TRY;
use crate::protocol::native::detection::investigation::{Failure, SECOND_PROBE_DELAY};
use crate::protocol::native::detection::{Acquaintance, Detection, PeerSearch};
use crate::protocol::types::time::Now;
use crate::protocol::wire::extension::{Finding, Kind};

/// Helpers asked to probe a server that did not answer (SWIM's k).
pub(crate) const HELPERS: usize = 3;
/// Time that the helpers have to report their findings.
pub(crate) const HELPERS_WAIT: Duration = Duration::from_secs(1);
/// Investigations that may ask helpers at once. An outage opens more of them, and each costs up to
/// twelve messages.
const HELP_BURST: u64 = 8;
/// Interval at which one more investigation may, in milliseconds. Probes open about one a second.
const HELP_INTERVAL_MS: u64 = 250;

/// Limits how often helpers are asked.
pub(super) type HelpBudget = TokenBucket<HELP_BURST, HELP_INTERVAL_MS>;

/// The finding of a helper.
#[derive(Debug, Clone, Copy)]
pub(in crate::protocol) struct HelperReport<'a> {
    pub(in crate::protocol) helper: &'a Arc<str>,
    pub(in crate::protocol) target: &'a Arc<str>,
    pub(in crate::protocol) finding: Finding,
}

impl Detection {
    /// Asks helpers whether they reach a server. If no peer is free to help, this server probes it
    /// once more.
    pub(in crate::protocol) fn ask_helpers(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        peer: &Arc<str>,
        failure: Failure,
        now: Now,
    ) {
        let helpers = self.choose_helpers(members, exchanges, cx, peer, now);
        if helpers.is_empty() {
            // A server that may not listen yet has its time as a suspect.
            let is_in_haste = self.unreached.has(members, peer) && !exchanges.health.is_late();
            let pause = if is_in_haste { SECOND_PROBE_DELAY } else { SECOND_TRY };
            self.investigations.begin(peer, failure, now.tick + pause);
            return self.investigations.schedule(cx, now.tick);
        }
        let until = now.tick + HELPERS_WAIT.mul_f64(exchanges.health.stretch());
        self.investigations.await_helpers(peer, failure, helpers.clone(), until);
        if failure.finding == Finding::Silent {
            // The probe may have been lost, and those of the helpers may be. The loss of this
            // notice opens no further investigation.
            let notice = NativeMessage::new(Kind::Probe, Purpose::AccusationNotice);
            exchanges.send_native(members, cx, peer, notice, now);
        }
        let message = NativeMessage::new(Kind::ProbeFor(members.roster.spelling(peer)), Purpose::ProbeFor);
        exchanges.send_natives(members, cx, helpers, message, now);
        self.investigations.schedule(cx, now.tick);
    }

    fn choose_helpers(
        &mut self,
        members: &Members,
        exchanges: &Exchanges,
        cx: &mut Context,
        peer: &str,
        now: Now,
    ) -> Vec<Arc<str>> {
        // On a machine where all servers are late, the messages of helpers would keep them late.
        let may_ask = !exchanges.health.is_late() && self.investigations.help_budget.take(1, now.tick) > 0;
        let amount = if may_ask { HELPERS } else { 0 };
        // Only met peers help with a stranger: fabricated servers could vouch for each other.
        let is_stranger = members.roster.get(peer).is_some_and(Member::is_native_stranger);
        let acquaintance = if is_stranger { Acquaintance::Met } else { Acquaintance::Any };
        let search = PeerSearch::except(amount, peer).among(acquaintance);
        self.free_peers(members, exchanges, cx, search, now.tick)
    }

    /// Counts the finding of a helper that was asked.
    pub(in crate::protocol) fn handle_finding(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        report: HelperReport<'_>,
        now: Now,
    ) {
        let HelperReport { helper, target, finding } = report;
        if !self.investigations.add_finding(target, helper, finding) {
            return;
        }
        if finding == Finding::Alive {
            // Others reach it, so this server may be the slow one.
            self.investigations.close(target);
            if let Some(member) = members.roster.get_mut(target) {
                member.record_answered();
            }
            self.strangers.vouch(target);
            exchanges.health.worsen();
            members.isolation.end();
        } else if self.investigations.has_all_findings(target) {
            self.conclude_investigation(members, exchanges, cx, target, now);
        }
        self.investigations.schedule(cx, now.tick);
    }
}
