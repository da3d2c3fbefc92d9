//! Limits that several components share, and the reasons for rejecting claims.

use std::fmt;
use std::time::Duration;

use crate::protocol::types::base_url::BaseUrlRejection;
use crate::protocol::types::base_url::address::AddressClasses;

/// Members of a roster, tombstones included; `SHAZBOT_MAX_SERVERS` may only lower it.
pub(in crate::protocol) const MAX_MEMBERS: usize = 100_000;
/// Time until a tombstone leaves the lists, from its stamp or from its arrival, whichever is
/// earlier.
pub(in crate::protocol) const TOMBSTONE_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// Time for which a tombstone is spread. Later it is sent only to servers that contradict it.
pub(in crate::protocol) const TOMBSTONE_SPREAD: Duration = Duration::from_secs(15 * 60);
/// Lag of the event loop above which this server cannot be expected to answer.
pub(in crate::protocol) const MAX_EVENT_LOOP_LAG: Duration = Duration::from_secs(1);
/// Bytes of claims in one message between native servers.
pub(in crate::protocol) const MAX_CLAIM_BYTES: usize = 60_000;
/// Bytes of claims in one message beside a page of plain lists.
pub(in crate::protocol) const MAX_CLAIM_BYTES_BESIDE_LISTS: usize = 8_000;

/// Why a claim was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::protocol) enum Rejection {
    /// Not an object with a string `baseUrl` and a number `lastUpdate`.
    Malformed,
    /// A malformed claim of the native extension.
    MalformedClaim,
    /// An invalid base URL.
    BaseUrl(BaseUrlRejection),
    /// An address that no server has, of this class.
    Address(AddressClasses),
    /// A base URL that no pattern of `SHAZBOT_ALLOW` matches.
    NotAllowed,
    /// The base URLs of the request would take longer to parse than one request may.
    TooUnusual,
    /// The stamp is not a finite number of 0 or more.
    NotAStamp,
    /// The stamp is more than 24 h ahead.
    FarAhead,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("an entry without a string baseUrl and a number lastUpdate"),
            Self::MalformedClaim => {
                f.write_str("a claim in v2 that cannot be read: its sender may run a newer version")
            }
            Self::BaseUrl(rejection) => rejection.fmt(f),
            Self::Address(classes) => {
                write!(f, "a base URL that names {classes}, where no server can be reached")
            }
            Self::NotAllowed => f.write_str("a base URL that SHAZBOT_ALLOW does not allow"),
            Self::TooUnusual => f.write_str("further base URLs with unusual characters in one message"),
            Self::NotAStamp => f.write_str("a lastUpdate that is not a finite number of 0 or more"),
            Self::FarAhead => f.write_str("a lastUpdate more than 24 hours ahead"),
        }
    }
}

/// Elements below which a container keeps its unused room.
const MANY: usize = 128;

/// The room that a container keeps after a removal, in elements, if less than a quarter is in use.
pub(in crate::protocol) fn room_to_keep(used: usize, capacity: usize) -> Option<usize> {
    (capacity > MANY && used < capacity / 4).then_some(2 * used)
}
