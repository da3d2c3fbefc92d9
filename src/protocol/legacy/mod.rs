//! The protocol with legacy peers: rounds, pushes, death notices, verification.
//!
//! May touch `merging` and below; never `native` or `lifecycle`.

use crate::protocol::legacy::death_notices::DeathNotices;
use crate::protocol::legacy::listings::Listings;
use crate::protocol::legacy::push::LegacyPush;
use crate::protocol::legacy::rounds::Rounds;
use crate::protocol::legacy::verification::Verification;

pub(in crate::protocol) mod death_notices;
pub(in crate::protocol) mod listings;
pub(in crate::protocol) mod push;
pub(in crate::protocol) mod rounds;
pub(in crate::protocol) mod verification;

/// The state of the protocol with legacy peers.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Legacy {
    pub(in crate::protocol) rounds: Rounds,
    pub(in crate::protocol) verification: Verification,
    pub(in crate::protocol) push: LegacyPush,
    pub(in crate::protocol) death_notices: DeathNotices,
    pub(in crate::protocol) listings: Listings,
}
