//! A world with one machine among fake peers, for most scenarios.

use super::fakes::Fake;
use super::world::{EPOCH, Sent, What, World, config};
use crate::protocol::ExchangeId;
use crate::protocol::context::config::Config;
use crate::protocol::context::output::{Event, Severity};
use crate::protocol::types::status::Control;
use crate::protocol::types::time::Stamp;
use crate::protocol::wire::message::{Entry, Lists, ReceivedEntry, ReceivedLists, Reply};

/// The machine under test.
pub(in crate::protocol::tests) const ME: &str = "http://me/";
pub(in crate::protocol::tests) const A: &str = "http://a/";
pub(in crate::protocol::tests) const B: &str = "http://b/";
pub(in crate::protocol::tests) const C: &str = "http://c/";

/// How the machine under test lists a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol::tests) enum Listed {
    Online(u64),
    Offline(u64),
    Unknown,
}

pub(in crate::protocol::tests) fn entry(url: &str, stamp: u64) -> Entry {
    Entry { base_url: url.into(), monitor: false, last_update: Stamp(stamp) }
}

pub(in crate::protocol::tests) fn entries(claims: &[(&str, u64)]) -> Vec<Entry> {
    claims.iter().map(|(url, stamp)| entry(url, *stamp)).collect()
}

pub(in crate::protocol::tests) fn lists(online: &[(&str, u64)], offline: &[(&str, u64)]) -> Lists {
    Lists { online: entries(online), offline: entries(offline) }
}

pub(in crate::protocol::tests) fn received(lists: &Lists) -> ReceivedLists<'static> {
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
    pub(in crate::protocol::tests) fn alone() -> Self {
        Self::with(|_| {})
    }

    /// A machine that has started alone with a changed configuration.
    pub(in crate::protocol::tests) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut world = Self::new(7);
        let mut config = config(ME);
        change(&mut config);
        world.start(config, 0);
        world.run_for(100);
        assert!(world.has_started());
        world
    }

    /// A machine among peers that are online and have just answered it.
    pub(in crate::protocol::tests) fn among(peers: &[&str]) -> Self {
        let mut world = Self::alone();
        for peer in peers {
            world.find_alive(peer);
        }
        world
    }

    /// Makes a peer known and found alive first-hand.
    pub(in crate::protocol::tests) fn find_alive(&mut self, peer: &str) {
        self.fakes.insert(peer.to_owned(), Fake::Online);
        let wall = self.wall();
        self.receive(&[(peer, wall)], &[]);
        self.run_for(1_000);
        assert!(self.is_online(peer));
        assert!(self.nodes[ME].machine.members().roster.get(peer).unwrap().has_answered());
        self.sent.clear();
    }

    /// Makes a peer known and found dead first-hand.
    pub(in crate::protocol::tests) fn find_dead(&mut self, peer: &str) {
        self.fakes.insert(peer.to_owned(), Fake::Refuses);
        let wall = self.wall();
        self.receive(&[(peer, wall - 60_000)], &[]);
        self.run_for(5_000);
        assert!(!self.is_online(peer));
        self.sent.clear();
    }

    pub(in crate::protocol::tests) fn set_fake(&mut self, peer: &str, fake: Fake) {
        self.fakes.insert(peer.to_owned(), fake);
    }

    pub(in crate::protocol::tests) fn wall(&self) -> u64 {
        EPOCH + self.tick
    }

    /// Receives a gossip request, and returns the answer.
    pub(in crate::protocol::tests) fn receive(
        &mut self,
        online: &[(&str, u64)],
        offline: &[(&str, u64)],
    ) -> Lists {
        self.receive_lists(&lists(online, offline))
    }

    pub(in crate::protocol::tests) fn receive_lists(&mut self, lists: &Lists) -> Lists {
        self.act(ME, |machine, now| {
            machine.handle_request(now, &received(lists));
            machine.lists()
        })
    }

    pub(in crate::protocol::tests) fn drain(&mut self) {
        self.control(Control::Drain);
    }

    pub(in crate::protocol::tests) fn bring_back(&mut self) {
        self.control(Control::Return);
    }

    pub(in crate::protocol::tests) fn control(&mut self, control: Control) {
        self.act(ME, |machine, now| machine.handle_control(now, control));
    }

    pub(in crate::protocol::tests) fn leave(&mut self) {
        self.act(ME, |machine, now| machine.handle_leave(now));
    }

    pub(in crate::protocol::tests) fn listed(&self, url: &str) -> Listed {
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

    pub(in crate::protocol::tests) fn is_online(&self, url: &str) -> bool {
        matches!(self.listed(url), Listed::Online(_))
    }

    pub(in crate::protocol::tests) fn stamp(&self, url: &str) -> u64 {
        match self.listed(url) {
            Listed::Online(stamp) | Listed::Offline(stamp) => stamp,
            Listed::Unknown => panic!("{url} is unknown"),
        }
    }

    pub(in crate::protocol::tests) fn has_started(&self) -> bool {
        self.nodes[ME].events.contains(&Event::Started)
    }

    pub(in crate::protocol::tests) fn has_shut_down(&self) -> bool {
        self.nodes[ME].events.contains(&Event::ShutDown)
    }

    pub(in crate::protocol::tests) fn logs(&self, severity: Severity) -> Vec<String> {
        let text = |event: &Event| match event {
            Event::Log { severity: found, message, .. } if *found == severity => Some(message.clone()),
            _ => None,
        };
        self.nodes[ME].events.iter().filter_map(text).collect()
    }

    pub(in crate::protocol::tests) fn sent_to(&self, url: &str) -> Vec<&Sent> {
        self.sent.iter().filter(|sent| sent.to == url).collect()
    }

    /// The gossip sent to a peer, with its times.
    pub(in crate::protocol::tests) fn gossip_to(&self, url: &str) -> Vec<(u64, &Lists)> {
        let gossip = |sent: &Sent| matches!(sent.what, What::Gossip(_)) && sent.to == url;
        let lists = |sent| match sent {
            &Sent { at, what: What::Gossip(ref lists), .. } => Some((at, lists)),
            _ => None,
        };
        self.sent.iter().filter(|sent| gossip(sent)).filter_map(lists).collect()
    }

    /// The times at which a peer was asked for its list.
    pub(in crate::protocol::tests) fn inquiries_to(&self, url: &str) -> Vec<u64> {
        self.sent_to(url).iter().filter(|sent| matches!(sent.what, What::Inquire)).map(|s| s.at).collect()
    }

    /// The times of all downloads.
    pub(in crate::protocol::tests) fn downloads(&self) -> Vec<u64> {
        self.sent.iter().filter(|sent| matches!(sent.what, What::Download)).map(|s| s.at).collect()
    }

    pub(in crate::protocol::tests) fn uploads(
        &self,
    ) -> Vec<(&str, &crate::protocol::wire::document::Condition)> {
        let upload = |sent| match sent {
            &Sent { what: What::Upload(ref body, ref condition), .. } => Some((&**body, condition)),
            _ => None,
        };
        self.sent.iter().filter_map(upload).collect()
    }

    /// The pauses between uploads.
    pub(in crate::protocol::tests) fn upload_pauses(&self) -> Vec<u64> {
        let is_upload = |sent: &&Sent| matches!(sent.what, What::Upload(..));
        let at: Vec<u64> = self.sent.iter().filter(is_upload).map(|sent| sent.at).collect();
        at.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// The last request to a held peer.
    pub(in crate::protocol::tests) fn last_to(&self, url: &str) -> ExchangeId {
        self.sent_to(url).last().expect("nothing was sent").id
    }

    /// Answers for a held peer.
    pub(in crate::protocol::tests) fn answer(
        &mut self,
        id: ExchangeId,
        online: &[(&str, u64)],
        offline: &[(&str, u64)],
    ) {
        self.reply(ME, id, &Reply::Lists(received(&lists(online, offline))));
    }

    pub(in crate::protocol::tests) fn fail(&mut self, id: ExchangeId) {
        self.reply(ME, id, &Reply::Failure("refused".to_owned()));
    }
}
