//! Worlds whose servers send real requests, and whose native servers challenge, prove and sign.
//!
//! The bodies, headers and decisions are those of `src/security`. An attacker beside the cluster
//! reads and changes everything on the network, but knows only secrets that are no longer accepted.
//! [`ledger`] knows the truth: which messages are genuine, and who may be sent the raw secret.
//!
//! | module | contents |
//! |---|---|
//! | `http` | what requests and responses mean |
//! | [`node`] | the secrets of a process, and its security state |
//! | [`task`] | the deliveries in progress |
//! | [`attacker`] | the attacker |
//! | [`ledger`] | the truth, and the checks |

use std::collections::BTreeMap;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use self::attacker::Attacker;
use self::ledger::Ledger;
use self::node::Node;
use self::task::Task;
use super::wire::ProcessId;
use crate::protocol::config::LegacyPolicy;
use crate::security::proof::Nonce;

pub mod attacker;
pub(in crate::sim) mod http;
pub mod ledger;
pub mod node;
pub(in crate::sim) mod task;

/// The part of a world that concerns who may speak.
#[derive(Debug)]
pub struct Secured {
    pub(in crate::sim) policy: LegacyPolicy,
    /// The secrets of servers that start from now on: the current one, then the other accepted
    /// ones.
    pub(in crate::sim) secrets: Vec<u8>,
    pub(in crate::sim) nodes: BTreeMap<ProcessId, Node>,
    pub(in crate::sim) tasks: BTreeMap<u64, Task>,
    pub(in crate::sim) last_task: u64,
    /// The truth, and the checks.
    pub ledger: Ledger,
    /// The attacker.
    pub attacker: Attacker,
    pub(in crate::sim) rng: Xoshiro256PlusPlus,
}

impl Secured {
    pub(in crate::sim) fn new(policy: LegacyPolicy, seed: u64) -> Self {
        Self {
            policy,
            secrets: vec![1],
            nodes: BTreeMap::new(),
            tasks: BTreeMap::new(),
            last_task: 0,
            ledger: Ledger::default(),
            attacker: Attacker::new(seed),
            rng: Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x5ec),
        }
    }

    pub(in crate::sim) fn nonce(&mut self) -> Nonce {
        Nonce::new(self.rng.random())
    }

    pub(in crate::sim) fn next_task(&mut self) -> u64 {
        self.last_task += 1;
        self.last_task
    }
}
