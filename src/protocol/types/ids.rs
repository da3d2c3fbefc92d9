//! What tells exchanges apart, and where claims come from.

/// Names one request under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ExchangeId(pub(in crate::protocol) u64);

/// Where claims come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A gossip request that somebody sent.
    Request,
    /// The answer to an exchange.
    Exchange(ExchangeId),
    /// The master list.
    MasterList,
}
