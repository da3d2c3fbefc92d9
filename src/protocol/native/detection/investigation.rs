//! Failure detection among native servers: whether a server that did not answer a probe is dead.
//!
//! ```text
//! A ── probe ──▶ T           no answer within 0.3–1 s
//! A ── probe-for T ──▶ H₁ H₂ H₃ ── probe ──▶ T
//! A ◀── push, found T: alive, refused or silent ── H₁ H₂ H₃
//! ```
//! The protocol is SWIM (Das, Gupta, Motivala 2002). If this server and another find the port
//! closed, no process can refute, so there is no suspicion.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use crate::protocol::context::Context;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::in_flight::PEER_TIMEOUT;
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::members::member::check::next_grace_try;
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::native::detection::Detection;
use crate::protocol::native::detection::helpers::HelpBudget;
use crate::protocol::types::time::{Incarnation, Now, Tick};
use crate::protocol::wire::extension::Finding;

/// Pause before a closed port is probed a second time.
pub(crate) const SECOND_PROBE_DELAY: Duration = Duration::from_millis(250);
/// Investigations open at once. Further failures wait for their next probe.
pub(in crate::protocol) const MAX_OPEN: usize = 64;
/// The open investigations, by server.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Investigations {
    open: IndexMap<Arc<str>, Investigation, FixedState>,
    pub(super) help_budget: HelpBudget,
}

/// One investigation of a server that did not answer.
#[derive(Debug)]
struct Investigation {
    failure: Failure,
    /// The time of the first failure, while the server may not listen yet.
    grace_since: Option<Tick>,
    helpers: Vec<Arc<str>>,
    findings: Vec<(Arc<str>, Finding)>,
    awaited: Awaited,
}

/// This server's own finding.
#[derive(Debug, Clone, Copy)]
pub(in crate::protocol) struct Failure {
    /// The incarnation of the server that did not answer.
    pub(in crate::protocol) incarnation: Incarnation,
    pub(in crate::protocol) finding: Finding,
    pub(in crate::protocol) attempt: Attempt,
}

/// Whether other helpers may be asked if messages are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Attempt {
    /// Other helpers may be asked once.
    First,
    /// No further helpers are asked.
    Last,
}

/// The next event of an investigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    /// The findings of the helpers.
    Findings { until: Tick },
    /// The time of the next probe.
    NextProbe { at: Tick },
    /// The outcome of that probe. An outcome that says nothing about the server leaves the
    /// investigation open until then.
    Outcome { until: Tick },
}

impl Investigation {
    fn new(failure: Failure, awaited: Awaited) -> Self {
        Self { failure, grace_since: None, helpers: Vec::new(), findings: Vec::new(), awaited }
    }

    fn is_probed(&self) -> bool {
        matches!(self.awaited, Awaited::Outcome { .. })
    }

    /// Whether a helper has also found the port closed.
    fn is_closed_port_confirmed(&self) -> bool {
        self.findings.iter().any(|(_, finding)| *finding == Finding::PortClosed)
    }

    /// Whether the findings suffice to declare the server dead. A server that is cut off gets no
    /// refusals, so its own finding suffices without helpers.
    fn proves_death(&self) -> bool {
        let is_certain = self.is_probed() && self.failure.finding == Finding::PortClosed;
        is_certain && (self.is_closed_port_confirmed() || self.findings.is_empty())
    }

    /// Returns the helpers that found the server silent. An unproved answer neither clears nor
    /// accuses the server.
    fn confirmers(self) -> Vec<Arc<str>> {
        let is_proof = |(_, finding): &(Arc<str>, Finding)| *finding != Finding::Unproved;
        self.findings.into_iter().filter(is_proof).map(|(helper, _)| helper).collect()
    }

    /// Returns the end of its wait.
    fn ends(&self) -> Tick {
        match self.awaited {
            Awaited::Findings { until } | Awaited::Outcome { until } | Awaited::NextProbe { at: until } => {
                until
            }
        }
    }
}

impl Investigations {
    pub(in crate::protocol) fn is_open(&self, identity: &str) -> bool {
        self.open.contains_key(identity)
    }

    /// Ends an investigation without a verdict: the server runs, or its own message explains the
    /// failure.
    pub(in crate::protocol) fn close(&mut self, identity: &Arc<str>) {
        self.open.swap_remove(identity);
    }

    /// Returns the servers whose investigation is due.
    pub(in crate::protocol) fn due(&self, now: Tick) -> Vec<Arc<str>> {
        let due = self.open.iter().filter(|(_, investigation)| investigation.ends() <= now);
        due.map(|(peer, _)| Arc::clone(peer)).collect()
    }

    /// Sets the timer to the earliest end of a wait.
    pub(in crate::protocol) fn schedule(&self, cx: &mut Context, now: Tick) {
        match self.open.values().map(Investigation::ends).min() {
            Some(at) => cx.timers.set(Timer::Investigations, at.max(now)),
            None => cx.timers.stop(Timer::Investigations),
        }
    }

    pub(in crate::protocol) fn len(&self) -> usize {
        self.open.len()
    }

    /// Begins or restarts an investigation that probes the server once more at this time.
    pub(super) fn begin(&mut self, peer: &Arc<str>, failure: Failure, at: Tick) {
        self.open.insert(Arc::clone(peer), Investigation::new(failure, Awaited::NextProbe { at }));
    }

    /// Begins or restarts an investigation that waits for the findings of helpers.
    pub(super) fn await_helpers(
        &mut self,
        peer: &Arc<str>,
        failure: Failure,
        helpers: Vec<Arc<str>>,
        until: Tick,
    ) {
        let investigation = Investigation::new(failure, Awaited::Findings { until });
        self.open.insert(Arc::clone(peer), Investigation { helpers, ..investigation });
    }

    /// Begins an investigation of a server that may not listen yet.
    fn begin_grace(&mut self, peer: &Arc<str>, failure: Failure, at: Tick, now: Tick) {
        let investigation = Investigation::new(failure, Awaited::NextProbe { at });
        self.open.insert(Arc::clone(peer), Investigation { grace_since: Some(now), ..investigation });
    }

    /// Counts the finding of a helper. Returns false if it was not asked, or has reported before.
    pub(super) fn add_finding(&mut self, target: &str, helper: &Arc<str>, finding: Finding) -> bool {
        let Some(investigation) = self.open.get_mut(target) else { return false };
        let is_asked = investigation.helpers.contains(helper);
        if !is_asked || investigation.findings.iter().any(|(known, _)| known == helper) {
            return false;
        }
        investigation.findings.push((Arc::clone(helper), finding));
        true
    }

    /// Whether all awaited helpers have reported.
    pub(super) fn has_all_findings(&self, target: &str) -> bool {
        self.open.get(target).is_some_and(|investigation| {
            matches!(investigation.awaited, Awaited::Findings { .. })
                && investigation.findings.len() == investigation.helpers.len()
        })
    }

    fn wait_for(&mut self, peer: &Arc<str>, awaited: Awaited) {
        if let Some(investigation) = self.open.get_mut(peer) {
            investigation.awaited = awaited;
        }
    }
}

impl Detection {
    /// Investigates a server that did not answer a probe.
    pub(in crate::protocol) fn probe_failed(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        peer: &Arc<str>,
        finding: Finding,
        now: Now,
    ) {
        let is_relay = self.relays.report(members, exchanges, cx, peer, finding, now);
        let Some(member) = members.roster.get(peer).filter(|member| member.is_online()) else {
            return self.investigations.close(peer);
        };
        let incarnation = member.incarnation();
        match self.investigations.open.get_mut(peer).filter(|open| open.failure.incarnation == incarnation) {
            Some(investigation) if investigation.is_probed() => {
                investigation.failure.finding = finding;
                match investigation.grace_since {
                    Some(first) => self.continue_grace(members, exchanges, cx, peer, first, now),
                    None => self.conclude_investigation(members, exchanges, cx, peer, now),
                }
            }
            Some(_) => {}
            // The asker continues the investigation. An investigation of an earlier incarnation is
            // moot.
            None if is_relay => self.investigations.close(peer),
            None => {
                let failure = Failure { incarnation, finding, attempt: Attempt::First };
                self.open_investigation(members, exchanges, cx, peer, failure, now);
            }
        }
    }

    fn open_investigation(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        peer: &Arc<str>,
        failure: Failure,
        now: Now,
    ) {
        if self.investigations.len() >= MAX_OPEN {
            return;
        }
        // Rule "Grace": a server that has just joined, and has never answered, may not listen yet.
        let has_grace = |member: &Member| member.may_not_listen_yet(now.tick);
        if members.roster.get(peer).is_some_and(has_grace)
            && let Some(at) = self.begin_grace(members, peer, failure.finding, now)
        {
            self.investigations.begin_grace(peer, failure, at, now.tick);
            return self.investigations.schedule(cx, now.tick);
        }
        self.ask_helpers(members, exchanges, cx, peer, failure, now);
    }

    fn begin_grace(
        &mut self,
        members: &mut Members,
        peer: &Arc<str>,
        finding: Finding,
        now: Now,
    ) -> Option<Tick> {
        if finding == Finding::PortClosed {
            return self.unreached.record_closed_port(members, peer, now);
        }
        next_grace_try(now.tick, now.tick)
    }

    fn continue_grace(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        peer: &Arc<str>,
        first: Tick,
        now: Now,
    ) {
        let Some(failure) = self.investigations.open.get(peer).map(|open| open.failure) else { return };
        let is_port_closed = failure.finding == Finding::PortClosed;
        let next = if is_port_closed && self.unreached.has(members, peer) {
            self.unreached.next_check(peer, now.tick)
        } else {
            next_grace_try(first, now.tick)
        };
        let Some(at) = next else {
            return self.ask_helpers(members, exchanges, cx, peer, failure, now);
        };
        self.investigations.wait_for(peer, Awaited::NextProbe { at });
        self.investigations.schedule(cx, now.tick);
    }

    /// Continues an investigation whose wait has ended.
    pub(in crate::protocol) fn continue_investigation(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        peer: &Arc<str>,
        now: Now,
    ) {
        let Some(investigation) = self.investigations.open.get_mut(peer) else { return };
        let incarnation = investigation.failure.incarnation;
        let is_moot = members
            .roster
            .get(peer)
            .is_none_or(|member| !member.is_online() || member.incarnation() != incarnation);
        match investigation.awaited {
            Awaited::Findings { .. } if !is_moot => {
                self.conclude_investigation(members, exchanges, cx, peer, now);
            }
            Awaited::NextProbe { .. } if !is_moot => {
                // The failure of the message in flight may prove nothing: in that case the next try
                // is soon.
                investigation.awaited = Awaited::NextProbe { at: now.tick + SECOND_PROBE_DELAY };
                if self.probe(members, exchanges, cx, peer, now).is_some() {
                    // Longer than any timeout of a probe, which bad health stretches beyond those
                    // of other requests.
                    let until = now.tick + exchanges.health.probe_timeout() + PEER_TIMEOUT;
                    self.investigations.wait_for(peer, Awaited::Outcome { until });
                }
            }
            _ => self.investigations.close(peer),
        }
    }

    /// Decides by the reported findings.
    pub(super) fn conclude_investigation(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        peer: &Arc<str>,
        now: Now,
    ) {
        let Some(investigation) = self.investigations.open.get(peer) else { return };
        let failure = investigation.failure;
        let member = members.roster.get(peer).filter(|member| member.incarnation() == failure.incarnation);
        if !member.is_some_and(Member::is_online) {
            return self.investigations.close(peer);
        }
        if matches!(investigation.awaited, Awaited::Findings { .. }) {
            // Silence may mean a lost message on either side; a closed port is a fact.
            if investigation.is_closed_port_confirmed() {
                self.investigations.wait_for(peer, Awaited::NextProbe { at: now.tick + SECOND_PROBE_DELAY });
                return self.investigations.schedule(cx, now.tick);
            }
            if failure.attempt == Attempt::First && exchanges.health.has_high_loss() {
                let failure = Failure { attempt: Attempt::Last, ..failure };
                return self.ask_helpers(members, exchanges, cx, peer, failure, now);
            }
        }
        let Some(investigation) = self.investigations.open.swap_remove(peer) else { return };
        if investigation.proves_death() && !self.unreached.has(members, peer) {
            members.roster.set_cause(Cause::PortClosed);
            members.bury(cx, peer, now);
        } else {
            members.roster.set_cause(Cause::Silent);
            self.suspect(members, exchanges, cx, peer, &investigation.confirmers(), now);
        }
        self.investigations.schedule(cx, now.tick);
    }
}
