//! A small simulated world: virtual time, messages in memory, machines and fake peers by URL.
//!
//! Each machine's invariants are checked after every step.

use crate::protocol::members::member::unproved_answers::Route;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::fakes::{Fake, Store};
use super::node::{Node, identity};
use crate::protocol::ExchangeId;
use crate::protocol::context::config::{
    AcceptedSecrets, Config, LegacyPolicy, MasterListConfig, ReadSecrets, SecretSet,
};
use crate::protocol::context::output::Transmit;
use crate::protocol::machine::Machine;
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::limits::MAX_MEMBERS;
use crate::protocol::types::secret::Secret;
use crate::protocol::types::time::{Now, Stamp, Tick};
use crate::protocol::wire::document::{Condition, Document, DocumentEntry};
use crate::protocol::wire::message::{Lists, ReceivedLists, Reply, read_extension};

/// The wall clock of the world at the start, in milliseconds.
pub(in crate::protocol::tests) const EPOCH: u64 = 1_700_000_000_000;
/// Time after which a lost request fails, in milliseconds.
const TIMEOUT: u64 = 5_000;

/// What a machine has sent.
#[derive(Debug)]
pub(in crate::protocol::tests) struct Sent {
    pub(in crate::protocol::tests) at: u64,
    pub(in crate::protocol::tests) to: String,
    pub(in crate::protocol::tests) id: ExchangeId,
    pub(in crate::protocol::tests) what: What,
}

#[derive(Debug)]
pub(in crate::protocol::tests) enum What {
    Gossip(Lists),
    Inquire,
    Download,
    Upload(String, Condition),
}

#[derive(Debug)]
enum Delivery {
    Request { from: String, to: String, id: ExchangeId, gossip: Option<Vec<u8>>, timeout_ms: u64 },
    Reply { to: String, id: ExchangeId, answer: Option<(u16, Vec<u8>)> },
    Download { to: String, id: ExchangeId },
    Upload { to: String, id: ExchangeId, body: String, condition: Condition },
}

#[derive(Debug)]
pub(in crate::protocol::tests) struct World {
    pub(in crate::protocol::tests) tick: u64,
    pub(in crate::protocol::tests) nodes: BTreeMap<String, Node>,
    pub(in crate::protocol::tests) fakes: BTreeMap<String, Fake>,
    pub(in crate::protocol::tests) store: Store,
    pub(in crate::protocol::tests) sent: Vec<Sent>,
    /// The one-way delay of messages, in milliseconds.
    pub(in crate::protocol::tests) latency: std::ops::RangeInclusive<u64>,
    /// The share of exchanges that are lost.
    pub(in crate::protocol::tests) loss: f64,
    /// Pairs of sender and receiver between which requests are lost.
    pub(in crate::protocol::tests) cut: BTreeSet<(String, String)>,
    queue: BTreeMap<(u64, u64), Delivery>,
    sequence: u64,
    rng: Xoshiro256PlusPlus,
}

pub(in crate::protocol::tests) fn config(url: &str) -> Config {
    let secret = || Secret::new("secret").unwrap();
    let accepted = || AcceptedSecrets::new(secret(), Vec::new());
    Config {
        secrets: SecretSet {
            gossip: accepted(),
            control: accepted(),
            read: ReadSecrets::default(),
            update_authorization: secret(),
        },
        secret_files: Vec::new(),
        legacy: LegacyPolicy::Allow,
        is_list_open: true,
        base_url: BaseUrl::parse(url).unwrap(),
        monitor: false,
        gossip_interval: Duration::from_secs(30),
        probe_interval: None,
        allowed: None,
        max_servers: MAX_MEMBERS,
        master_list: MasterListConfig {
            url: "http://store/list".to_owned(),
            update_url: "http://store/list".to_owned(),
            announce_minimum: Duration::from_secs(300),
            announce_interval: Duration::from_secs(600),
            update_on_shutdown: false,
        },
    }
}

impl World {
    pub(in crate::protocol::tests) fn new(seed: u64) -> Self {
        Self {
            tick: 0,
            nodes: BTreeMap::new(),
            fakes: BTreeMap::new(),
            store: Store::default(),
            sent: Vec::new(),
            latency: 1..=1,
            loss: 0.0,
            cut: BTreeSet::new(),
            queue: BTreeMap::new(),
            sequence: 0,
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
        }
    }

    pub(in crate::protocol::tests) fn start(&mut self, config: Config, wall_offset: i64) {
        let url = config.base_url.identity().to_string();
        let now = now_of(self.tick, wall_offset);
        let machine = Machine::start(config, self.rng.random(), now);
        self.nodes.insert(url.clone(), Node::new(machine, wall_offset));
        self.execute(&url);
    }

    /// Ends a machine without a leave: its port is closed from now on.
    pub(in crate::protocol::tests) fn crash(&mut self, url: &str) {
        self.nodes.remove(url);
    }

    pub(in crate::protocol::tests) fn cut_between(&mut self, a: &str, b: &str) {
        self.cut.insert((a.to_owned(), b.to_owned()));
        self.cut.insert((b.to_owned(), a.to_owned()));
    }

    pub(in crate::protocol::tests) fn now(&self, url: &str) -> Now {
        now_of(self.tick, self.nodes[url].wall_offset)
    }

    /// Calls one machine, and executes its requests.
    pub(in crate::protocol::tests) fn act<T>(
        &mut self,
        url: &str,
        act: impl FnOnce(&mut Machine, Now) -> T,
    ) -> T {
        let now = self.now(url);
        let result = act(&mut self.nodes.get_mut(url).unwrap().machine, now);
        self.execute(url);
        result
    }

    pub(in crate::protocol::tests) fn run_for(&mut self, millis: u64) {
        let end = self.tick + millis;
        while let Some(at) = self.next_time().filter(|at| *at <= end) {
            self.tick = self.tick.max(at);
            let due: Vec<String> = self
                .nodes
                .iter()
                .filter(|(_, node)| node.machine.poll_timeout().is_some_and(|at| at.0 <= self.tick))
                .map(|(url, _)| url.clone())
                .collect();
            for url in due {
                self.act(&url, |machine, now| machine.handle_timeout(now));
            }
            while let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 <= self.tick) {
                let delivery = entry.remove();
                self.deliver(delivery);
            }
        }
        self.tick = end;
    }

    fn next_time(&self) -> Option<u64> {
        let timers = self.nodes.values().filter_map(|node| node.machine.poll_timeout());
        timers.map(|at| at.0).chain(self.queue.keys().next().map(|key| key.0)).min()
    }

    fn post(&mut self, at: u64, delivery: Delivery) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), delivery);
    }

    fn next_arrival(&mut self) -> u64 {
        self.tick + self.rng.random_range(self.latency.clone())
    }

    fn execute(&mut self, url: &str) {
        let node = self.nodes.get_mut(url).unwrap();
        let transmits: Vec<_> = std::iter::from_fn(|| node.machine.poll_transmit()).collect();
        node.events.extend(std::iter::from_fn(|| node.machine.poll_event()));
        for transmit in transmits {
            self.send(url, transmit);
        }
        let now = self.now(url);
        self.nodes.get_mut(url).unwrap().check(now);
    }

    fn send(&mut self, from: &str, transmit: Transmit) {
        let from = from.to_owned();
        let arrival = self.next_arrival();
        let mut timeout_ms = TIMEOUT;
        let (to, id, what, delivery) = match transmit {
            Transmit::AbandonAll => return self.nodes.get_mut(&from).unwrap().in_flight.clear(),
            Transmit::Gossip { id, base_url, lists, extension, timeout } => {
                timeout_ms = u64::try_from(timeout.as_millis()).unwrap();
                let to = identity(&base_url);
                let gossip = Some(lists.to_gossip_json(extension.as_deref()));
                let delivery =
                    Delivery::Request { from: from.clone(), to: to.clone(), id, gossip, timeout_ms };
                (to, id, What::Gossip((*lists).clone()), delivery)
            }
            Transmit::CheckOwnUrl { id, base_url, extension, timeout } => {
                timeout_ms = u64::try_from(timeout.as_millis()).unwrap();
                let to = identity(&base_url);
                let gossip = Some(Lists::default().to_gossip_json(Some(&extension)));
                let delivery =
                    Delivery::Request { from: from.clone(), to: to.clone(), id, gossip, timeout_ms };
                (to, id, What::Gossip(Lists::default()), delivery)
            }
            Transmit::Inquire { id, base_url, .. } => {
                let to = identity(&base_url);
                let delivery =
                    Delivery::Request { from: from.clone(), to: to.clone(), id, gossip: None, timeout_ms };
                (to, id, What::Inquire, delivery)
            }
            Transmit::DownloadMasterList { id } => {
                ("store".to_owned(), id, What::Download, Delivery::Download { to: from.clone(), id })
            }
            Transmit::UploadMasterList { id, entries, condition } => {
                let body = String::from_utf8(DocumentEntry::to_document_json(&entries)).unwrap();
                let what = What::Upload(body.clone(), condition.clone());
                ("store".to_owned(), id, what, Delivery::Upload { to: from.clone(), id, body, condition })
            }
        };
        let route = match what {
            What::Gossip(_) => Some(Route::Gossip),
            What::Inquire => Some(Route::List),
            _ => None,
        };
        if let Some(route) = route {
            self.nodes.get_mut(&from).unwrap().begin(id, &to, route);
        }
        let is_to_store = to == "store";
        let is_cut = self.cut.contains(&(from.clone(), to.clone()));
        if !is_to_store && (is_cut || self.rng.random::<f64>() < self.loss) {
            let reply = Delivery::Reply { to: from.clone(), id, answer: None };
            self.post(self.tick + timeout_ms, reply);
        } else if !(is_to_store && self.store.hangs) {
            self.post(arrival, delivery);
        }
        self.sent.push(Sent { at: self.tick, to, id, what });
    }

    fn deliver(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Request { from, to, id, gossip, timeout_ms } => {
                let (delay, answer) = self.serve(&to, gossip.as_deref(), timeout_ms);
                if let Some(answer) = answer {
                    let at = self.next_arrival() + delay;
                    self.post(at, Delivery::Reply { to: from, id, answer });
                }
            }
            Delivery::Reply { to, id, answer } => {
                let reply = match &answer {
                    Some((status, body)) => Reply::read(*status, None, body),
                    None => Reply::Failure("no answer".to_owned()),
                };
                self.reply(&to, id, &reply);
            }
            Delivery::Download { to, id } => {
                let (status, etag, body) = self.store.download();
                let outcome = Document::read(status, etag, &body);
                if self.nodes.contains_key(&to) {
                    self.act(&to, |machine, now| machine.handle_download(now, id, &outcome));
                }
            }
            Delivery::Upload { to, id, body, condition } => {
                let upload = self.store.upload(&body, &condition);
                if self.nodes.contains_key(&to) {
                    self.act(&to, |machine, now| machine.handle_upload(now, id, &upload));
                }
            }
        }
    }

    pub(in crate::protocol::tests) fn reply(&mut self, to: &str, id: ExchangeId, reply: &Reply<'_>) {
        if let Some(node) = self.nodes.get_mut(to) {
            node.in_flight.remove(&id);
            self.act(to, |machine, now| machine.handle_reply(now, id, reply));
        }
    }

    /// Returns the delay and the answer of a request; no answer if the test sends it itself.
    #[expect(clippy::type_complexity, reason = "a delay and an answer, used once")]
    fn serve(
        &mut self,
        to: &str,
        gossip: Option<&[u8]>,
        timeout_ms: u64,
    ) -> (u64, Option<Option<(u16, Vec<u8>)>>) {
        if self.nodes.contains_key(to) {
            let body = self.act(to, |machine, now| {
                let Some(body) = gossip else { return machine.online_list().to_gossip_json(None) };
                let text = std::str::from_utf8(body).unwrap();
                if let Some(extension) = read_extension(text).filter(|_| machine.is_native()) {
                    let answer = machine.handle_native_request(now, &extension);
                    return Lists::default().to_gossip_json(Some(&answer));
                }
                machine.handle_request(now, &ReceivedLists::read(text).unwrap());
                machine.lists().to_gossip_json(None)
            });
            return (0, Some(Some((200, body))));
        }
        let wall = Stamp(EPOCH + self.tick);
        match self.fakes.get(to).unwrap_or(&Fake::Refuses) {
            Fake::Refuses => (0, Some(None)),
            Fake::Hangs => (timeout_ms, Some(None)),
            Fake::Held => (0, None),
            fake => {
                let route = if gossip.is_some() { Route::Gossip } else { Route::List };
                (0, Some(Some(fake.answer(to, route, wall))))
            }
        }
    }
}

fn now_of(tick: u64, wall_offset: i64) -> Now {
    Now { tick: Tick(tick), wall: Stamp((EPOCH + tick).saturating_add_signed(wall_offset)) }
}
