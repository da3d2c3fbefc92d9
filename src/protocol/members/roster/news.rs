//! The latest news: how the states of servers have changed, for programs that follow them.
//!
//! All changes of a state are recorded here, by one function. Nobody who follows them costs memory:
//! a reader has the number of the news that it was told last.

use std::sync::Arc;

use crate::protocol::members::roster::change_counts::ChangeCounts;
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::members::roster::news::kept::KeptNews;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Stamp, Tick};
use crate::protocol::wire::message::Entry;

mod kept;

/// News kept. With URLs of 200 bytes, they take at most 256 kB. A reader that has missed more is
/// told the difference instead.
pub const MAX_NEWS: usize = 1_024;

/// The state of a server before and after a change. `None` means that it is not shown at all.
pub(in crate::protocol) type StateChange = [Option<Status>; 2];

/// How this server knows of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewsCause {
    /// It has asked the server.
    Answered,
    /// The server itself has told it.
    Said,
    /// The server's port is closed, or rejects it.
    Refused,
    /// The server gives no valid answer.
    Silent,
    /// Other servers claim it.
    Rumour,
    /// The master list names the server.
    List,
    /// A control request to this server.
    Control,
    /// The server's tombstone has expired.
    Age,
    /// The cause is not kept.
    Known,
}

impl From<Cause> for NewsCause {
    #[inline]
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::MasterList => Self::List,
            Cause::SelfReported => Self::Said,
            Cause::Hearsay => Self::Rumour,
            Cause::Answered | Cause::Absent => Self::Answered,
            Cause::PortClosed | Cause::Replaced | Cause::Rejected | Cause::NotAllowed => Self::Refused,
            Cause::Silent | Cause::Unclear | Cause::Unproved => Self::Silent,
        }
    }
}

/// A change of the state of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// The URL of the server, as shown.
    pub base_url: Arc<str>,
    stamp: ShortStamp,
    at: ShortStamp,
    /// Its state before; `None` if it was not shown.
    pub previous: Option<Status>,
    /// Its state; `None` if it is no longer shown.
    pub state: Option<Status>,
    /// How this server knows.
    pub cause: NewsCause,
    /// Whether the server is a monitor.
    pub monitor: bool,
}

impl News {
    #[inline]
    pub(in crate::protocol) fn new(entry: Entry, change: StateChange, cause: NewsCause, now: Now) -> Self {
        let facts = Facts::new(&entry, change, cause, now);
        Self::of(entry.base_url.into(), facts)
    }

    fn of(base_url: Arc<str>, facts: Facts) -> Self {
        let Facts { stamp, at, change: [previous, state], cause, monitor } = facts;
        Self { base_url, stamp, at, previous, state, cause, monitor }
    }

    /// The stamp of the server at that time.
    pub fn stamp(&self) -> Stamp {
        self.stamp.into()
    }

    /// The time of the change, on this server's clock.
    pub fn at(&self) -> Stamp {
        self.at.into()
    }
}

/// News without the URL.
#[derive(Debug, Clone, Copy)]
struct Facts {
    stamp: ShortStamp,
    at: ShortStamp,
    change: StateChange,
    cause: NewsCause,
    monitor: bool,
}

impl Facts {
    #[inline]
    fn new(entry: &Entry, change: StateChange, cause: NewsCause, now: Now) -> Self {
        let (stamp, at) = (entry.last_update.into(), now.wall.into());
        Self { stamp, at, change, cause, monitor: entry.monitor }
    }
}

/// A stamp in six bytes, enough for the next 8,000 years; later ones are shown as the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ShortStamp([u8; 6]);

impl From<Stamp> for ShortStamp {
    #[inline]
    fn from(stamp: Stamp) -> Self {
        const LATEST: u64 = (1 << 48) - 1;
        let [bytes @ .., _, _] = stamp.0.min(LATEST).to_le_bytes();
        Self(bytes)
    }
}

impl From<ShortStamp> for Stamp {
    fn from(ShortStamp([a, b, c, d, e, f]): ShortStamp) -> Self {
        Self(u64::from_le_bytes([a, b, c, d, e, f, 0, 0]))
    }
}

/// The latest news in order, numbered from 1 without gaps.
#[derive(Debug, Default)]
pub(in crate::protocol) struct NewsRing {
    latest: KeptNews<Facts>,
    /// The number of all news so far.
    view: u64,
    changed_at: Tick,
    counts: ChangeCounts,
}

impl NewsRing {
    /// Records a change of the state of a server. Nothing else adds news.
    pub(in crate::protocol) fn record(
        &mut self,
        entry: Entry,
        change: StateChange,
        cause: NewsCause,
        now: Now,
    ) {
        let [before, after] = change;
        self.changed_at = now.tick;
        if after == Some(Status::Suspect) && before != Some(Status::Online) {
            return self.record_unknown_suspect(entry, before, cause, now);
        }
        self.counts.record(change, cause);
        self.push(&entry.base_url, Facts::new(&entry, change, cause, now));
    }

    /// A server that is a suspect when it becomes known has come and has then fallen silent.
    #[cold]
    fn record_unknown_suspect(&mut self, entry: Entry, before: Option<Status>, cause: NewsCause, now: Now) {
        let [online, suspect] = [Some(Status::Online), Some(Status::Suspect)];
        self.record(entry.clone(), [before, online], cause, now);
        self.record(entry, [online, suspect], cause, now);
    }

    #[inline]
    fn push(&mut self, base_url: &str, facts: Facts) {
        self.view += 1;
        if self.latest.len() == MAX_NEWS {
            self.latest.drop_oldest();
        }
        self.latest.push(base_url, facts);
    }

    /// The number of the latest news.
    pub(in crate::protocol) fn view(&self) -> u64 {
        self.view
    }

    /// When the latest news came.
    pub(in crate::protocol) fn changed_at(&self) -> Tick {
        self.changed_at
    }

    /// How often the states of servers have changed.
    pub(in crate::protocol) fn counts(&self) -> &ChangeCounts {
        &self.counts
    }

    /// The news after the one with this number; `None` if some of them are no longer kept.
    pub(in crate::protocol) fn since(&self, view: u64) -> Option<Vec<News>> {
        let missed = usize::try_from(self.view.saturating_sub(view)).ok()?;
        let kept = (missed <= self.latest.len()).then(|| self.latest.latest(missed))?;
        Some(kept.into_iter().map(|(base_url, facts)| News::of(base_url, facts)).collect())
    }

    /// All news that are kept.
    pub(in crate::protocol) fn kept(&self) -> Vec<News> {
        self.since(self.view - self.latest.len() as u64).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Now = Now { tick: Tick(7), wall: Stamp(1_900_000_000_123) };

    fn record(ring: &mut NewsRing, url: &str, change: StateChange) {
        let entry = Entry { base_url: url.into(), monitor: false, last_update: NOW.wall };
        ring.record(entry, change, NewsCause::Said, NOW);
    }

    fn told(ring: &NewsRing, view: u64) -> Option<Vec<String>> {
        let tell = |news: &News| format!("{} {:?} {:?}", news.base_url, news.previous, news.state);
        Some(ring.since(view)?.iter().map(tell).collect())
    }

    #[test]
    fn news_are_small() {
        let mut ring = NewsRing::default();
        let url = "x".repeat(200);
        (0..3 * MAX_NEWS).for_each(|_| record(&mut ring, &url, [None, Some(Status::Online)]));
        assert!(ring.latest.bytes() <= 256 << 10, "{}", ring.latest.bytes());
    }

    #[test]
    fn news_have_the_time_and_the_stamp() {
        let mut ring = NewsRing::default();
        record(&mut ring, "http://a/", [None, Some(Status::Online)]);
        let news = &ring.kept()[0];
        assert_eq!((news.stamp(), news.at(), ring.changed_at()), (NOW.wall, NOW.wall, NOW.tick));
        assert_eq!(Stamp::from(ShortStamp::from(Stamp(u64::MAX))).0, (1 << 48) - 1);
    }

    #[test]
    fn a_reader_is_told_what_it_has_missed() {
        let mut ring = NewsRing::default();
        record(&mut ring, "a", [None, Some(Status::Online)]);
        record(&mut ring, "b", [None, Some(Status::Dead)]);
        assert_eq!(told(&ring, 1).unwrap(), ["b None Some(Dead)"]);
        assert_eq!(told(&ring, 2).unwrap(), [""; 0]);
        assert_eq!(told(&ring, 9).unwrap(), [""; 0], "the number of another engine");
    }

    #[test]
    fn old_news_are_no_longer_kept() {
        let mut ring = NewsRing::default();
        for number in 0..=MAX_NEWS {
            record(&mut ring, &format!("http://{number}/"), [None, Some(Status::Online)]);
        }
        assert_eq!((ring.view(), ring.kept().len()), (MAX_NEWS as u64 + 1, MAX_NEWS));
        assert!(told(&ring, 0).is_none());
        let expected: Vec<_> =
            (1..=MAX_NEWS).map(|number| format!("http://{number}/ None Some(Online)")).collect();
        assert_eq!(told(&ring, 1).unwrap(), expected);
    }

    #[test]
    fn an_unknown_suspect_has_come_before() {
        let mut ring = NewsRing::default();
        record(&mut ring, "a", [Some(Status::Dead), Some(Status::Suspect)]);
        record(&mut ring, "a", [Some(Status::Suspect), Some(Status::Online)]);
        assert_eq!(
            told(&ring, 0).unwrap(),
            ["a Some(Dead) Some(Online)", "a Some(Online) Some(Suspect)", "a Some(Suspect) Some(Online)"]
        );
    }
}
