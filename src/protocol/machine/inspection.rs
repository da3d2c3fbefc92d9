//! Access to the parts of the machine, for tests.

use crate::protocol::context::Context;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::machine::Machine;
use crate::protocol::members::Members;

impl Machine {
    pub(in crate::protocol) fn members(&self) -> &Members {
        &self.members
    }

    pub(in crate::protocol) fn exchanges(&self) -> &Exchanges {
        &self.exchanges
    }

    /// Returns the parts that the rules of all components use.
    pub(in crate::protocol) fn parts(&mut self) -> (&mut Members, &mut Exchanges, &mut Context) {
        (&mut self.members, &mut self.exchanges, &mut self.cx)
    }

    /// Whether this server seems to be cut off from the others, so that it declares no more dead.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.members.isolation.is_cut_off()
    }

    /// Whether helpers probe a native server.
    pub(in crate::protocol) fn is_investigating(&self, peer: &str) -> bool {
        self.native.detection.investigations.is_open(peer)
    }
}
