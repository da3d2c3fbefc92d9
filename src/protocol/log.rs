//! What is written to the log, and how often.

use std::collections::BTreeSet;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use super::intake::Rejection;
use super::machine::Machine;
use super::output::{Event, Severity};
use super::time::Tick;

/// The same failure of the same peer is told at most so often.
const QUIET: Duration = Duration::from_secs(60);
/// So many different failures are remembered; in a wider outage repeats may come earlier.
const MAX_REMEMBERED: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct Told {
    failures: IndexMap<String, Tick, FixedState>,
    rejections: BTreeSet<Rejection>,
}

impl Machine {
    pub(super) fn log_failure(&mut self, message: String, reason: &str, now: Tick) {
        self.log_seldom(Severity::Error, message, Some(reason.to_owned()), now);
    }

    /// The same message is told again only after a while.
    pub(super) fn log_seldom(
        &mut self,
        severity: Severity,
        message: String,
        reason: Option<String>,
        now: Tick,
    ) {
        let failures = &mut self.told.failures;
        if failures.get(&message).is_some_and(|at| now.since(*at) < QUIET) {
            return;
        }
        if failures.len() >= MAX_REMEMBERED {
            failures.retain(|_, at| now.since(*at) < QUIET);
            failures.truncate(MAX_REMEMBERED - 1);
        }
        failures.insert(message.clone(), now);
        self.events.push_back(Event::Log { severity, message, reason });
    }

    /// Each kind of rejection is told once.
    pub(super) fn log_rejection(&mut self, rejection: Rejection) {
        if self.told.rejections.insert(rejection) {
            let message = format!("Clustershazbot ignores what it can't use: {rejection}");
            self.events.push_back(Event::Log { severity: Severity::Warning, message, reason: None });
        }
    }
}
