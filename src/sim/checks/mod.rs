//! The invariants of `docs/protocol.md`, one check each, run after every step.

mod bounded;
mod convergence;
mod fair_load;
mod legacy_clean;
mod monotone;
mod news;
mod no_false_death;
mod no_resurrection;
mod self_truth;

use std::fmt;

pub(super) use bounded::check as bounded;
pub(super) use fair_load::check as fair_load;
pub(super) use legacy_clean::check as legacy_clean;

use super::clock::{Millis, present};
use super::host::Host;
use super::process::{Engine, MAX_FOCUS, Process, Stage};
use super::view::{self, View};
use super::wire::HostId;
use crate::protocol::status::Status;
use crate::protocol::time::{Incarnation, Now};

/// Hosts up to which every view of every host is checked after each step.
const MAX_FULLY_CHECKED_HOSTS: usize = 32;
/// Violations that are kept; more are only counted.
const MAX_KEPT: usize = 100;

/// A violated invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// When it was found.
    pub at: Millis,
    /// The name of the invariant.
    pub invariant: &'static str,
    /// What was found.
    pub finding: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {} ms: {}: {}", self.at, self.invariant, self.finding)
    }
}

/// The checks and their results.
#[derive(Debug)]
pub struct Checks {
    /// The violations that were kept.
    pub violations: Vec<Violation>,
    /// The number of all violations.
    pub found: u64,
    /// Whether the death of a running server is a violation, as it is if only chance loses
    /// messages.
    pub forbids_false_death: bool,
    /// The maximum number of requests that a server may receive per second.
    pub load_limit: f64,
    /// The number of times that a server became suspect to another.
    pub suspicions: u64,
    /// The number of times that a running server refuted a claim about itself.
    pub refutations: u64,
    /// The number of times that a server declared another dead.
    pub deaths: u64,
    /// The number of times that a tombstone was superseded.
    pub returns: u64,
    /// The highest incarnation of each host's servers so far.
    highest: Vec<Incarnation>,
    focus: [Option<HostId>; MAX_FOCUS],
    next_focus: usize,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            violations: Vec::new(),
            found: 0,
            forbids_false_death: false,
            load_limit: fair_load::LIMIT,
            suspicions: 0,
            refutations: 0,
            deaths: 0,
            returns: 0,
            highest: Vec::new(),
            focus: [None; MAX_FOCUS],
            next_focus: 0,
        }
    }
}

/// The change that a check examines: one process's view of one host, before and after.
struct Change<'a> {
    at: Millis,
    observer: &'a str,
    subject: &'a Host,
    before: View,
    after: View,
    /// The highest incarnation that the subject ever had.
    highest_own: Incarnation,
    /// The observer's clock.
    now: Now,
}

impl Change<'_> {
    /// Returns the incarnation before; `NONE` for one over 24 h ahead of the observer's clock.
    fn incarnation_before(&self) -> Incarnation {
        self.before.incarnation.counted(self.now)
    }

    fn violation(&self, invariant: &'static str) -> Violation {
        let Change { at, observer, subject, before, after, .. } = self;
        let finding = format!("{observer} has {} as {after:?}, before as {before:?}", subject.url);
        Violation { at: *at, invariant, finding }
    }
}

impl Checks {
    /// Focuses on a host after an action on it.
    pub(super) fn focus_on(&mut self, host: HostId, processes: &mut [Process], hosts: &[Host]) {
        let Some(subject) = hosts.get(host.index()).filter(|_| !self.focus.contains(&Some(host))) else {
            return;
        };
        let place = self.next_focus;
        self.next_focus = (place + 1) % MAX_FOCUS;
        if let Some(slot) = self.focus.get_mut(place) {
            *slot = Some(host);
        }
        if hosts.len() > MAX_FULLY_CHECKED_HOSTS {
            for process in processes {
                let view = process.view(&subject.url);
                if let Some(held) = process.check_state.focus_views.get_mut(place) {
                    *held = view;
                }
            }
        }
    }

    pub(super) fn report(&mut self, violation: Violation) {
        self.found += 1;
        if self.violations.len() < MAX_KEPT {
            self.violations.push(violation);
        }
    }

    /// Checks a process after its step.
    pub(super) fn observe(&mut self, at: Millis, process: &mut Process, hosts: &[Host], has_news: bool) {
        let Some(Engine::Native(machine)) = &process.engine else { return };
        let Some(home) = hosts.get(process.host.index()) else { return };
        let mut check_state = std::mem::take(&mut process.check_state);
        let own = view::view(machine, &home.url);
        let is_offline = process.is_drained || process.stage == Stage::Leaving;
        self.report_all(self_truth::check(at, &home.url, is_offline, own));
        if let Some(own) = own {
            let before = check_state.own.replace(own).map_or(own.incarnation, |before| before.incarnation);
            self.refutations += u64::from(own.incarnation > before);
            self.record_own(process.host, own.incarnation);
        }
        let last_response_from = check_state.last_response_from.take();
        if hosts.len() <= MAX_FULLY_CHECKED_HOSTS {
            self.report_all(news::check(at, &home.url, &mut check_state.reader, machine));
            check_state.views.resize(hosts.len(), None);
            for (host, held) in (0..).map(HostId).zip(&mut check_state.views) {
                self.compare(at, process, hosts, host, last_response_from, held);
            }
        } else if has_news {
            for (host, held) in self.focus.into_iter().zip(&mut check_state.focus_views) {
                if let Some(host) = host {
                    self.compare(at, process, hosts, host, last_response_from, held);
                }
            }
        }
        process.check_state = check_state;
    }

    fn compare(
        &mut self,
        at: Millis,
        process: &Process,
        hosts: &[Host],
        host: HostId,
        last_response_from: Option<HostId>,
        held: &mut Option<View>,
    ) {
        let index = host.index();
        let (Some(home), Some(subject)) = (hosts.get(process.host.index()), hosts.get(index)) else { return };
        if host == process.host {
            return;
        }
        let observer = &*home.url;
        let after = process.view(&subject.url);
        let (Some(before), Some(after)) = (std::mem::replace(held, after), after) else { return };
        if before == after {
            return;
        }
        let is_change = before.status != after.status;
        self.suspicions += u64::from(is_change && after.status == Status::Suspect);
        self.deaths += u64::from(is_change && after.status == Status::Dead);
        self.returns += u64::from(!before.status.is_online() && after.status.is_online());
        if last_response_from == Some(host) {
            self.record_own(host, after.incarnation.min(before.incarnation.next()));
        }
        let highest_own = self.highest.get(index).copied().unwrap_or_default();
        let change = Change {
            at,
            observer,
            subject,
            before,
            after,
            highest_own,
            now: present(at, process.offset(at)),
        };
        let found = [
            no_resurrection::check(&change),
            monotone::check(&change),
            if self.forbids_false_death { no_false_death::check(&change) } else { None },
        ];
        self.report_all(found.into_iter().flatten());
    }

    fn record_own(&mut self, host: HostId, incarnation: Incarnation) {
        if self.highest.len() <= host.index() {
            self.highest.resize(host.index() + 1, Incarnation::NONE);
        }
        if let Some(highest) = self.highest.get_mut(host.index()) {
            *highest = incarnation.max(*highest);
        }
    }

    fn report_all(&mut self, found: impl IntoIterator<Item = Violation>) {
        found.into_iter().for_each(|violation| self.report(violation));
    }
}

pub(super) use convergence::check as convergence;

#[cfg(test)]
mod tests {
    //! Each check finds its violation.

    use super::*;
    use crate::protocol::time::Stamp;

    pub(super) fn view(status: Status, incarnation: u32, last_update: u64) -> View {
        View { status, incarnation: Incarnation(incarnation), last_update: Stamp(last_update) }
    }

    pub(super) fn change(subject: &Host, before: View, after: View) -> Change<'_> {
        Change {
            at: 60_000,
            observer: "http://a/",
            subject,
            before,
            after,
            highest_own: Incarnation(9),
            now: present(60_000, 0),
        }
    }

    pub(super) fn subject() -> Host {
        let mut host = Host::new("http://s/".into());
        host.should_be_online = true;
        host
    }

    #[test]
    fn the_focus_is_on_the_latest_hosts() {
        let hosts: Vec<Host> = (0..20).map(|_| subject()).collect();
        let mut checks = Checks::default();
        for host in [0, 1, 2, 3, 17, 18, 17, 19] {
            checks.focus_on(HostId(host), &mut [], &hosts);
        }
        let mut focus = checks.focus.map(|host| host.map(HostId::index));
        focus.sort_unstable();
        assert_eq!(focus, [Some(17), Some(18), Some(19)]);
    }
}
