//! Failure detection among native servers: the schedule of probes, and the effects on other
//! components.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::exchanges::in_flight::{Exchange, Purpose};
use crate::protocol::exchanges::native_message::NativeMessage;
use crate::protocol::machine::Machine;
use crate::protocol::merging::intake::Subject;
use crate::protocol::native::detection::helpers::HelperReport;
use crate::protocol::native::detection::probe_order::schedule_probe;
use crate::protocol::native::detection::suspicions::schedule_reviews;
use crate::protocol::types::ids::{ExchangeId, NameKey};
use crate::protocol::types::limits::MAX_EVENT_LOOP_LAG;
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::extension::{Extension, Finding, Kind};

/// Peers probed per second while the event loop lags. Their answers reveal whether they list this
/// server as dead.
const PROBES_WHILE_LAGGING: usize = 2;

impl Machine {
    /// Records the lag of JavaScript's event loop.
    ///
    /// The driver reports a lag of more than a second about once a second, and its end once.
    pub fn handle_lag(&mut self, now: Now, lag: Duration) {
        self.exchanges.health.record_lag(lag);
        if lag < MAX_EVENT_LOOP_LAG || !self.is_native() || !self.cx.is_running() {
            return;
        }
        self.exchanges.health.worsen();
        // A blocked event loop does not mean a dead server.
        self.excuse_check(now);
        let natives: Vec<Arc<str>> =
            self.members.roster.sample(&mut self.cx.rng, PROBES_WHILE_LAGGING, |_, member| {
                member.is_online() && !member.is_contacted_as_legacy()
            });
        for peer in natives {
            self.probe(&peer, now);
        }
    }

    /// Probes the server with this `base_url` on behalf of another one.
    pub(in crate::protocol::machine) fn relay_probe(&mut self, asker: &Arc<str>, base_url: &str, now: Now) {
        if let Ok(Subject::Known(target)) = self.identify(base_url) {
            let Self { native, members, exchanges, cx, .. } = self;
            native.detection.relays.probe(members, exchanges, cx, asker, &target, now);
        }
    }

    /// Reports a finding to the servers that asked for it. Returns whether there are any.
    pub(in crate::protocol::machine) fn report(
        &mut self,
        target: &Arc<str>,
        finding: Finding,
        now: Now,
    ) -> bool {
        let Self { native, members, exchanges, cx, .. } = self;
        native.detection.relays.report(members, exchanges, cx, target, finding, now)
    }

    /// Reports to a peer the findings that it asked for.
    pub(in crate::protocol::machine) fn report_findings(&mut self, asker: &Arc<str>, now: Now) {
        let Self { native, members, exchanges, cx, .. } = self;
        native.detection.relays.report_findings(members, exchanges, cx, asker, now);
    }

    /// Spreads news about a server, or about this one, to all native servers.
    pub(in crate::protocol::machine) fn spread(&mut self, subject: NameKey, now: Now) {
        self.exchanges.rumours.spread(&self.members, &mut self.cx, subject, now);
    }

    /// Spreads news about this server to all native servers.
    pub(in crate::protocol::machine) fn spread_own_claim(&mut self, now: Now) {
        self.spread(self.members.local_key(), now);
    }

    /// Begins a round of rumours.
    pub(in crate::protocol::machine) fn push_rumours(&mut self, now: Now) {
        let Some(amount) = self.exchanges.begin_rumour_round(now.tick) else { return };
        let Self { native, members, exchanges, cx, .. } = self;
        let peers = native.detection.news_receivers(members, exchanges, cx, amount, now.tick);
        exchanges.push_rumours(members, cx, peers, now);
    }

    /// Schedules the end of a suspicion, also after its timeout has become shorter.
    pub(in crate::protocol::machine) fn schedule_suspicion(&mut self, identity: &Arc<str>, now: Now) {
        let Self { native, members, exchanges, cx, .. } = self;
        native.detection.schedule_suspicion(members, exchanges, cx, identity, now);
    }

    /// Declares dead the suspects whose timeout has passed.
    pub(in crate::protocol::machine) fn end_suspicions(&mut self, now: Now) {
        for identity in self.members.roster.take_due_suspects(now.tick) {
            let Self { native, members, exchanges, cx, .. } = self;
            native.detection.review_suspicion(members, exchanges, cx, &identity, now);
            self.apply(now);
        }
        schedule_reviews(&mut self.members, &mut self.cx);
    }

    /// Sets the timer to the next probe.
    pub(in crate::protocol::machine) fn schedule_probe(&mut self, now: Tick) {
        schedule_probe(&mut self.cx, now);
    }

    /// Probes the next server in order, and one urgent one.
    pub(in crate::protocol::machine) fn probe_next(&mut self, now: Now) {
        self.schedule_probe(now.tick);
        self.review_own_url(now);
        let Self { native, members, exchanges, cx, .. } = self;
        native.detection.probe_next(members, exchanges, cx, now);
    }

    /// Probes a native server, unless an exchange with it is in flight, which serves the same
    /// purpose.
    pub(in crate::protocol::machine) fn probe(&mut self, peer: &Arc<str>, now: Now) -> Option<ExchangeId> {
        let Self { native, members, exchanges, cx, .. } = self;
        native.detection.probe(members, exchanges, cx, peer, now)
    }

    /// Sends a dead server a notice that it is listed as dead, so that a running one can refute.
    pub(in crate::protocol::machine) fn notify_dead(&mut self, peer: &Arc<str>, now: Now) {
        let notice = NativeMessage::new(Kind::Probe, Purpose::AccusationNotice);
        self.exchanges.send_native(&mut self.members, &mut self.cx, peer, notice, now);
    }

    /// Records that an exchange with a native server has succeeded.
    pub(in crate::protocol::machine) fn record_native_success(&mut self, peer: &Arc<str>, now: Now) {
        let Self { native, members, exchanges, cx, .. } = self;
        native.detection.record_success(members, exchanges, cx, peer, now);
    }

    /// Records that an exchange with a native server has failed, and follows it up.
    pub(in crate::protocol::machine) fn record_native_failure(
        &mut self,
        exchange: &Exchange,
        finding: Finding,
        now: Now,
    ) {
        let Self { native, members, exchanges, cx, .. } = self;
        native.detection.record_failure(members, exchanges, cx, exchange, finding, now);
        self.apply(now);
    }

    /// Sets the timer to the next check of strangers.
    pub(in crate::protocol::machine) fn schedule_strangers(&mut self, now: Tick) {
        self.native.detection.schedule_strangers(&self.exchanges, &mut self.cx, now);
    }

    /// Judges the batch of strangers, and checks as many strangers as the rate limit allows.
    pub(in crate::protocol::machine) fn check_strangers(&mut self, now: Now) {
        let Self { native, members, exchanges, cx, .. } = self;
        for (peer, finding) in native.detection.judge_strangers(members, exchanges, cx, now) {
            self.probe_failed(&peer, finding, now);
            self.native.detection.strangers.remember_failed(peer, finding);
        }
        let Self { native, members, exchanges, cx, .. } = self;
        native.detection.check_strangers(members, exchanges, cx, now);
    }

    /// Investigates a server that did not answer a probe.
    pub(in crate::protocol::machine) fn probe_failed(&mut self, peer: &Arc<str>, finding: Finding, now: Now) {
        let Self { native, members, exchanges, cx, .. } = self;
        native.detection.probe_failed(members, exchanges, cx, peer, finding, now);
        self.apply(now);
    }

    /// Continues the investigations whose wait has ended.
    pub(in crate::protocol::machine) fn continue_investigations(&mut self, now: Now) {
        for peer in self.native.detection.investigations.due(now.tick) {
            let Self { native, members, exchanges, cx, .. } = self;
            native.detection.continue_investigation(members, exchanges, cx, &peer, now);
            self.apply(now);
        }
        self.native.detection.investigations.schedule(&mut self.cx, now.tick);
    }

    /// Counts the finding of a helper about the server with this `base_url`.
    pub(in crate::protocol::machine) fn handle_finding(
        &mut self,
        helper: &Arc<str>,
        base_url: &str,
        finding: Finding,
        now: Now,
    ) {
        if let Ok(Subject::Known(target)) = self.identify(base_url) {
            let report = HelperReport { helper, target: &target, finding };
            let Self { native, members, exchanges, cx, .. } = self;
            native.detection.handle_finding(members, exchanges, cx, report, now);
            self.apply(now);
        }
    }

    /// Compares the rosters, by the digest in the answer to a probe.
    pub(in crate::protocol::machine) fn compare(&mut self, peer: &Arc<str>, received: &Extension, now: Now) {
        let Self { native, members, exchanges, cx, .. } = self;
        native.anti_entropy.compare(members, exchanges, cx, peer, received, now);
    }

    /// Sends a peer the entries that it lacks, after the requested ones have been merged.
    pub(in crate::protocol::machine) fn conclude_sync(
        &mut self,
        peer: &Arc<str>,
        received: &Extension,
        now: Now,
    ) {
        let Self { native, members, exchanges, cx, .. } = self;
        native.anti_entropy.conclude_sync(members, exchanges, cx, peer, received, now);
    }

    /// Asks one server for its full roster: one of those named, or else any but the one that did
    /// not send it.
    pub(in crate::protocol::machine) fn ask_for_full_roster(
        &mut self,
        in_vain: &str,
        named: &[Arc<str>],
        now: Now,
    ) {
        let Self { native, members, exchanges, cx, .. } = self;
        native.ask_for_full_roster(members, exchanges, cx, in_vain, named, now);
        self.apply(now);
    }

    /// Asks once more for a full roster. The clock is right again, so claims rejected before may be
    /// admitted now.
    pub(in crate::protocol::machine) fn ask_again_for_full_roster(&mut self, now: Now) {
        self.native.anti_entropy.allow_full_roster_tries(1);
        self.ask_for_full_roster("", &[], now);
    }
}
