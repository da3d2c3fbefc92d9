//! News and the summary of this server's state, for programs that follow them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::protocol::context::RunState;
use crate::protocol::machine::Machine;
use crate::protocol::members::member::{Member, Wire};
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Stamp};
use crate::protocol::wire::message::Entry;

pub use crate::protocol::members::roster::news::{MAX_NEWS, News, NewsCause};

/// What an engine does, as programs see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewsPhase {
    /// Its start has not resolved yet.
    Starting,
    /// It runs, and shows itself online.
    Running,
    /// It runs, and a control request has taken it offline.
    Drained,
    /// It leaves, or has left.
    Leaving,
}

/// A summary of what this server knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// What it does.
    pub phase: NewsPhase,
    /// Whether it seems to be cut off from the others.
    pub is_isolated: bool,
    /// Whether other processes speak for its URL.
    pub has_siblings: bool,
    /// The number of its latest news.
    pub view: u64,
    /// Servers shown online, suspects and itself included.
    pub online: usize,
    /// Online servers that did not answer lately.
    pub suspects: usize,
    /// Servers declared dead.
    pub dead: usize,
    /// Servers that said themselves that they are offline.
    pub left: usize,
    /// The time since the latest news.
    pub quiet_for: Duration,
}

/// What a reader is told who knows all news up to some number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missed {
    /// All servers, this one included, if older news that the reader lacks are no longer kept.
    pub servers: Vec<News>,
    /// The latest news: those that the reader lacks, or all that are kept.
    pub news: Vec<News>,
}

/// The protocol that a server speaks, as far as this one knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// That of version 2.
    Native,
    /// That of version 1.
    Legacy,
    /// No exchange has shown it yet.
    Unknown,
}

/// What this server knows of a server, itself included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portrait {
    /// Its entry in the lists.
    pub entry: Entry,
    /// Its state.
    pub status: Status,
    /// Since when it has that state, on this server's clock.
    pub since: Stamp,
    /// How this server knows of the state.
    pub cause: NewsCause,
    /// The protocol that it speaks.
    pub language: Language,
}

/// A server that an operator wants to control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Controlled {
    /// This server itself.
    Itself,
    /// Another one.
    Other {
        /// Its URL, as shown.
        base_url: Arc<str>,
        /// Whether it has exchanged messages with this server, and speaks as version 1 does.
        is_known_legacy: bool,
    },
}

impl Machine {
    /// Returns the news after the one with this number. A reader without a number is told all
    /// servers.
    pub fn missed(&self, view: Option<u64>, now: Now) -> Missed {
        let ring = &self.members.roster.news;
        if let Some(news) = view.and_then(|view| ring.since(view)) {
            return Missed { servers: Vec::new(), news };
        }
        let mut servers = Vec::with_capacity(self.other_count() + 1);
        for ((entry, status), since) in self.servers().zip(self.since(now)) {
            let since = Now { wall: since, ..now };
            servers.push(News::new(entry, [None, Some(status)], NewsCause::Known, since));
        }
        Missed { servers, news: ring.kept() }
    }

    /// Returns all servers with their states, this one first.
    pub fn servers(&self) -> impl Iterator<Item = (Entry, Status)> {
        let (own, is_online) = self.own_entry();
        let others = self.members.roster.list_entries().map(|(member, entry)| (entry, member.status()));
        std::iter::once((own, if is_online { Status::Online } else { Status::Left })).chain(others)
    }

    /// Since when the servers have their states, in the same order.
    fn since(&self, now: Now) -> impl Iterator<Item = Stamp> {
        let own = &self.own_entry().0.base_url;
        let ring = self.members.roster.news.kept();
        let own = ring.iter().rev().find(|news| *news.base_url == **own).map_or(now.wall, News::at);
        let of_member = move |member: &Member| {
            Stamp(now.wall.0.saturating_sub(member.changed_at().age(now.tick).as_millis() as u64))
        };
        std::iter::once(own).chain(self.members.roster.iter().map(move |(_, member)| of_member(member)))
    }

    /// Returns what this server knows of all servers, itself first.
    pub fn portraits(&self, now: Now) -> Vec<Portrait> {
        let ring = self.members.roster.news.kept();
        let latest: BTreeMap<&str, &News> = ring.iter().map(|news| (&*news.base_url, news)).collect();
        let own = if self.is_native() { Language::Native } else { Language::Legacy };
        let languages = self.members.roster.iter().map(|(_, member)| language_of(member));
        let servers = self.servers().zip(self.since(now)).zip(std::iter::once(own).chain(languages));
        let portrait = |(((entry, status), since), language): ((_, _), _)| {
            let entry: Entry = entry;
            let news = latest.get(&*entry.base_url).filter(|news| news.state == Some(status));
            let cause = news.map_or(NewsCause::Known, |news| news.cause);
            Portrait { entry, status, since, cause, language }
        };
        servers.map(portrait).collect()
    }

    /// Returns the server with this normalised URL, if it is shown.
    pub fn controlled(&self, identity: &str) -> Option<Controlled> {
        if *self.members.local.identity() == *identity {
            return Some(Controlled::Itself);
        }
        let member = self.members.roster.get(identity)?;
        let is_legacy = member.wire() == Wire::Legacy || !self.is_native();
        Some(Controlled::Other {
            base_url: member.base_url(identity),
            is_known_legacy: is_legacy && member.has_exchanged(),
        })
    }

    /// Returns the summary.
    pub fn summary(&self, now: Now) -> Summary {
        let Self { members, lifecycle, .. } = self;
        Summary {
            phase: self.news_phase(),
            is_isolated: members.isolation.is_cut_off(),
            has_siblings: lifecycle.own_url.has_sibling(),
            view: members.roster.news.view(),
            online: members.online_count(),
            suspects: members.roster.suspect_count(),
            dead: members.roster.dead_count(),
            left: members.left_count(),
            quiet_for: now.tick.since(members.roster.news.changed_at()),
        }
    }

    /// Returns a number that differs after news, and after any other change of the summary.
    #[inline(never)]
    pub fn news_version(&self) -> u64 {
        let flags = [self.members.isolation.is_cut_off(), self.lifecycle.own_url.has_sibling()];
        let [is_isolated, has_siblings] = flags.map(u64::from);
        self.members.roster.news.view() << 4 | is_isolated << 3 | has_siblings << 2 | self.cx.run_state as u64
    }

    pub(in crate::protocol::machine) fn news_phase(&self) -> NewsPhase {
        match self.cx.run_state {
            RunState::Starting => NewsPhase::Starting,
            RunState::Running if self.members.local.is_online() => NewsPhase::Running,
            RunState::Running => NewsPhase::Drained,
            RunState::Leaving | RunState::Gone => NewsPhase::Leaving,
        }
    }
}

fn language_of(member: &Member) -> Language {
    match member.wire() {
        Wire::Legacy => Language::Legacy,
        Wire::Unknown if !member.is_native() => Language::Unknown,
        Wire::Native | Wire::Unknown => Language::Native,
    }
}
