//! A legacy peer: the behaviour of version 1 with its faults, as `docs/protocol.md` describes them.

use crate::protocol::status::Control;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::clock::Millis;
use super::legacy_lists::LegacyLists;
use super::names::{Listed, Listing, NameId, Names};
use crate::protocol::message::Entry;
use crate::protocol::time::{Now, Stamp};

/// Random servers that are sent a start or a leave.
const ANNOUNCE_TO: usize = 20;
const RETRY_DELAY: Millis = 3_000;

/// The configuration of a legacy peer.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Its base URL.
    pub base_url: Arc<str>,
    /// The names that the legacy peers of its world have heard.
    pub names: Names,
    /// Whether it is a monitor.
    pub monitor: bool,
    /// The interval of its rounds.
    pub gossip_interval: Millis,
    /// The minimum interval of its announcements to the master list.
    pub announce_minimum: Millis,
    /// The random addition to that interval.
    pub announce_interval: Millis,
}

/// A request that it sends.
#[derive(Debug)]
pub enum LegacyRequest {
    /// Gossip with its full lists.
    Gossip {
        /// Identifies the request.
        id: u64,
        /// The receiver.
        base_url: Arc<str>,
        /// Its lists.
        lists: Rc<Listing>,
    },
    /// A download of the master list.
    Download {
        /// Identifies the request.
        id: u64,
    },
    /// An upload that replaces the master list unconditionally.
    Upload {
        /// Identifies the request.
        id: u64,
        /// All servers that it lists as online.
        entries: Vec<Entry>,
    },
}

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    Downloading,
    Announcing,
    Running,
    Leaving,
    Gone,
}

#[derive(Debug)]
struct Round {
    id: u64,
    peer: NameId,
    /// The retry sends the lists of the first attempt.
    lists: Rc<Listing>,
    is_retry: bool,
}

/// A legacy peer.
#[derive(Debug)]
pub struct Legacy {
    setup: Setup,
    me: NameId,
    known: LegacyLists,
    phase: Phase,
    /// The announcements that still await a response.
    awaited: BTreeSet<u64>,
    round: Option<Round>,
    next_round: Option<Millis>,
    second_try: Option<Millis>,
    next_announcement: Option<Millis>,
    requests: Vec<LegacyRequest>,
    last_id: u64,
    rng: Xoshiro256PlusPlus,
}

impl Legacy {
    /// Starts a peer.
    pub fn start(setup: Setup, seed: u64, now: Now) -> Self {
        let me = setup.names.add(&setup.base_url);
        let mut peer = Self {
            known: LegacyLists { names: setup.names.clone(), ..LegacyLists::default() },
            setup,
            me,
            phase: Phase::Downloading,
            awaited: BTreeSet::new(),
            round: None,
            next_round: None,
            second_try: None,
            next_announcement: None,
            requests: Vec::new(),
            last_id: 0,
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
        };
        peer.refresh(now.wall);
        peer.download();
        peer
    }

    /// Returns a running peer that knows these servers.
    pub fn running(setup: Setup, seed: u64, now: Now, known: &Listing) -> Self {
        let mut peer = Self::start(setup, seed, now);
        peer.requests.clear();
        peer.known.merge(known, now.wall);
        peer.run(now);
        peer
    }

    /// Handles a gossip request; returns the response.
    pub fn handle_request(&mut self, now: Now, lists: &Listing) -> Listing {
        self.refresh(now.wall);
        self.known.merge(lists, now.wall);
        self.known.to_listing()
    }

    /// Returns its public list of servers.
    pub fn public_list(&self) -> Listing {
        Listing { offline: Vec::new(), ..self.known.to_listing() }
    }

    /// Handles the response to a gossip request; `None` is a failure.
    pub fn handle_reply(&mut self, now: Now, id: u64, answer: Option<&Listing>) {
        if self.awaited.remove(&id) && self.awaited.is_empty() {
            // Version 1 ignores the content of these responses.
            match self.phase {
                Phase::Announcing => self.run(now),
                Phase::Leaving => self.phase = Phase::Gone,
                _ => {}
            }
        }
        let Some(round) = self.round.take_if(|round| round.id == id) else { return };
        match answer {
            Some(lists) => self.known.merge(lists, now.wall),
            None if !round.is_retry => {
                self.round = Some(round);
                self.second_try = Some(now.tick.0 + RETRY_DELAY);
                return;
            }
            None => self.known.bury(round.peer, now.wall),
        }
        self.schedule_round(now);
    }

    /// Handles a downloaded master list; `None` is a failure.
    pub fn handle_download(&mut self, now: Now, list: Option<&Listing>) {
        if let Some(list) = list {
            self.known.merge(list, now.wall);
        }
        match self.phase {
            Phase::Downloading => {
                self.phase = Phase::Announcing;
                self.announce();
                if self.awaited.is_empty() {
                    self.run(now);
                }
            }
            Phase::Running => {
                let id = self.next_id();
                self.requests
                    .push(LegacyRequest::Upload { id, entries: self.public_list().to_lists().online });
                self.schedule_announcement(now);
            }
            _ => {}
        }
    }

    /// Drains it or brings it back, without an announcement.
    pub fn handle_control(&mut self, now: Now, control: Control) {
        let is_online = self.known.online.get(self.me).is_some();
        match control {
            Control::Return if !is_online => {
                self.known.offline.swap_remove(&self.me);
                self.refresh(now.wall);
            }
            Control::Drain if is_online => self.known.bury(self.me, now.wall),
            _ => {}
        }
    }

    /// Starts its shutdown.
    pub fn handle_leave(&mut self, now: Now) {
        self.phase = Phase::Leaving;
        (self.next_round, self.second_try, self.next_announcement) = (None, None, None);
        self.round = None;
        self.known.bury(self.me, now.wall);
        self.awaited.clear();
        self.announce();
        if self.awaited.is_empty() {
            self.phase = Phase::Gone;
        }
    }

    /// Handles its timeout.
    pub fn handle_timeout(&mut self, now: Now) {
        let is_due = |at: &mut Millis| *at <= now.tick.0;
        if self.next_round.take_if(is_due).is_some() {
            self.begin_round(now);
        }
        if self.second_try.take_if(is_due).is_some() {
            let id = self.next_id();
            if let Some(round) = &mut self.round {
                (round.id, round.is_retry) = (id, true);
                let (base_url, lists) = (self.setup.names.text(round.peer), Rc::clone(&round.lists));
                self.requests.push(LegacyRequest::Gossip { id, base_url, lists });
            }
        }
        if self.next_announcement.take_if(is_due).is_some() {
            self.download();
        }
    }

    /// Returns its next timeout.
    pub fn timeout(&self) -> Option<Millis> {
        [self.next_round, self.second_try, self.next_announcement].into_iter().flatten().min()
    }

    /// Takes its pending requests.
    pub fn take_requests(&mut self) -> Vec<LegacyRequest> {
        std::mem::take(&mut self.requests)
    }

    /// Whether its start has resolved.
    pub fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }

    /// Whether its shutdown has resolved.
    pub fn is_gone(&self) -> bool {
        self.phase == Phase::Gone
    }

    /// Returns whether it lists a server as online or offline, and the stamp; `None` if unknown.
    pub fn view(&self, base_url: &str) -> Option<(bool, Stamp)> {
        self.known.view(base_url)
    }

    /// The number of servers that it lists as online.
    pub fn online_count(&self) -> usize {
        self.known.online.len()
    }

    /// The names that the legacy peers of its world have heard.
    pub fn names(&self) -> &Names {
        &self.setup.names
    }

    // A round or a request brings a drained peer back.
    fn refresh(&mut self, wall: Stamp) {
        let own = Listed { last_update: wall, name: self.me, monitor: self.setup.monitor };
        self.known.online.insert(own);
    }

    fn run(&mut self, now: Now) {
        self.phase = Phase::Running;
        self.schedule_round(now);
        self.schedule_announcement(now);
    }

    fn schedule_round(&mut self, now: Now) {
        let pause = self.setup.gossip_interval as f64 * self.rng.random_range(0.9..1.1);
        self.next_round = Some(now.tick.0 + pause as Millis);
    }

    fn schedule_announcement(&mut self, now: Now) {
        let more = self.setup.announce_interval as f64 * self.rng.random::<f64>();
        self.next_announcement = Some(now.tick.0 + self.setup.announce_minimum + more as Millis);
    }

    fn download(&mut self) {
        let id = self.next_id();
        self.requests.push(LegacyRequest::Download { id });
    }

    fn begin_round(&mut self, now: Now) {
        self.refresh(now.wall);
        let peer = loop {
            let drawn = self.known.online.at(self.rng.random_range(0..self.known.online.len()));
            match drawn {
                Some(listed) if listed.name != self.me => break listed.name,
                Some(_) if self.known.online.len() > 1 => {}
                _ => return self.schedule_round(now),
            }
        };
        let (id, lists) = (self.next_id(), Rc::new(self.known.to_listing()));
        self.requests.push(LegacyRequest::Gossip {
            id,
            base_url: self.setup.names.text(peer),
            lists: Rc::clone(&lists),
        });
        self.round = Some(Round { id, peer, lists, is_retry: false });
    }

    fn announce(&mut self) {
        let others = self.known.online.iter().copied().filter(|listed| listed.name != self.me);
        let (monitors, mut chosen): (Vec<Listed>, Vec<Listed>) = others.partition(|listed| listed.monitor);
        for index in 0..chosen.len().min(ANNOUNCE_TO) {
            let other = self.rng.random_range(index..chosen.len());
            chosen.swap(index, other);
        }
        chosen.truncate(ANNOUNCE_TO);
        let lists = Rc::new(self.known.to_listing());
        for listed in chosen.into_iter().chain(monitors) {
            let (id, base_url) = (self.next_id(), self.setup.names.text(listed.name));
            self.awaited.insert(id);
            self.requests.push(LegacyRequest::Gossip { id, base_url, lists: Rc::clone(&lists) });
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

#[cfg(test)]
mod tests;
