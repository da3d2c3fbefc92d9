//! Limits that several components share, and why something heard was not let in.

use std::fmt;
use std::time::Duration;

use crate::protocol::types::base_url::BaseUrlRejection;
use crate::protocol::types::base_url::address::AddressClasses;

/// No roster grows beyond this, tombstones included.
pub(in crate::protocol) const MAX_MEMBERS: usize = 100_000;
/// A tombstone leaves the lists so long after its stamp, or after it came, whichever is first.
pub(in crate::protocol) const TOMBSTONE_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// A tombstone is told unasked for so long; afterwards only to those who contradict it.
pub(in crate::protocol) const TOMBSTONE_TOLD: Duration = Duration::from_secs(15 * 60);
/// An event loop that lags so far behind keeps this server from answering.
pub(in crate::protocol) const LAGS: Duration = Duration::from_secs(1);
/// Bytes of claims in one message among native servers, at most.
pub(in crate::protocol) const MAX_CLAIM_BYTES: usize = 60_000;
/// Bytes of claims beside a page of plain lists, at most.
pub(in crate::protocol) const MAX_CLAIM_BYTES_BESIDE_LISTS: usize = 8_000;

/// Why something heard was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::protocol) enum Rejection {
    /// No object with a text `baseUrl` and a number `lastUpdate`.
    Malformed,
    /// A claim of the native extension that can't be read.
    MalformedClaim,
    /// The base URL can't be one.
    BaseUrl(BaseUrlRejection),
    /// No server has an address of this class.
    Address(AddressClasses),
    /// The base URLs of the request take a parser longer than that of one request may take.
    TooUnusual,
    /// The stamp is no finite number of 0 or more.
    NotAStamp,
    /// The stamp lies more than 24 h ahead.
    FarAhead,
    /// 100,000 servers are known already.
    RosterFull,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("an entry without a text baseUrl and a number lastUpdate"),
            Self::MalformedClaim => {
                f.write_str("a claim in v2 that can't be read: its sender may run a newer version")
            }
            Self::BaseUrl(rejection) => rejection.fmt(f),
            Self::Address(classes) => {
                write!(f, "a base URL that names {classes}, where no server is reached")
            }
            Self::TooUnusual => {
                f.write_str("the rest of many base URLs with unusual characters in one message")
            }
            Self::NotAStamp => f.write_str("a lastUpdate that is no finite number of 0 or more"),
            Self::FarAhead => f.write_str("a lastUpdate more than 24 hours ahead"),
            Self::RosterFull => f.write_str("a new server, as 100,000 are known already"),
        }
    }
}
