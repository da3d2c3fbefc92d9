//! What legacy peers are asked and told.
//!
//! May touch `merging` and below; never `native` or `lifecycle`.

use crate::protocol::context::deadlines::Deadlines;
use crate::protocol::legacy::death_notices::DeathNotices;
use crate::protocol::legacy::push::LegacyPush;
use crate::protocol::legacy::rounds::Rounds;
use crate::protocol::legacy::verification::expiry::Expiry;
use crate::protocol::legacy::verification::listings::Listings;
use crate::protocol::legacy::verification::queue::VerificationQueue;

pub(in crate::protocol) mod death_notices;
pub(in crate::protocol) mod push;
pub(in crate::protocol) mod rounds;
pub(in crate::protocol) mod verification;

/// What this server tells and asks legacy peers.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Legacy {
    pub(in crate::protocol) rounds: Rounds,
    pub(in crate::protocol) verification_queue: VerificationQueue,
    pub(in crate::protocol) push: LegacyPush,
    pub(in crate::protocol) death_notices: DeathNotices,
    /// When to look after each server that refuses.
    pub(in crate::protocol) refusals: Deadlines,
    /// When to ask each absent server for its list.
    pub(in crate::protocol) absent: Deadlines,
    pub(in crate::protocol) expiry: Expiry,
    pub(in crate::protocol) listings: Listings,
}
