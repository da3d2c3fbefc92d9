//! What is written to the log, and how often.

use std::collections::BTreeSet;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use crate::protocol::context::Context;
use crate::protocol::context::output::{Event, Severity};
use crate::protocol::context::rate_limit::TokenBucket;
use crate::protocol::types::limits::Rejection;
use crate::protocol::types::text::printable::printable;
use crate::protocol::types::time::Tick;

/// The same failure of the same peer is told at most so often.
const QUIET: Duration = Duration::from_secs(60);
/// So many different failures are remembered; in a wider outage repeats may come earlier.
pub(in crate::protocol) const MAX_REMEMBERED: usize = 1_000;
/// Lines of one severity that may be told at once, whatever they are about.
const LINES: u64 = 20;
/// One more line is allowed after each of these pauses, in milliseconds: 20 lines a minute can still be read.
const LINE_MS: u64 = 3_000;
/// Lines about joins, deaths, leaves and returns that may be told at once, one a second.
const CHANGES: u64 = 30;
/// Afterwards one line for each of these pauses, in milliseconds, collects them.
const CHANGES_MS: u64 = 10_000;

#[derive(Debug, Default)]
pub(in crate::protocol) struct LogThrottle {
    failures: IndexMap<String, Tick, FixedState>,
    rejections: BTreeSet<Rejection>,
    errors: TokenBucket<LINES, LINE_MS>,
    warnings: TokenBucket<LINES, LINE_MS>,
    changes: TokenBucket<CHANGES, CHANGES_MS>,
    /// How many lines were too many, and when the first of them was.
    left_out: Option<(usize, Tick)>,
}

impl LogThrottle {
    /// Whether this message was told within the last minute.
    fn is_repeated(&self, message: &str, now: Tick) -> bool {
        self.failures.get(message).is_some_and(|at| now.since(*at) < QUIET)
    }

    fn remember(&mut self, message: &str, now: Tick) {
        if self.failures.len() >= MAX_REMEMBERED {
            self.failures.retain(|_, at| now.since(*at) < QUIET);
            self.failures.truncate(MAX_REMEMBERED - 1);
        }
        self.failures.insert(message.to_owned(), now);
    }

    /// Whether one line more may be told now; counts it otherwise.
    fn has_room(&mut self, severity: Severity, now: Tick) -> bool {
        let allowance = if severity == Severity::Error { &mut self.errors } else { &mut self.warnings };
        let has_room = allowance.take(1, now) > 0;
        if !has_room {
            self.left_out.get_or_insert((0, now)).0 += 1;
        }
        has_room
    }

    /// When the number of lines left out is told.
    pub(in crate::protocol) fn summary_due(&self) -> Option<Tick> {
        self.left_out.map(|(_, since)| since + QUIET)
    }

    /// Takes out the number of lines left out, if it is due.
    fn take_left_out(&mut self, now: Tick) -> Option<usize> {
        self.left_out.take_if(|(_, since)| now.since(*since) >= QUIET).map(|(count, _)| count)
    }

    /// Whether a line about joins, deaths, leaves and returns may be told now.
    pub(in crate::protocol) fn may_tell_changes(&mut self, now: Tick) -> bool {
        self.changes.take(1, now) > 0
    }

    pub(in crate::protocol) fn failure_count(&self) -> usize {
        self.failures.len()
    }
}

impl Context {
    /// A failure that others can cause, under as many names as they like.
    pub(in crate::protocol) fn log_failure(&mut self, message: String, reason: &str, now: Tick) {
        self.log_seldom(Severity::Error, message, Some(reason.to_owned()), now);
    }

    /// A failure that concerns this server alone, which no failures of others keep out of the log.
    pub(in crate::protocol) fn log_own_failure(&mut self, message: String, reason: &str, now: Tick) {
        if !self.log.is_repeated(&message, now) {
            self.log.remember(&message, now);
            self.log(Severity::Error, &message, Some(reason));
        }
    }

    /// The same message is told again only after a while, and of different ones no more than can be read.
    pub(in crate::protocol) fn log_seldom(
        &mut self,
        severity: Severity,
        message: String,
        reason: Option<String>,
        now: Tick,
    ) {
        if !self.log.is_repeated(&message, now) && self.log.has_room(severity, now) {
            self.log.remember(&message, now);
            self.log(severity, &message, reason.as_deref());
        }
    }

    /// A warning that concerns this server alone; whoever calls this sees to it that it is told once.
    pub(in crate::protocol) fn warn(&mut self, message: &str) {
        self.log(Severity::Warning, message, None);
    }

    /// Each kind of rejection is told once.
    pub(in crate::protocol) fn log_rejection(&mut self, rejection: Rejection) {
        if self.log.rejections.insert(rejection) {
            let message = format!("Clustershazbot ignores what it can't use: {rejection}");
            self.log(Severity::Warning, &message, None);
        }
    }

    pub(in crate::protocol) fn log(&mut self, severity: Severity, message: &str, reason: Option<&str>) {
        self.events.push_back(Event::Log {
            severity,
            message: printable(message),
            reason: reason.map(printable),
        });
    }

    /// Tells how many lines were left out, if that is due.
    pub(in crate::protocol) fn log_left_out(&mut self, now: Tick) {
        if let Some(count) = self.log.take_left_out(now) {
            let seconds = QUIET.as_secs();
            let message =
                format!("Clustershazbot left out {count} more lines like these in the last {seconds} s");
            self.log(Severity::Warning, &message, None);
        }
    }
}
