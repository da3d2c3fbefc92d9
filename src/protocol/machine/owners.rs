//! Which of the servers shown online own a key.

use crate::protocol::machine::Machine;
use crate::protocol::owners::KeyNumber;
use crate::protocol::wire::message::Entry;

impl Machine {
    /// Returns whether this server owns a key, and the first `count` servers: its owner and those
    /// that would own it next.
    pub fn owners(&mut self, key: KeyNumber, count: usize) -> (bool, Vec<Entry>) {
        let Self { owners, members, .. } = self;
        // Ranking all servers takes seven times as long.
        let first = if count == 0 { Vec::new() } else { owners.first(members, key, count) };
        (owners.owns(members, key), first)
    }
}
