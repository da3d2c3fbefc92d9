//! What happens in a secured world: real requests, and the attacker beside the cluster.
//!
//! | module | contents |
//! |---|---|
//! | `client`, `search` | what a native server sends, as the real driver does |
//! | `server` | how servers answer |
//! | `strikes`, `tampering` | what the attacker does |

mod client;
mod search;
mod server;
mod strikes;
mod tampering;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::process::Engine;
use super::secured::Secured;
use super::secured::node::Node;
use super::wire::{HostId, ProcessId};
use super::world::World;
use crate::protocol::config::LegacyPolicy;

impl World {
    /// Lets all servers that are added from now on send real requests, beside an attacker.
    pub fn secure(&mut self, policy: LegacyPolicy, seed: u64) {
        self.template().config.legacy = policy;
        self.secured = Some(Box::new(Secured::new(policy, seed)));
    }

    /// Gives a new process its secrets and its security state.
    pub(in crate::sim) fn secure_process(&mut self, id: ProcessId) {
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
    pub(in crate::sim) fn forget_node(&mut self, id: ProcessId) {
        let Some(secured) = &mut self.secured else { return };
        secured.nodes.remove(&id);
        secured.tasks.retain(|_, task| task.process() != id);
        secured.ledger.record_end(id, self.time);
    }

    /// Forgets the deliveries of a process that abandons its requests.
    pub(in crate::sim) fn abandon_deliveries(&mut self, id: ProcessId) {
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
    pub(in crate::sim) fn record_master_list(&mut self, id: ProcessId, urls: BTreeSet<Arc<str>>) {
        let Some(secured) = &mut self.secured else { return };
        if let Some(security) = secured.nodes.get_mut(&id).and_then(|node| node.security.as_mut()) {
            secured.ledger.record_known(self.time, id, urls.iter().cloned());
            security.known = urls;
        }
    }
}
