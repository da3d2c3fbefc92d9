//! The ids of exchanges, the keys of names, and where claims come from.

/// The id of one request in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ExchangeId(pub(in crate::protocol) u64);

/// A name in eight bytes, valid in one roster: a hash with a secret seed. That two of 100,000 names
/// share it is less likely than a fault of the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::protocol) struct NameKey(pub(in crate::protocol) u64);

/// The message from which claims come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A gossip request of another server.
    Request,
    /// The answer to this exchange.
    Exchange(ExchangeId),
    /// The master list.
    MasterList,
}

/// Who makes a claim of the native extension, and in which kind of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Origin {
    /// The subject itself.
    Subject,
    /// Another server that passes on news.
    Rumour,
    /// A roster that was requested. Its claims are not passed on: others find them by their own
    /// comparison.
    Transfer,
}

impl Origin {
    /// Whether this server passes the claim on if it is news.
    pub(in crate::protocol) fn is_passed_on(self) -> bool {
        self != Self::Transfer
    }
}
