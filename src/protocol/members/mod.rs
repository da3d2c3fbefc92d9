//! What is known of servers: of this one, of the others, and of the forgotten.
//!
//! May touch `context` and below.

use crate::protocol::context::config::Config;
use crate::protocol::members::archive::Archive;
use crate::protocol::members::local_server::LocalServer;
use crate::protocol::members::roster::Roster;
use crate::protocol::types::time::Now;

pub(in crate::protocol) mod archive;
pub(in crate::protocol) mod local_server;
pub(in crate::protocol) mod member;
pub(in crate::protocol) mod roster;
pub(in crate::protocol) mod stamp_clock;

/// What is known of servers.
#[derive(Debug)]
pub(in crate::protocol) struct Members {
    pub(in crate::protocol) me: LocalServer,
    pub(in crate::protocol) roster: Roster,
    pub(in crate::protocol) archive: Archive,
}

impl Members {
    pub(in crate::protocol) fn new(config: &Config, seed: u64, now: Now) -> Self {
        Self {
            me: LocalServer::new(config.base_url.clone(), config.monitor, now),
            roster: Roster::new(config.base_url.identity(), seed),
            archive: Archive::default(),
        }
    }
}
