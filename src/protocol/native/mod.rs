//! How native servers meet: news, comparing rosters, finding out who is dead.
//!
//! May touch `merging` and below; never `legacy` or `lifecycle`.

use crate::protocol::context::deadlines::Deadlines;
use crate::protocol::native::anti_entropy::AntiEntropy;
use crate::protocol::native::detection::probes::Probes;
use crate::protocol::native::detection::relay::Relays;
use crate::protocol::native::detection::unreached::Unreached;
use crate::protocol::native::rumours::Rumours;
use crate::protocol::native::strangers::Strangers;
use crate::protocol::native::voices::Voices;

pub(in crate::protocol) mod anti_entropy;
pub(in crate::protocol) mod detection;
pub(in crate::protocol) mod peers;
pub(in crate::protocol) mod rumours;
pub(in crate::protocol) mod strangers;
pub(in crate::protocol) mod voices;

/// What this server tells native servers, and what it finds out with them.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Native {
    pub(in crate::protocol) rumours: Rumours,
    pub(in crate::protocol) probes: Probes,
    pub(in crate::protocol) relays: Relays,
    /// When each suspicion ends.
    pub(in crate::protocol) suspects: Deadlines,
    pub(in crate::protocol) anti_entropy: AntiEntropy,
    pub(in crate::protocol) unreached: Unreached,
    pub(in crate::protocol) voices: Voices,
    pub(in crate::protocol) strangers: Strangers,
}
