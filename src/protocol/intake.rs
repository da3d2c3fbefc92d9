//! Rule R1: what is let in of what is heard. One bad entry never spoils the rest.

use std::fmt;
use std::sync::Arc;

use super::address::AddressClasses;
use super::base_url::{BaseUrl, BaseUrlRejection, MAX_BASE_URL_BYTES};
use super::machine::Machine;
use super::message::HeardEntry;
use super::time::{Now, Stamp};

/// Whom a claim is about.
#[derive(Debug)]
pub(super) enum Subject {
    /// This server itself.
    Me,
    /// A server of the roster, by its identity.
    Known(Arc<str>),
    /// A server not heard of yet.
    New(BaseUrl),
}

impl Subject {
    /// The identity of another server, known or not.
    pub(super) fn identity(&self) -> Option<&Arc<str>> {
        match self {
            Self::Me => None,
            Self::Known(identity) => Some(identity),
            Self::New(url) => Some(url.identity()),
        }
    }
}

/// Why something heard was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rejection {
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

impl Machine {
    /// Finds out whom an entry is about, and checks its stamp.
    pub(super) fn take_in(&self, entry: &HeardEntry<'_>, now: Now) -> Result<(Subject, Stamp), Rejection> {
        let stamp = check_stamp(entry.last_update, now)?;
        Ok((self.identify(&entry.base_url)?, stamp))
    }

    /// Finds out whom a base URL names, in whatever spelling.
    pub(super) fn identify(&self, base_url: &str) -> Result<Subject, Rejection> {
        self.identify_spelt(base_url, |url| url)
    }

    /// As `identify`, for a text that may be kept as it is.
    pub(super) fn identify_shared(&self, base_url: &Arc<str>) -> Result<Subject, Rejection> {
        self.identify_spelt(base_url, |url| url.sharing(base_url))
    }

    fn identify_spelt(
        &self,
        base_url: &str,
        keep: impl FnOnce(BaseUrl) -> BaseUrl,
    ) -> Result<Subject, Rejection> {
        // Most entries come in their normal form and need no parsing.
        if let Some(subject) = self.look_up(base_url) {
            return Ok(subject);
        }
        let plain = BaseUrl::plain(base_url);
        if let Some(subject) = plain.as_ref().and_then(|plain| self.look_up(&plain.identity)) {
            return Ok(subject);
        }
        let url = match plain {
            Some(plain) => BaseUrl::spelt(base_url, plain),
            None if self.parsing.spend(base_url.len().min(MAX_BASE_URL_BYTES)) => BaseUrl::parse(base_url),
            None => return Err(Rejection::TooUnusual),
        };
        let url = url.map(keep).map_err(Rejection::BaseUrl)?;
        if let Some(subject) = self.look_up(url.identity()) {
            return Ok(subject);
        }
        // Whoever is at such an address itself has others there that it reaches.
        let accepted = self.config.base_url.classes().accepted_of_others();
        let classes = url.classes().without(accepted);
        if classes.is_empty() { Ok(Subject::New(url)) } else { Err(Rejection::Address(classes.gravest())) }
    }

    fn look_up(&self, identity: &str) -> Option<Subject> {
        if identity == self.me.identity() {
            return Some(Subject::Me);
        }
        let (identity, _) = self.roster.entry(identity)?;
        Some(Subject::Known(Arc::clone(identity)))
    }
}

pub(super) fn check_stamp(last_update: f64, now: Now) -> Result<Stamp, Rejection> {
    if !(last_update.is_finite() && last_update >= 0.0) {
        return Err(Rejection::NotAStamp);
    }
    // A float beyond the range ends at its border, which lies far ahead.
    let stamp = Stamp(last_update as u64);
    if stamp.is_far_ahead(now) { Err(Rejection::FarAhead) } else { Ok(stamp) }
}
