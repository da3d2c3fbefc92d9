//! The secrets of a process, and the security state of a native one.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::protocol::config::LegacyPolicy;
use crate::protocol::time::Tick;
use crate::security::keys::{Keyring, Keys};
use crate::security::process::ProcessNumber;
use crate::security::receiver::Receiver;
use crate::security::sessions::Sessions;
use crate::sim::clock::Millis;

/// A process.
#[derive(Debug)]
pub struct Node {
    /// The numbers of its secrets: the current one, then the other accepted ones.
    pub secrets: Vec<u8>,
    /// `None` for servers that do not sign.
    pub security: Option<Security>,
}

/// The security state of a native server.
#[derive(Debug)]
pub struct Security {
    pub(in crate::sim) policy: LegacyPolicy,
    pub(in crate::sim) receiver: Receiver,
    pub(in crate::sim) sessions: Sessions,
    pub(in crate::sim) keyring: Arc<Keyring>,
    /// The URLs of the master list.
    pub(in crate::sim) known: BTreeSet<Arc<str>>,
    /// Whether it looks for a sibling now, and when it ended its last search.
    pub(in crate::sim) is_searching: bool,
    pub(in crate::sim) searched_at: Option<Millis>,
}

impl Node {
    pub(in crate::sim) fn new(
        base_url: &str,
        number: Option<u64>,
        secrets: Vec<u8>,
        policy: LegacyPolicy,
        now: Tick,
    ) -> Self {
        let process = number.and_then(ProcessNumber::new);
        let security = process.map(|process| Security {
            policy,
            receiver: Receiver::new(base_url, process, now),
            sessions: Sessions::new(base_url, process, policy),
            keyring: Arc::new(keyring_of(&secrets)),
            known: BTreeSet::new(),
            is_searching: false,
            searched_at: None,
        });
        Self { secrets, security }
    }

    pub(in crate::sim) fn set_secrets(&mut self, secrets: Vec<u8>) {
        if let Some(security) = &mut self.security {
            security.keyring = Arc::new(keyring_of(&secrets));
            security.receiver.forget_verified();
        }
        self.secrets = secrets;
    }

    pub(in crate::sim) fn accepts_raw(&self, authorization: &str) -> bool {
        let accepts_raw = self.security.as_ref().is_none_or(|security| security.policy.accepts_raw());
        accepts_raw && self.secrets.iter().any(|secret| secret_text(*secret) == authorization)
    }
}

/// The text of a secret.
pub(in crate::sim) fn secret_text(number: u8) -> String {
    format!("secret {number}")
}

/// The keys of a secret.
pub(in crate::sim) fn keys_of(number: u8) -> Keys {
    Keys::from_stretched(&[number; 32])
}

fn keyring_of(secrets: &[u8]) -> Keyring {
    let mut keys = secrets.iter().map(|secret| Arc::new(keys_of(*secret)));
    let current = keys.next().unwrap_or_else(|| Arc::new(keys_of(0)));
    Keyring::new(current, keys.collect())
}
