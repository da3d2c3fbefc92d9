//! The log, and how often it repeats a line.

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

/// Minimum time between two identical lines.
const REPEAT_PAUSE: Duration = Duration::from_secs(60);
/// Lines remembered to suppress their repetition. In a wider outage, lines may repeat earlier.
pub(in crate::protocol) const MAX_REMEMBERED_LINES: usize = 1_000;
/// Lines of one severity that may be logged at once, whatever they are about.
const LINE_BURST: u64 = 20;
/// Time until one more line may be logged, in milliseconds: 20 lines a minute are still readable.
const LINE_PERIOD_MS: u64 = 3_000;
/// Lines about joins, deaths, leaves and returns in a burst, at most one per second.
const CHANGE_BURST: u64 = 30;
/// Time until one more such line may be logged, in milliseconds. It lists all changes of that time.
const CHANGE_PERIOD_MS: u64 = 10_000;

/// Remembers what was logged, to limit the rate of lines.
#[derive(Debug, Default)]
pub(in crate::protocol) struct LogThrottle {
    failures: IndexMap<String, Tick, FixedState>,
    rejections: BTreeSet<Rejection>,
    errors: TokenBucket<LINE_BURST, LINE_PERIOD_MS>,
    warnings: TokenBucket<LINE_BURST, LINE_PERIOD_MS>,
    changes: TokenBucket<CHANGE_BURST, CHANGE_PERIOD_MS>,
    /// The number of lines dropped, and when the first of them was.
    dropped: Option<(usize, Tick)>,
}

impl LogThrottle {
    /// Whether this message was logged within the last minute.
    fn is_repeated(&self, message: &str, now: Tick) -> bool {
        self.failures.get(message).is_some_and(|at| now.since(*at) < REPEAT_PAUSE)
    }

    fn remember(&mut self, message: &str, now: Tick) {
        if self.failures.len() >= MAX_REMEMBERED_LINES {
            self.failures.retain(|_, at| now.since(*at) < REPEAT_PAUSE);
            self.failures.truncate(MAX_REMEMBERED_LINES - 1);
        }
        self.failures.insert(message.to_owned(), now);
    }

    /// Returns whether one more line may be logged now; counts it as dropped otherwise.
    fn try_take_line(&mut self, severity: Severity, now: Tick) -> bool {
        let bucket = if severity == Severity::Error { &mut self.errors } else { &mut self.warnings };
        let has_room = bucket.take(1, now) > 0;
        if !has_room {
            self.dropped.get_or_insert((0, now)).0 += 1;
        }
        has_room
    }

    /// When the number of dropped lines is logged.
    pub(in crate::protocol) fn summary_due(&self) -> Option<Tick> {
        self.dropped.map(|(_, since)| since + REPEAT_PAUSE)
    }

    /// Removes and returns the number of dropped lines, if it is due.
    fn take_dropped(&mut self, now: Tick) -> Option<usize> {
        self.dropped.take_if(|(_, since)| now.since(*since) >= REPEAT_PAUSE).map(|(count, _)| count)
    }

    /// Returns whether a line about joins, deaths, leaves and returns may be logged now, and counts
    /// it.
    pub(in crate::protocol) fn try_log_changes(&mut self, now: Tick) -> bool {
        self.changes.take(1, now) > 0
    }

    pub(in crate::protocol) fn failure_count(&self) -> usize {
        self.failures.len()
    }
}

impl Context {
    /// Logs a failure that others can cause, under any number of names.
    pub(in crate::protocol) fn log_failure(&mut self, message: String, reason: &str, now: Tick) {
        self.log_throttled(Severity::Error, message, Some(reason.to_owned()), now);
    }

    /// Logs a failure of this server itself, which failures of others cannot suppress.
    pub(in crate::protocol) fn log_own_failure(&mut self, message: String, reason: &str, now: Tick) {
        if !self.log.is_repeated(&message, now) {
            self.log.remember(&message, now);
            self.log(Severity::Error, &message, Some(reason));
        }
    }

    /// Logs a message, unless it was logged within the last minute or too many others were.
    pub(in crate::protocol) fn log_throttled(
        &mut self,
        severity: Severity,
        message: String,
        reason: Option<String>,
        now: Tick,
    ) {
        if !self.log.is_repeated(&message, now) && self.log.try_take_line(severity, now) {
            self.log.remember(&message, now);
            self.log(severity, &message, reason.as_deref());
        }
    }

    /// Logs a warning about this server itself. The caller ensures that it is logged once.
    pub(in crate::protocol) fn warn(&mut self, message: &str) {
        self.log(Severity::Warning, message, None);
    }

    /// Counts a rejected claim, and logs each kind of rejection once.
    pub(in crate::protocol) fn log_rejection(&mut self, rejection: Rejection) {
        self.log_rejections(rejection, 1);
    }

    /// The same for this number of claims, at least one.
    pub(in crate::protocol) fn log_rejections(&mut self, rejection: Rejection, claims: usize) {
        self.refused.count(rejection, claims);
        if self.log.rejections.insert(rejection) {
            let message = format!("Clustershazbot ignores invalid input: {rejection}");
            self.log(Severity::Warning, &message, None);
        }
    }

    /// The same, with the first base URL that was rejected.
    pub(in crate::protocol) fn log_rejection_of(&mut self, rejection: Rejection, base_url: &str) {
        self.refused.count(rejection, 1);
        if self.log.rejections.insert(rejection) {
            self.warn(&format!("Clustershazbot ignores {rejection}, such as {base_url}"));
        }
    }

    pub(in crate::protocol) fn log(&mut self, severity: Severity, message: &str, reason: Option<&str>) {
        self.events.push_back(Event::Log {
            severity,
            message: printable(message),
            reason: reason.map(printable),
        });
    }

    /// Logs the number of dropped lines, if that is due.
    pub(in crate::protocol) fn log_dropped(&mut self, now: Tick) {
        if let Some(count) = self.log.take_dropped(now) {
            let seconds = REPEAT_PAUSE.as_secs();
            let message =
                format!("Clustershazbot left out {count} more lines like these in the last {seconds} s");
            self.log(Severity::Warning, &message, None);
        }
    }
}
