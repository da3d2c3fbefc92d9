//! What proves a server alive: its own word, not just an answer at its address.

/// How a server has proved itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// It exchanged gossip with this server, so both have the same secret.
    Exchange,
    /// Its list, which needs no secret, holds its own entry.
    List,
}

/// What this server found out itself about another one, as bits of one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Facts(u8);

impl Facts {
    /// The latest verdict of this server itself: it was alive.
    pub(super) const FOUND_ALIVE: u8 = 1;
    /// The latest verdict of this server itself: it was not.
    pub(super) const FOUND_DEAD: u8 = 1 << 1;
    /// It has answered since it came online here.
    pub(super) const ANSWERED: u8 = 1 << 2;
    /// It has exchanged with this server at least once.
    pub(super) const EXCHANGED: u8 = 1 << 3;

    pub(super) fn has(self, fact: u8) -> bool {
        self.0 & fact != 0
    }

    pub(super) fn note(&mut self, fact: u8, holds: bool) {
        if holds { self.0 |= fact } else { self.0 &= !fact }
    }
}
