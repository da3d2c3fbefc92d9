//! How many claims were refused, for operators.

use crate::protocol::types::limits::Rejection;

/// Why a claim was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Refused {
    /// It cannot be read.
    Malformed,
    /// Its base URL is invalid.
    Url,
    /// No server has an address like that in its base URL.
    Address,
    /// `SHAZBOT_ALLOW` does not allow its base URL.
    NotAllowed,
    /// The base URLs of its message take too long to parse.
    Unusual,
    /// Its stamp is no valid number.
    Stamp,
    /// Its stamp is more than 24 h ahead.
    FarAhead,
    /// Its sender has named too many new servers.
    Surplus,
    /// The roster is full.
    Full,
}

/// The number of reasons.
pub const REFUSAL_REASONS: usize = Refused::Full as usize + 1;

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Malformed | Rejection::MalformedClaim => Self::Malformed,
            Rejection::BaseUrl(_) => Self::Url,
            Rejection::Address(_) => Self::Address,
            Rejection::NotAllowed => Self::NotAllowed,
            Rejection::TooUnusual => Self::Unusual,
            Rejection::NotAStamp => Self::Stamp,
            Rejection::FarAhead => Self::FarAhead,
        }
    }
}

/// The number of refused claims for each reason, in the order of their declaration.
#[derive(Debug, Default)]
pub(in crate::protocol) struct RefusedClaims([u64; REFUSAL_REASONS]);

impl RefusedClaims {
    pub(in crate::protocol) fn count(&mut self, reason: impl Into<Refused>, claims: usize) {
        self.0[reason.into() as usize] += claims as u64;
    }

    pub(in crate::protocol) fn by_reason(&self) -> &[u64; REFUSAL_REASONS] {
        &self.0
    }
}
