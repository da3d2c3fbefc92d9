//! Worlds whose servers send real requests, and whose native servers challenge, prove and sign.
//!
//! The bodies, headers and decisions are those of `src/security`. An attacker beside the cluster
//! reads and changes everything on the network, but knows only secrets that are no longer accepted.
//! [`ledger`] knows the truth: which messages are genuine, and who may be sent the raw secret.
//!
//! | module | contents |
//! |---|---|
//! | [`http`] | requests and responses |
//! | [`node`] | the secrets of a process, and its security state |
//! | `client`, `search` | what a native server sends, as the real driver does |
//! | `server` | how servers answer |
//! | [`attacker`], `strikes` | the attacker |
//! | [`ledger`] | the truth, and the checks |

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use self::attacker::Attacker;
use self::client::Task;
use self::ledger::Ledger;
use self::node::Node;
use super::process::Engine;
use super::wire::{HostId, ProcessId};
use super::world::World;
use crate::protocol::config::LegacyPolicy;
use crate::security::proof::Nonce;

pub mod attacker;
mod client;
pub mod http;
pub mod ledger;
pub mod node;
mod search;
mod server;
mod strikes;

/// The part of a world that concerns who may speak.
#[derive(Debug)]
pub struct Secured {
    policy: LegacyPolicy,
    /// The secrets of servers that start from now on: the current one, then the other accepted
    /// ones.
    secrets: Vec<u8>,
    nodes: BTreeMap<ProcessId, Node>,
    tasks: BTreeMap<u64, Task>,
    last_task: u64,
    /// The truth, and the checks.
    pub ledger: Ledger,
    /// The attacker.
    pub attacker: Attacker,
    rng: Xoshiro256PlusPlus,
}

impl Secured {
    fn nonce(&mut self) -> Nonce {
        Nonce::new(self.rng.random())
    }

    fn next_task(&mut self) -> u64 {
        self.last_task += 1;
        self.last_task
    }
}

impl World {
    /// Lets all servers that are added from now on send real requests, beside an attacker.
    pub fn secure(&mut self, policy: LegacyPolicy, seed: u64) {
        self.template().config.legacy = policy;
        self.secured = Some(Box::new(Secured {
            policy,
            secrets: vec![1],
            nodes: BTreeMap::new(),
            tasks: BTreeMap::new(),
            last_task: 0,
            ledger: Ledger::default(),
            attacker: Attacker::new(seed),
            rng: Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x5ec),
        }));
    }

    /// Gives a new process its secrets and its security state.
    pub(super) fn secure_process(&mut self, id: ProcessId) {
        let Some(secured) = &mut self.secured else { return };
        let Some(process) = self.processes.get(id.index()) else { return };
        let Some(host) = self.hosts.get(process.host.index()) else { return };
        let mut secrets = secured.secrets.clone();
        if matches!(process.engine, Some(Engine::Legacy(_))) {
            secrets.truncate(1);
        }
        let machine = process.machine().filter(|machine| machine.is_native());
        let number = machine.map(|machine| machine.process_number());
        let now = super::clock::present(self.time, process.offset(self.time));
        secured.nodes.insert(id, Node::new(&host.url, number, secrets, secured.policy, now.tick));
        secured.ledger.record_start(id, process.host, self.time);
    }

    /// Forgets an ended process.
    pub(super) fn forget_node(&mut self, id: ProcessId) {
        let Some(secured) = &mut self.secured else { return };
        secured.nodes.remove(&id);
        secured.tasks.retain(|_, task| task.process() != id);
        secured.ledger.record_end(id, self.time);
    }

    /// Forgets the deliveries of a process that abandons its requests.
    pub(super) fn abandon_deliveries(&mut self, id: ProcessId) {
        if let Some(secured) = &mut self.secured {
            secured.tasks.retain(|_, task| task.process() != id);
        }
    }

    /// Sets the secrets of servers that start from now on.
    pub fn set_secrets(&mut self, secrets: &[u8]) {
        if let Some(secured) = &mut self.secured {
            secured.secrets = secrets.to_vec();
        }
    }

    /// Lets the native servers of a host follow a change of the secrets.
    pub fn follow_secrets(&mut self, host: HostId) {
        let Some(secured) = &mut self.secured else { return };
        for id in self.hosts.get(host.index()).map(|host| host.processes.clone()).unwrap_or_default() {
            if let Some(node) = secured.nodes.get_mut(&id).filter(|node| node.security.is_some()) {
                node.set_secrets(secured.secrets.clone());
            }
        }
    }

    /// Lets the attacker learn a secret that no server accepts any more. Legacy peers that still
    /// have it are beyond help.
    pub fn retire_secret(&mut self, secret: u8) {
        let Some(secured) = &mut self.secured else { return };
        let is_in_use = secured.nodes.values().any(|node| node.secrets.contains(&secret));
        if !is_in_use {
            secured.attacker.learn(secret);
        }
    }

    /// Records the URLs of a downloaded master list.
    pub(super) fn record_master_list(&mut self, id: ProcessId, urls: BTreeSet<std::sync::Arc<str>>) {
        let Some(secured) = &mut self.secured else { return };
        if let Some(security) = secured.nodes.get_mut(&id).and_then(|node| node.security.as_mut()) {
            secured.ledger.record_known(self.time, id, urls.iter().cloned());
            security.known = urls;
        }
    }
}
