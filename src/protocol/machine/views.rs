//! What a server shows: lists of all that it knows, and a number by which a list written earlier is known to be still true.

use std::sync::Arc;

use crate::protocol::machine::Machine;
use crate::protocol::members::roster::digest::short_name;
use crate::protocol::wire::message::{Entry, Lists};

/// Odd, so that no change of a single server is lost; the bits of the golden ratio, as spread as any.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Machine {
    /// What this server knows, itself included; `offline` stays empty unless wanted.
    pub fn lists(&self, include_offline: bool) -> Lists {
        self.members.lists(include_offline)
    }

    /// What it knows of all others.
    pub fn others(&self) -> Lists {
        self.members.others()
    }

    /// How many others are in [`Machine::others`].
    pub fn other_count(&self) -> usize {
        self.members.roster.len()
    }

    /// Another number whenever [`Machine::others`] shows something else.
    pub fn others_version(&self) -> u64 {
        let mut version = self.members.roster.revision();
        let mut fold = |bits: u64| version = (version.rotate_left(5) ^ bits).wrapping_mul(SPREAD);
        for (identity, member) in self.members.roster.iter() {
            fold(member.stamp.0 << 2 | u64::from(member.is_online()) << 1 | u64::from(member.monitor));
            let spelling = member.spelling(identity);
            if !Arc::ptr_eq(spelling, identity) {
                fold(short_name(spelling).into());
            }
        }
        version
    }

    /// Its own entry, and whether that stands among those online.
    pub fn own_entry(&self) -> (Entry, bool) {
        (self.members.me.entry(), self.members.me.is_online())
    }

    /// Whether this server speaks the native extension.
    pub fn is_native(&self) -> bool {
        self.cx.is_native()
    }

    /// Whether this server and the member both speak the native extension.
    pub(in crate::protocol) fn is_met_natively(&self, peer: &str) -> bool {
        self.members.is_met_natively(&self.cx, peer)
    }
}
