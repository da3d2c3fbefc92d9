//! Rule R1: what is let in of what is heard. One bad entry never spoils the rest.

use std::sync::Arc;

use crate::protocol::machine::Machine;
use crate::protocol::types::base_url::{BaseUrl, MAX_BASE_URL_BYTES};
use crate::protocol::types::limits::Rejection;
use crate::protocol::types::time::{Now, Stamp};
use crate::protocol::wire::message::ReceivedEntry;

/// Whom a claim is about.
#[derive(Debug)]
pub(in crate::protocol) enum Subject {
    /// This server itself.
    Me,
    /// A server of the roster, by its identity.
    Known(Arc<str>),
    /// A server not heard of yet.
    New(BaseUrl),
}

impl Subject {
    /// The identity of another server, known or not.
    pub(in crate::protocol) fn identity(&self) -> Option<&Arc<str>> {
        match self {
            Self::Me => None,
            Self::Known(identity) => Some(identity),
            Self::New(url) => Some(url.identity()),
        }
    }
}

impl Machine {
    /// Finds out whom an entry is about, and checks its stamp.
    pub(in crate::protocol) fn take_in(
        &self,
        entry: &ReceivedEntry<'_>,
        now: Now,
    ) -> Result<(Subject, Stamp), Rejection> {
        let stamp = check_stamp(entry.last_update, now)?;
        Ok((self.identify(&entry.base_url)?, stamp))
    }

    /// Finds out whom a base URL names, in whatever spelling.
    pub(in crate::protocol) fn identify(&self, base_url: &str) -> Result<Subject, Rejection> {
        self.identify_spelt(base_url, |url| url)
    }

    /// As `identify`, for a text that may be kept as it is.
    pub(in crate::protocol) fn identify_shared(&self, base_url: &Arc<str>) -> Result<Subject, Rejection> {
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
            None if self.cx.parsing.spend(base_url.len().min(MAX_BASE_URL_BYTES)) => BaseUrl::parse(base_url),
            None => return Err(Rejection::TooUnusual),
        };
        let url = url.map(keep).map_err(Rejection::BaseUrl)?;
        if let Some(subject) = self.look_up(url.identity()) {
            return Ok(subject);
        }
        // Whoever is at such an address itself has others there that it reaches.
        let accepted = self.cx.config.base_url.classes().accepted_of_others();
        let classes = url.classes().without(accepted);
        if classes.is_empty() { Ok(Subject::New(url)) } else { Err(Rejection::Address(classes.gravest())) }
    }

    fn look_up(&self, identity: &str) -> Option<Subject> {
        if identity == self.members.me.identity() {
            return Some(Subject::Me);
        }
        let (identity, _) = self.members.roster.entry(identity)?;
        Some(Subject::Known(Arc::clone(identity)))
    }
}

pub(in crate::protocol) fn check_stamp(last_update: f64, now: Now) -> Result<Stamp, Rejection> {
    if !(last_update.is_finite() && last_update >= 0.0) {
        return Err(Rejection::NotAStamp);
    }
    // A float beyond the range ends at its border, which lies far ahead.
    let stamp = Stamp(last_update as u64);
    if stamp.is_far_ahead(now) { Err(Rejection::FarAhead) } else { Ok(stamp) }
}
