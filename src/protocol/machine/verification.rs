//! Verification: who is checked, and what follows for the other components.

use std::sync::Arc;

use crate::protocol::exchanges::in_flight::OwnWord;
use crate::protocol::legacy::verification::answer;
use crate::protocol::machine::Machine;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::time::{Now, Stamp};

impl Machine {
    /// A member has answered that it is online.
    pub(in crate::protocol) fn mark_alive(
        &mut self,
        peer: &Arc<str>,
        id: ExchangeId,
        word: &OwnWord,
        now: Now,
    ) {
        answer::mark_alive(&mut self.members, &mut self.cx, peer, id, word, now);
        self.apply(now);
    }

    /// A member has answered without showing itself online.
    pub(in crate::protocol) fn mark_absent(
        &mut self,
        peer: &Arc<str>,
        id: ExchangeId,
        own_stamp: Option<Stamp>,
        now: Now,
    ) {
        answer::mark_absent(&mut self.members, &mut self.cx, peer, id, own_stamp, now);
        self.apply(now);
    }

    /// This server itself has found a member dead.
    pub(in crate::protocol) fn bury(&mut self, peer: &Arc<str>, now: Now) {
        self.members.bury(&mut self.cx, peer, now);
        self.apply(now);
    }
}
