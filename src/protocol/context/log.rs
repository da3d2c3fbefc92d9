//! What is written to the log, and how often.

use std::collections::BTreeSet;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use crate::protocol::context::output::{Event, Severity};
use crate::protocol::context::rate_limit::TokenBucket;
use crate::protocol::machine::Machine;
use crate::protocol::types::limits::Rejection;
use crate::protocol::types::text::printable::printable;
use crate::protocol::types::time::{Now, Tick};

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
}

impl LogThrottle {
    pub(in crate::protocol) fn failure_count(&self) -> usize {
        self.failures.len()
    }
}

impl Machine {
    /// A failure that others can cause, under as many names as they like.
    pub(in crate::protocol) fn log_failure(&mut self, message: String, reason: &str, now: Tick) {
        self.log_seldom(Severity::Error, message, Some(reason.to_owned()), now);
    }

    /// A failure that concerns this server alone, which no failures of others keep out of the log.
    pub(in crate::protocol) fn log_own_failure(&mut self, message: String, reason: &str, now: Tick) {
        if !self.cx.log.is_repeated(&message, now) {
            self.cx.log.remember(&message, now);
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
        if !self.cx.log.is_repeated(&message, now) && self.cx.log.has_room(severity, now) {
            self.cx.log.remember(&message, now);
            self.log(severity, &message, reason.as_deref());
        }
    }

    /// A warning that concerns this server alone; whoever calls this sees to it that it is told once.
    pub(in crate::protocol) fn warn(&mut self, message: &str) {
        self.log(Severity::Warning, message, None);
    }

    /// Each kind of rejection is told once.
    pub(in crate::protocol) fn log_rejection(&mut self, rejection: Rejection) {
        if self.cx.log.rejections.insert(rejection) {
            let message = format!("Clustershazbot ignores what it can't use: {rejection}");
            self.log(Severity::Warning, &message, None);
        }
    }

    /// What the log is to be told by and by, and when. Until the start is done, changes are only collected; a server that
    /// leaves has no more to tell about others.
    pub(in crate::protocol) fn log_due(&self) -> Option<Tick> {
        if !self.lifecycle.phase.is_running() {
            return None;
        }
        let summary = self.cx.log.left_out.map(|(_, since)| since + QUIET);
        self.members.roster.journal.due().into_iter().chain(summary).min()
    }

    /// Tells the log what is due.
    pub(in crate::protocol) fn tell_log(&mut self, now: Now) {
        if self.members.roster.journal.due().is_some_and(|due| due <= now.tick) {
            self.tell_changes(now.tick);
        }
        if let Some((count, _)) = self.cx.log.left_out.take_if(|(_, since)| now.tick.since(*since) >= QUIET) {
            let seconds = QUIET.as_secs();
            let message =
                format!("Clustershazbot left out {count} more lines like these in the last {seconds} s");
            self.log(Severity::Warning, &message, None);
        }
    }

    fn tell_changes(&mut self, now: Tick) {
        if self.cx.log.changes.take(1, now) == 0 {
            return self.members.roster.journal.wait(now);
        }
        let (severity, message) = self.members.roster.journal.take();
        self.cx.events.push_back(Event::Log { severity, message, reason: None });
    }

    pub(in crate::protocol) fn log(&mut self, severity: Severity, message: &str, reason: Option<&str>) {
        self.cx.events.push_back(Event::Log {
            severity,
            message: printable(message),
            reason: reason.map(printable),
        });
    }
}
