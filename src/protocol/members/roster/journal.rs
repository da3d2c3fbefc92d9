//! Which servers have joined, returned, left or died since the last log line, and why.
//!
//! The roster keeps it, so it misses no change of what is shown. A claim that changes nothing costs
//! nothing.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use crate::protocol::context::output::Severity;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::Tick;

/// Servers named per change and cause; the others are counted.
const MAX_NAMED_PER_CAUSE: usize = 10;
/// Servers named per line, which bounds it to some 10 kB.
const MAX_NAMED_PER_LINE: usize = 20;
/// Changes of one server kept in order within one line, which bounds the groups of a line.
const MAX_REPEATS: u8 = 8;
/// Time in which changes are collected, so that many at once make one line.
const COLLECTING_TIME: Duration = Duration::from_secs(1);

/// A change of a server, as shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::protocol) enum Change {
    Joined,
    Returned,
    Left,
    Died,
    /// It is no longer shown at all.
    Dropped,
}

/// Why a server has changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::protocol) enum Cause {
    /// The master list shows it.
    MasterList,
    /// The server itself claims it.
    SelfReported,
    /// Other servers claim it.
    #[default]
    Hearsay,
    /// It has answered this server.
    Answered,
    /// Its answer does not show it online.
    Absent,
    /// Its port is closed.
    PortClosed,
    /// It does not answer.
    Silent,
    /// Its answer is invalid.
    Unclear,
    /// Another server answers from its address.
    Replaced,
    /// Its address answers, but not with its own claim.
    Unproved,
    /// It rejects this server's secret.
    Rejected,
    /// This server may not contact it.
    NotAllowed,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Joined => "joined",
            Self::Returned => "returned",
            Self::Left => "left",
            Self::Died => "died",
            Self::Dropped => "dropped",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MasterList => "on the master list",
            Self::SelfReported => "reported by itself",
            Self::Hearsay => "reported by other servers",
            Self::Answered => "it answered",
            Self::Absent => "absent from its own list",
            Self::PortClosed => "connection refused",
            Self::Silent => "no answer",
            Self::Unclear => "invalid answer",
            Self::Replaced => "another server answers there",
            Self::Unproved => "answers, but proves nothing",
            Self::Rejected => "rejects this SHAZBOT_SECRET",
            Self::NotAllowed => "not allowed by SHAZBOT_ALLOW",
        })
    }
}

/// The number of earlier changes of the same server in the same line.
type Order = u8;

/// Changes that are not logged yet.
#[derive(Debug, Clone, Default)]
pub(in crate::protocol) struct Journal {
    /// The cause of the next changes.
    pub(in crate::protocol) cause: Cause,
    groups: BTreeMap<(Order, Change, Cause), Group>,
    /// When the first of them was recorded.
    since: Tick,
    /// Whether these servers were found at the start.
    is_start: bool,
}

/// Servers with the same change for the same cause.
#[derive(Debug, Clone, Default)]
struct Group {
    count: usize,
    named: Vec<Arc<str>>,
}

impl Journal {
    /// Records a change of what is shown about a server. `None` means that it is not known.
    pub(in crate::protocol) fn record(
        &mut self,
        identity: &Arc<str>,
        before: Option<Status>,
        after: Option<Status>,
        now: Tick,
    ) {
        let [was_online, is_online] = [before, after].map(|status| status.is_some_and(Status::is_online));
        if was_online == is_online {
            return;
        }
        let change = match (before, after) {
            (None, _) => Change::Joined,
            (_, None) => Change::Dropped,
            (_, Some(Status::Left)) => Change::Left,
            (_, Some(Status::Dead)) => Change::Died,
            (_, Some(Status::Online | Status::Suspect)) => Change::Returned,
        };
        self.add(identity, change, now);
    }

    fn add(&mut self, identity: &Arc<str>, change: Change, now: Tick) {
        if self.groups.is_empty() {
            self.since = now;
        }
        let (is_only, cause) = (self.groups.len() == 1, self.cause);
        // Changes in a burst mostly have the same cause.
        let group = match self.groups.last_entry().filter(|last| is_only && *last.key() == (0, change, cause))
        {
            Some(last) => last.into_mut(),
            None => self.groups.entry((self.order_of(identity, change), change, cause)).or_default(),
        };
        group.count += 1;
        if group.named.len() < MAX_NAMED_PER_CAUSE {
            group.named.push(Arc::clone(identity));
        }
    }

    /// Groups are logged in this order, so the latest change of a server comes last.
    fn order_of(&self, identity: &Arc<str>, change: Change) -> Order {
        let mut groups = self.groups.iter().rev();
        let before = groups.find(|((_, other, _), group)| *other != change && group.named.contains(identity));
        before.map_or(0, |((order, ..), _)| (order + 1).min(MAX_REPEATS - 1))
    }

    /// Marks the servers recorded so far, and those of the next second, as found at the start.
    pub(in crate::protocol) fn begin(&mut self, now: Tick) {
        self.is_start = !self.groups.is_empty();
        self.since = now;
    }

    /// Postpones the line, to collect more changes.
    pub(in crate::protocol) fn postpone(&mut self, now: Tick) {
        self.since = now;
    }

    pub(in crate::protocol) fn clear(&mut self) {
        self.groups.clear();
    }

    /// When the next line is due.
    pub(in crate::protocol) fn due(&self) -> Option<Tick> {
        (!self.groups.is_empty()).then(|| self.since + COLLECTING_TIME)
    }

    /// Returns the line for the log and empties the journal. Deaths make it a warning.
    pub(in crate::protocol) fn take(&mut self) -> (Severity, String) {
        let groups = std::mem::take(&mut self.groups);
        let is_start = std::mem::take(&mut self.is_start);
        let has_deaths = groups.keys().any(|(_, change, _)| *change == Change::Died);
        let mut line = "Clustershazbot:".to_owned();
        let mut room = MAX_NAMED_PER_LINE;
        for (index, ((_, change, cause), group)) in groups.iter().enumerate() {
            let separator = if index == 0 { "" } else { ";" };
            let _ = match change {
                Change::Joined if is_start => write!(line, "{separator} found at the start: "),
                _ => write!(line, "{separator} {change}: "),
            };
            let named = group.named.get(..room).unwrap_or(&group.named);
            room -= named.len();
            group.write(named, &mut line);
            let _ = write!(line, " ({cause})");
        }
        (if has_deaths { Severity::Warning } else { Severity::Info }, line)
    }
}

impl Group {
    // Writing to a string cannot fail.
    fn write(&self, named: &[Arc<str>], line: &mut String) {
        line.push_str(&named.join(", "));
        let _ = match self.count - named.len() {
            0 => Ok(()),
            rest if named.is_empty() => write!(line, "{rest} servers"),
            rest => write!(line, " and {rest} more"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(changes: &[(usize, Change, Cause)]) -> Journal {
        let mut journal = Journal::default();
        for (amount, change, cause) in changes {
            journal.cause = *cause;
            for index in 0..*amount {
                journal.add(&format!("http://{change}/{index}/").into(), *change, Tick(5));
            }
        }
        journal
    }

    #[test]
    fn one_line_contains_all_changes_with_their_causes() {
        let mut journal = journal(&[
            (1, Change::Died, Cause::PortClosed),
            (2, Change::Joined, Cause::SelfReported),
            (1, Change::Joined, Cause::MasterList),
        ]);
        assert_eq!(journal.due(), Some(Tick(1_005)));
        let (severity, line) = journal.take();
        assert_eq!(severity, Severity::Warning);
        assert_eq!(
            line,
            "Clustershazbot: joined: http://joined/0/ (on the master list); \
             joined: http://joined/0/, http://joined/1/ (reported by itself); died: http://died/0/ (connection refused)"
        );
        assert_eq!(journal.due(), None);
    }

    #[test]
    fn the_latest_change_of_a_server_comes_last() {
        let mut journal = Journal::default();
        for (change, cause) in [
            (Change::Died, Cause::PortClosed),
            (Change::Returned, Cause::SelfReported),
            (Change::Left, Cause::SelfReported),
            (Change::Returned, Cause::SelfReported),
        ] {
            journal.cause = cause;
            journal.add(&"http://a/".into(), change, Tick(5));
        }
        assert_eq!(
            journal.take().1,
            "Clustershazbot: died: http://a/ (connection refused); returned: http://a/ (reported by itself); \
             left: http://a/ (reported by itself); returned: http://a/ (reported by itself)"
        );
        for _ in 0..1_000 {
            journal.add(&"http://a/".into(), Change::Died, Tick(5));
            journal.add(&"http://a/".into(), Change::Returned, Tick(5));
        }
        assert!(journal.groups.len() < 2 * usize::from(MAX_REPEATS));
    }

    #[test]
    fn a_line_is_bounded() {
        let causes = [Cause::MasterList, Cause::SelfReported, Cause::Hearsay];
        let (severity, line) = journal(&causes.map(|cause| (1_000, Change::Joined, cause))).take();
        assert_eq!(severity, Severity::Info);
        assert_eq!(line.matches("http://").count(), MAX_NAMED_PER_LINE);
        assert_eq!(line.matches(" and 990 more (").count(), 2);
        assert!(line.ends_with("joined: 1000 servers (reported by other servers)"), "{line}");
    }

    #[test]
    fn servers_found_at_the_start_did_not_join() {
        let mut journal = journal(&[(1, Change::Joined, Cause::MasterList)]);
        journal.begin(Tick(100));
        assert_eq!(journal.due(), Some(Tick(1_100)));
        journal.add(&"http://b/".into(), Change::Joined, Tick(200));
        assert_eq!(
            journal.take().1,
            "Clustershazbot: found at the start: http://joined/0/, http://b/ (on the master list)"
        );
        journal.add(&"http://c/".into(), Change::Joined, Tick(2_000));
        assert!(journal.take().1.starts_with("Clustershazbot: joined: http://c/"));
    }
}
