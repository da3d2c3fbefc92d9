//! A world with one machine among fake peers, for most scenarios.

use super::fakes::Fake;
use super::world::{EPOCH, Sent, What, World, config};
use crate::protocol::ExchangeId;
use crate::protocol::context::config::Config;
use crate::protocol::context::output::{Event, Severity};
use crate::protocol::types::time::Stamp;
use crate::protocol::wire::message::{Entry, Lists, ReceivedEntry, ReceivedLists, Reply};

/// The machine under test.
pub(super) const ME: &str = "http://me/";
pub(super) const A: &str = "http://a/";
pub(super) const B: &str = "http://b/";
pub(super) const C: &str = "http://c/";

/// How the machine under test lists a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listed {
    Online(u64),
    Offline(u64),
    Unknown,
}

pub(super) fn entry(url: &str, stamp: u64) -> Entry {
    Entry { base_url: url.into(), monitor: false, last_update: Stamp(stamp) }
}

pub(super) fn entries(claims: &[(&str, u64)]) -> Vec<Entry> {
    claims.iter().map(|(url, stamp)| entry(url, *stamp)).collect()
}

pub(super) fn lists(online: &[(&str, u64)], offline: &[(&str, u64)]) -> Lists {
    Lists { online: entries(online), offline: entries(offline) }
}

pub(super) fn received(lists: &Lists) -> ReceivedLists<'static> {
    let convert = |entries: &[Entry]| {
        let convert = |entry: &Entry| ReceivedEntry {
            base_url: entry.base_url.to_string().into(),
            monitor: entry.monitor,
            last_update: entry.last_update.0 as f64,
        };
        entries.iter().map(convert).collect()
    };
    ReceivedLists { online: convert(&lists.online), offline: convert(&lists.offline), malformed: 0 }
}

impl World {
    /// A machine that has started alone.
    pub(super) fn alone() -> Self {
        Self::with(|_| {})
    }

    /// A machine that has started alone with a changed configuration.
    pub(super) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut world = Self::new(7);
        let mut config = config(ME);
        change(&mut config);
        world.start(config, 0);
        world.run_for(100);
        assert!(world.has_started());
        world
    }

    /// A machine among peers that are online and have just answered it.
    pub(super) fn among(peers: &[&str]) -> Self {
        let mut world = Self::alone();
        for peer in peers {
            world.find_alive(peer);
        }
        world
    }

    /// Makes a peer known and found alive first-hand.
    pub(super) fn find_alive(&mut self, peer: &str) {
        self.fakes.insert(peer.to_owned(), Fake::Online);
        let wall = self.wall();
        self.receive(&[(peer, wall)], &[]);
        self.run_for(1_000);
        assert!(self.is_online(peer));
        assert!(self.nodes[ME].machine.members().roster.get(peer).unwrap().has_answered());
        self.sent.clear();
    }

    /// Makes a peer known and found dead first-hand.
    pub(super) fn find_dead(&mut self, peer: &str) {
        self.fakes.insert(peer.to_owned(), Fake::Refuses);
        let wall = self.wall();
        self.receive(&[(peer, wall - 60_000)], &[]);
        self.run_for(5_000);
        assert!(!self.is_online(peer));
        self.sent.clear();
    }

    pub(super) fn set_fake(&mut self, peer: &str, fake: Fake) {
        self.fakes.insert(peer.to_owned(), fake);
    }

    pub(super) fn wall(&self) -> u64 {
        EPOCH + self.tick
    }

    /// Receives a gossip request, and returns the answer.
    pub(super) fn receive(&mut self, online: &[(&str, u64)], offline: &[(&str, u64)]) -> Lists {
        self.receive_lists(&lists(online, offline))
    }

    pub(super) fn receive_lists(&mut self, lists: &Lists) -> Lists {
        self.act(ME, |machine, now| {
            machine.handle_request(now, &received(lists));
            machine.lists()
        })
    }

    pub(super) fn control(&mut self, online: bool) {
        self.act(ME, |machine, now| machine.handle_control(now, online));
    }

    pub(super) fn leave(&mut self) {
        self.act(ME, |machine, now| machine.handle_leave(now));
    }

    pub(super) fn listed(&self, url: &str) -> Listed {
        let lists = self.nodes[ME].machine.lists();
        let stamp = |entries: &[Entry]| {
            entries.iter().find(|entry| &*entry.base_url == url).map(|entry| entry.last_update.0)
        };
        match (stamp(&lists.online), stamp(&lists.offline)) {
            (Some(stamp), _) => Listed::Online(stamp),
            (_, Some(stamp)) => Listed::Offline(stamp),
            _ => Listed::Unknown,
        }
    }

    pub(super) fn is_online(&self, url: &str) -> bool {
        matches!(self.listed(url), Listed::Online(_))
    }

    pub(super) fn stamp(&self, url: &str) -> u64 {
        match self.listed(url) {
            Listed::Online(stamp) | Listed::Offline(stamp) => stamp,
            Listed::Unknown => panic!("{url} is unknown"),
        }
    }

    pub(super) fn has_started(&self) -> bool {
        self.nodes[ME].events.contains(&Event::Started)
    }

    pub(super) fn has_shut_down(&self) -> bool {
        self.nodes[ME].events.contains(&Event::ShutDown)
    }

    pub(super) fn logs(&self, severity: Severity) -> Vec<String> {
        let text = |event: &Event| match event {
            Event::Log { severity: found, message, .. } if *found == severity => Some(message.clone()),
            _ => None,
        };
        self.nodes[ME].events.iter().filter_map(text).collect()
    }

    pub(super) fn sent_to(&self, url: &str) -> Vec<&Sent> {
        self.sent.iter().filter(|sent| sent.to == url).collect()
    }

    /// The gossip sent to a peer, with its times.
    pub(super) fn gossip_to(&self, url: &str) -> Vec<(u64, &Lists)> {
        let gossip = |sent: &Sent| matches!(sent.what, What::Gossip(_)) && sent.to == url;
        let lists = |sent| match sent {
            &Sent { at, what: What::Gossip(ref lists), .. } => Some((at, lists)),
            _ => None,
        };
        self.sent.iter().filter(|sent| gossip(sent)).filter_map(lists).collect()
    }

    /// The times at which a peer was asked for its list.
    pub(super) fn inquiries_to(&self, url: &str) -> Vec<u64> {
        self.sent_to(url).iter().filter(|sent| matches!(sent.what, What::Inquire)).map(|s| s.at).collect()
    }

    /// The times of all downloads.
    pub(super) fn downloads(&self) -> Vec<u64> {
        self.sent.iter().filter(|sent| matches!(sent.what, What::Download)).map(|s| s.at).collect()
    }

    pub(super) fn uploads(&self) -> Vec<(&str, &crate::protocol::wire::document::Condition)> {
        let upload = |sent| match sent {
            &Sent { what: What::Upload(ref body, ref condition), .. } => Some((&**body, condition)),
            _ => None,
        };
        self.sent.iter().filter_map(upload).collect()
    }

    /// The pauses between uploads.
    pub(super) fn upload_pauses(&self) -> Vec<u64> {
        let is_upload = |sent: &&Sent| matches!(sent.what, What::Upload(..));
        let at: Vec<u64> = self.sent.iter().filter(is_upload).map(|sent| sent.at).collect();
        at.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// The last request to a held peer.
    pub(super) fn last_to(&self, url: &str) -> ExchangeId {
        self.sent_to(url).last().expect("nothing was sent").id
    }

    /// Answers for a held peer.
    pub(super) fn answer(&mut self, id: ExchangeId, online: &[(&str, u64)], offline: &[(&str, u64)]) {
        self.reply(ME, id, &Reply::Lists(received(&lists(online, offline))));
    }

    pub(super) fn fail(&mut self, id: ExchangeId) {
        self.reply(ME, id, &Reply::Failure("refused".to_owned()));
    }
}
