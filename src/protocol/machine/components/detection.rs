//! Failure detection among native servers: who is probed when, and what follows for the other
//! components.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::exchanges::in_flight::{Exchange, Purpose};
use crate::protocol::exchanges::native_message::NativeMessage;
use crate::protocol::machine::Machine;
use crate::protocol::merging::intake::Subject;
use crate::protocol::native::detection::PeerSearch;
use crate::protocol::native::detection::helpers::HelperReport;
use crate::protocol::native::detection::probe_order::schedule_probe;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::limits::LAGS;
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::extension::{Extension, Finding, Kind};

/// Peers probed each second while the event loop lags. Their answers tell whether they think this
/// server dead.
const PROBED_WHILE_LAGGING: usize = 2;

impl Machine {
    /// Hears how far JavaScript's event loop lags. The driver reports it about once a second while
    /// it lags for more than a second, and once when that is over.
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
                member.is_online() && !member.is_contacted_as_legacy()
            });
        for peer in natives {
            self.probe(&peer, now);
        }
    }

    /// Probes a third server, which `base_url` names, on behalf of another one.
    pub(in crate::protocol::machine) fn relay_probe(&mut self, asker: &Arc<str>, base_url: &str, now: Now) {
        if let Ok(Subject::Known(target)) = self.identify(base_url) {
            let Self { native, members, exchanges, cx, .. } = self;
            native.detection.relays.probe(members, exchanges, cx, asker, &target, now);
        }
    }

    /// Reports a finding to those that asked for it. Returns whether anybody has.
    pub(in crate::protocol::machine) fn report(
        &mut self,
        target: &Arc<str>,
        finding: Finding,
        now: Now,
    ) -> bool {
        let Self { native, members, exchanges, cx, .. } = self;
        native.detection.relays.report(members, exchanges, cx, target, finding, now)
    }

    /// Reports to a peer what was found for it.
    pub(in crate::protocol::machine) fn report_findings(&mut self, asker: &Arc<str>, now: Now) {
        let Self { native, members, exchanges, cx, .. } = self;
        native.detection.relays.report_findings(members, exchanges, cx, asker, now);
    }

    /// Spreads news about a server, or about this one, to all native servers.
    pub(in crate::protocol::machine) fn spread(&mut self, subject: &str, now: Now) {
        self.exchanges.rumours.spread(&self.members, &mut self.cx, subject, now);
    }

    /// Spreads news about this server to all native servers.
    pub(in crate::protocol::machine) fn spread_myself(&mut self, now: Now) {
        let me: Arc<str> = Arc::from(self.members.me.identity());
        self.spread(&me, now);
    }

    /// One round of rumours.
    pub(in crate::protocol::machine) fn push_rumours(&mut self, now: Now) {
        let Some(amount) = self.exchanges.begin_rumour_round(now.tick) else { return };
        let Self { native, members, exchanges, cx, .. } = self;
        let search = PeerSearch::for_any(amount);
        let peers = native.detection.free_peers(members, exchanges, cx, search, now.tick);
        exchanges.push_rumours(members, cx, peers, now);
    }

    /// Ends a suspicion in time, also when it has become shorter.
    pub(in crate::protocol::machine) fn schedule_suspicion(&mut self, identity: &Arc<str>, now: Now) {
        let Self { native, members, exchanges, cx, .. } = self;
        native.detection.schedule_suspicion(members, exchanges, cx, identity, now);
    }

    /// Declares suspects dead whose time is up.
    pub(in crate::protocol::machine) fn end_suspicions(&mut self, now: Now) {
        for identity in self.native.detection.suspicions.take_due(now.tick) {
            let Self { native, members, exchanges, cx, .. } = self;
            native.detection.review_suspicion(members, exchanges, cx, &identity, now);
            self.apply(now);
        }
        self.native.detection.suspicions.schedule(&mut self.cx);
    }

    /// Sets the timer to the next probe.
    pub(in crate::protocol::machine) fn schedule_probe(&mut self, now: Tick) {
        schedule_probe(&mut self.cx, now);
    }

    /// Probes the next server, and another one out of turn.
    pub(in crate::protocol::machine) fn probe_next(&mut self, now: Now) {
        self.schedule_probe(now.tick);
        self.look_at_own_url(now);
        let Self { native, members, exchanges, cx, .. } = self;
        native.detection.probe_next(members, exchanges, cx, now);
    }

    /// Probes a native server, unless an exchange with it is under way, which tells as much.
    pub(in crate::protocol::machine) fn probe(&mut self, peer: &Arc<str>, now: Now) -> Option<ExchangeId> {
        let Self { native, members, exchanges, cx, .. } = self;
        native.detection.probe(members, exchanges, cx, peer, now)
    }

    /// Tells a dead server that it is held for dead, so that a living one can refute.
    pub(in crate::protocol::machine) fn tell_dead(&mut self, peer: &Arc<str>, now: Now) {
        let notice = NativeMessage::new(Kind::Probe, Purpose::AccusationNotice);
        self.exchanges.send_native(&mut self.members, &mut self.cx, peer, notice, now);
    }

    /// Records that an exchange with a native server has succeeded.
    pub(in crate::protocol::machine) fn record_native_success(&mut self, peer: &Arc<str>, now: Now) {
        let Self { native, members, exchanges, cx, .. } = self;
        native.detection.record_success(members, exchanges, cx, peer, now);
    }

    /// Finds out what the failure of an exchange with a native server means.
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

    /// Judges the batch of strangers, and checks as many strangers as the pace allows.
    pub(in crate::protocol::machine) fn check_strangers(&mut self, now: Now) {
        let Self { native, members, exchanges, cx, .. } = self;
        for (peer, finding) in native.detection.judge_strangers(members, exchanges, cx, now) {
            self.probe_failed(&peer, finding, now);
            self.native.detection.strangers.remember_failed(peer, finding);
        }
        let Self { native, members, exchanges, cx, .. } = self;
        native.detection.check_strangers(members, exchanges, cx, now);
    }

    /// Finds out whether a server is there that did not answer a probe.
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

    /// Counts what a helper has found about the server that `base_url` names.
    pub(in crate::protocol::machine) fn hear_finding(
        &mut self,
        helper: &Arc<str>,
        base_url: &str,
        finding: Finding,
        now: Now,
    ) {
        if let Ok(Subject::Known(target)) = self.identify(base_url) {
            let report = HelperReport { helper, target: &target, finding };
            let Self { native, members, exchanges, cx, .. } = self;
            native.detection.hear_finding(members, exchanges, cx, report, now);
            self.apply(now);
        }
    }

    /// Compares rosters by the answer to a probe.
    pub(in crate::protocol::machine) fn compare(&mut self, peer: &Arc<str>, heard: &Extension, now: Now) {
        let Self { native, members, exchanges, cx, .. } = self;
        native.anti_entropy.compare(members, exchanges, cx, peer, heard, now);
    }

    /// Sends a peer what it lacks, as the entries that it was asked for have come and are merged.
    pub(in crate::protocol::machine) fn conclude_sync(
        &mut self,
        peer: &Arc<str>,
        heard: &Extension,
        now: Now,
    ) {
        let Self { native, members, exchanges, cx, .. } = self;
        native.anti_entropy.conclude_sync(members, exchanges, cx, peer, heard, now);
    }

    /// Asks one server for its whole roster: one of those named, or else any other than the one
    /// that was asked in vain.
    pub(in crate::protocol::machine) fn ask_for_whole_roster(
        &mut self,
        in_vain: &str,
        named: &[Arc<str>],
        now: Now,
    ) {
        let Self { native, members, exchanges, cx, .. } = self;
        native.ask_for_whole_roster(members, exchanges, cx, in_vain, named, now);
        self.apply(now);
    }

    /// Asks once more for a whole roster. The clock is right again: what was rejected before may be
    /// let in now.
    pub(in crate::protocol::machine) fn ask_again_for_whole_roster(&mut self, now: Now) {
        self.native.anti_entropy.allow_whole_tries(1);
        self.ask_for_whole_roster("", &[], now);
    }
}
