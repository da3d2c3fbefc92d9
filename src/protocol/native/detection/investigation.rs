//! Failure detection among native servers: whether one that did not answer a probe is there.
//!
//! ```text
//! A ── probe ──▶ T           no answer within 0.3–1 s
//! A ── probe-for T ──▶ H₁ H₂ H₃ ── probe ──▶ T
//! A ◀── push, found T: alive, refused or silent ── H₁ H₂ H₃
//! ```
//! SWIM (Das, Gupta, Motivala 2002). Where this server and another find the port closed, nobody is
//! there to speak up, and no time to do so is given.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::context::rate_limit::TokenBucket;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::in_flight::{PEER_TIMEOUT, Purpose};
use crate::protocol::exchanges::native_message::NativeMessage;
use crate::protocol::machine::Machine;
use crate::protocol::members::member::Member;
use crate::protocol::members::member::check::{SECOND_TRY, next_grace_try};
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::merging::intake::Subject;
use crate::protocol::types::time::{Incarnation, Now, Tick};
use crate::protocol::wire::extension::{Finding, Kind};

/// Helpers asked to probe a server that did not answer (SWIM's k).
pub(crate) const HELPERS: usize = 3;
/// Time that the helpers have to report their findings.
pub(crate) const HELPERS_WAIT: Duration = Duration::from_secs(1);
/// Pause before a closed port is probed a second time.
pub(crate) const KNOCK_AGAIN: Duration = Duration::from_millis(250);
/// Investigations open at once. Further failures wait for their next probe.
pub(in crate::protocol) const MAX_OPEN: usize = 64;
/// Investigations that may ask helpers at once. An outage opens more of them, and each costs up to
/// twelve messages.
const HELPED_AT_ONCE: u64 = 8;
/// Pause after which one more may, in milliseconds. A server opens about one a second by its probes.
const HELPED_EACH_MS: u64 = 250;

/// Limits how often helpers are asked.
pub(in crate::protocol) type HelpBudget = TokenBucket<HELPED_AT_ONCE, HELPED_EACH_MS>;

/// Whether a server that did not answer is there.
#[derive(Debug)]
pub(in crate::protocol) struct Investigation {
    incarnation: Incarnation,
    own: Finding,
    /// Set while it may not listen yet: when it was first found not to.
    grace_since: Option<Tick>,
    helpers: Vec<Arc<str>>,
    findings: Vec<(Arc<str>, Finding)>,
    /// Whether other helpers were asked before.
    is_repeated: bool,
    stage: Stage,
}

impl Investigation {
    fn new(incarnation: Incarnation, own: Finding, stage: Stage) -> Self {
        let (helpers, findings) = (Vec::new(), Vec::new());
        Self { incarnation, own, grace_since: None, helpers, findings, is_repeated: false, stage }
    }

    fn is_probed(&self) -> bool {
        matches!(self.stage, Stage::Probed { .. })
    }

    /// When its stage ends.
    fn ends(&self) -> Tick {
        match self.stage {
            Stage::Helpers { until } | Stage::Probed { until } | Stage::Again { at: until } => until,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The helpers are asked.
    Helpers { until: Tick },
    /// To be probed once more.
    Again { at: Tick },
    /// Being probed once more; an outcome that says nothing about the server leaves it open until then.
    Probed { until: Tick },
}

impl Machine {
    /// A probe has failed.
    pub(in crate::protocol) fn probe_failed(&mut self, peer: &Arc<str>, finding: Finding, now: Now) {
        let is_relay = self.report(peer, finding, now);
        let Some(member) = self.members.roster.get(peer).filter(|member| member.is_online()) else {
            self.native.probes.open.swap_remove(peer);
            return;
        };
        let incarnation = member.incarnation;
        match self.native.probes.open.get_mut(peer) {
            Some(question) if question.is_probed() && question.incarnation == incarnation => {
                question.own = finding;
                match question.grace_since {
                    Some(first) => self.go_on_with_grace(peer, first, incarnation, now),
                    None => self.conclude_investigation(peer, now),
                }
            }
            Some(question) if question.incarnation == incarnation => {}
            // Whoever asked for it asks further. A question about an earlier incarnation is moot.
            _ if is_relay => drop(self.native.probes.open.swap_remove(peer)),
            _ => self.open_investigation(peer, incarnation, finding, now),
        }
    }

    fn open_investigation(&mut self, peer: &Arc<str>, incarnation: Incarnation, own: Finding, now: Now) {
        if self.native.probes.open.len() >= MAX_OPEN {
            return;
        }
        // Rule "Grace": one that came just now, and never answered, may not listen yet.
        let has_grace = |member: &Member| member.may_not_listen_yet(now.tick);
        if self.members.roster.get(peer).is_some_and(has_grace)
            && let Some(at) = self.first_grace_try(peer, own, now)
        {
            let question = Investigation::new(incarnation, own, Stage::Again { at });
            let question = Investigation { grace_since: Some(now.tick), ..question };
            self.native.probes.open.insert(Arc::clone(peer), question);
            return self.schedule_investigations(now.tick);
        }
        self.ask_helpers(peer, incarnation, own, false, now);
    }

    fn first_grace_try(&mut self, peer: &Arc<str>, own: Finding, now: Now) -> Option<Tick> {
        if own == Finding::Refused {
            return self.native.unreached.record_refusal(&self.members, peer, now);
        }
        next_grace_try(now.tick, now.tick)
    }

    fn go_on_with_grace(&mut self, peer: &Arc<str>, first: Tick, incarnation: Incarnation, now: Now) {
        let Some(own) = self.native.probes.open.get(peer).map(|question| question.own) else { return };
        let next = if own == Finding::Refused && self.native.unreached.has(&self.members, peer) {
            self.native.unreached.next_look(peer, now.tick)
        } else {
            next_grace_try(first, now.tick)
        };
        match (next, self.native.probes.open.get_mut(peer)) {
            (Some(at), Some(question)) => {
                question.stage = Stage::Again { at };
                self.schedule_investigations(now.tick);
            }
            _ => self.ask_helpers(peer, incarnation, own, false, now),
        }
    }

    pub(in crate::protocol) fn ask_helpers(
        &mut self,
        peer: &Arc<str>,
        incarnation: Incarnation,
        own: Finding,
        is_repeated: bool,
        now: Now,
    ) {
        // On a machine where all servers are late, the messages of helpers would keep them late.
        let may_ask =
            !self.exchanges.health.is_late() && self.native.probes.help_budget.take(1, now.tick) > 0;
        let amount = if may_ask { HELPERS } else { 0 };
        // A server that was made up together with its helpers would have none.
        let helpers = if self.is_stranger(peer) {
            self.met_helpers(amount, peer, now.tick)
        } else {
            self.helpers(amount, peer, now.tick)
        };
        let stage = if helpers.is_empty() {
            // One that may not listen yet is given time as a suspect.
            let is_in_haste =
                self.native.unreached.has(&self.members, peer) && !self.exchanges.health.is_late();
            Stage::Again { at: now.tick + if is_in_haste { KNOCK_AGAIN } else { SECOND_TRY } }
        } else {
            Stage::Helpers { until: now.tick + HELPERS_WAIT.mul_f64(self.exchanges.health.stretch()) }
        };
        let question = Investigation::new(incarnation, own, stage);
        let question = Investigation { helpers: helpers.clone(), is_repeated, ..question };
        self.native.probes.open.insert(Arc::clone(peer), question);
        if own == Finding::Silent && !helpers.is_empty() {
            // One's own message may have been lost, and theirs may be. If this one is, nobody is asked about it again.
            self.reach(peer, now);
        }
        let target = self.members.roster.spelling(peer);
        let message = NativeMessage::new(Kind::ProbeFor(target), Purpose::ProbeFor);
        self.exchanges.send_natives(&mut self.members, &mut self.cx, helpers, message, now);
        self.schedule_investigations(now.tick);
    }

    fn schedule_investigations(&mut self, now: Tick) {
        let moments = self.native.probes.open.values().map(Investigation::ends);
        match moments.min() {
            Some(at) => self.cx.timers.set(Timer::Investigations, at.max(now)),
            None => self.cx.timers.stop(Timer::Investigations),
        }
    }

    /// The time of some questions has come.
    pub(in crate::protocol) fn go_on_with_investigations(&mut self, now: Now) {
        let due: Vec<Arc<str>> = self
            .native
            .probes
            .open
            .iter()
            .filter(|(_, question)| question.ends() <= now.tick)
            .map(|(peer, _)| Arc::clone(peer))
            .collect();
        for peer in due {
            let Some(question) = self.native.probes.open.get_mut(&peer) else { continue };
            let is_moot = self
                .members
                .roster
                .get(&peer)
                .is_none_or(|member| !member.is_online() || member.incarnation != question.incarnation);
            if is_moot || question.is_probed() {
                self.native.probes.open.swap_remove(&peer);
            } else if let Stage::Again { .. } = question.stage {
                // What is under way may be a message whose failure tells nothing: then it is tried again soon.
                question.stage = Stage::Again { at: now.tick + KNOCK_AGAIN };
                if self.probe(&peer, now).is_some()
                    && let Some(question) = self.native.probes.open.get_mut(&peer)
                {
                    // Longer than any timeout of a probe, which bad health stretches beyond that of other requests.
                    let timeout = self.exchanges.health.probe_timeout();
                    question.stage = Stage::Probed { until: now.tick + timeout + PEER_TIMEOUT };
                }
            } else {
                self.conclude_investigation(&peer, now);
            }
        }
        self.schedule_investigations(now.tick);
    }

    /// A helper's finding has come.
    pub(in crate::protocol) fn hear_finding(
        &mut self,
        helper: &Arc<str>,
        base_url: &str,
        finding: Finding,
        now: Now,
    ) {
        let Ok(Subject::Known(target)) = self.identify(base_url) else { return };
        let Some(question) = self.native.probes.open.get_mut(&target) else { return };
        let is_asked = question.helpers.contains(helper);
        if !is_asked || question.findings.iter().any(|(known, _)| known == helper) {
            return;
        }
        question.findings.push((Arc::clone(helper), finding));
        if finding == Finding::Alive {
            // Others reach it: it may be this server that is slow.
            self.native.probes.open.swap_remove(&target);
            if let Some(member) = self.members.roster.get_mut(&target) {
                member.note_answered(true);
            }
            self.native.strangers.vouch(&target);
            self.exchanges.health.worsen();
            self.members.isolation.end();
        } else if matches!(question.stage, Stage::Helpers { .. })
            && question.findings.len() == question.helpers.len()
        {
            self.conclude_investigation(&target, now);
        }
        self.schedule_investigations(now.tick);
    }

    /// All that could be found out has been.
    fn conclude_investigation(&mut self, peer: &Arc<str>, now: Now) {
        let Some(question) = self.native.probes.open.get_mut(peer) else { return };
        let member =
            self.members.roster.get(peer).filter(|member| member.incarnation == question.incarnation);
        if !member.is_some_and(|member| member.is_online()) {
            self.native.probes.open.swap_remove(peer);
            return;
        }
        let is_refused = |finding: &Finding| *finding == Finding::Refused;
        let is_refused_by_me = is_refused(&question.own);
        let has_confirmer = question.findings.iter().any(|(_, finding)| is_refused(finding));
        let is_alone = question.findings.is_empty();
        let (stage, is_probed) = (question.stage, question.is_probed());
        // Silence may be a lost message, here or there; a closed port is a fact.
        if matches!(stage, Stage::Helpers { .. }) && has_confirmer {
            question.stage = Stage::Again { at: now.tick + KNOCK_AGAIN };
            return self.schedule_investigations(now.tick);
        }
        if matches!(stage, Stage::Helpers { .. })
            && !question.is_repeated
            && self.exchanges.health.loses_many()
        {
            let (incarnation, own) = (question.incarnation, question.own);
            return self.ask_helpers(peer, incarnation, own, true, now);
        }
        let findings =
            self.native.probes.open.swap_remove(peer).map(|question| question.findings).unwrap_or_default();
        let is_certain = is_probed && is_refused_by_me;
        self.members.roster.because(Cause::Refused);
        let may_not_listen_yet = self.native.unreached.has(&self.members, peer);
        if is_certain && has_confirmer && !may_not_listen_yet {
            self.bury(peer, now);
        } else if is_certain && is_alone && !may_not_listen_yet {
            // Nobody could help; but whoever is cut off is not refused.
            self.bury(peer, now);
        } else {
            // Who got an answer that proves nothing neither clears the server nor accuses it.
            let found_nobody = |(_, finding): &(Arc<str>, Finding)| *finding != Finding::Unproved;
            let confirmers: Vec<Arc<str>> =
                findings.into_iter().filter(found_nobody).map(|(helper, _)| helper).collect();
            self.suspect(peer, &confirmers, now);
        }
        self.schedule_investigations(now.tick);
    }
}
