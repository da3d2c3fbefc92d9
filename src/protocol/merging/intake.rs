//! Rule R1: what is let in of what is heard. One bad entry never spoils the rest.

use std::sync::Arc;

use crate::protocol::context::Context;
use crate::protocol::members::Members;
use crate::protocol::types::base_url::{BaseUrl, MAX_BASE_URL_BYTES};
use crate::protocol::types::claim::Claim;
use crate::protocol::types::limits::Rejection;
use crate::protocol::types::time::{Incarnation, Now, Stamp};

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

/// Finds out whom a base URL names, in whatever spelling.
pub(in crate::protocol) fn identify(
    members: &Members,
    cx: &Context,
    base_url: &str,
) -> Result<Subject, Rejection> {
    identify_spelt(members, cx, base_url, |url| url)
}

/// Does the same for a text that may be kept as it is.
pub(in crate::protocol) fn identify_shared(
    members: &Members,
    cx: &Context,
    base_url: &Arc<str>,
) -> Result<Subject, Rejection> {
    identify_spelt(members, cx, base_url, |url| url.sharing(base_url))
}

fn identify_spelt(
    members: &Members,
    cx: &Context,
    base_url: &str,
    keep: impl FnOnce(BaseUrl) -> BaseUrl,
) -> Result<Subject, Rejection> {
    // Most entries come in their normal form and need no parsing.
    if let Some(subject) = look_up(members, base_url) {
        return Ok(subject);
    }
    let plain = BaseUrl::plain(base_url);
    if let Some(subject) = plain.as_ref().and_then(|plain| look_up(members, &plain.identity)) {
        return Ok(subject);
    }
    let url = match plain {
        Some(plain) => BaseUrl::spelt(base_url, plain),
        None if cx.parsing.spend(base_url.len().min(MAX_BASE_URL_BYTES)) => BaseUrl::parse(base_url),
        None => return Err(Rejection::TooUnusual),
    };
    let url = url.map(keep).map_err(Rejection::BaseUrl)?;
    if let Some(subject) = look_up(members, url.identity()) {
        return Ok(subject);
    }
    // A server that is at such an address itself has others there that it reaches.
    let accepted = cx.config.base_url.classes().accepted_of_others();
    let classes = url.classes().without(accepted);
    if classes.is_empty() { Ok(Subject::New(url)) } else { Err(Rejection::Address(classes.gravest())) }
}

fn look_up(members: &Members, identity: &str) -> Option<Subject> {
    if identity == members.me.identity() {
        return Some(Subject::Me);
    }
    let (identity, _) = members.roster.entry(identity)?;
    Some(Subject::Known(Arc::clone(identity)))
}

/// The incarnation that is held of another server.
pub(in crate::protocol) fn incarnation_of(members: &Members, cx: &Context, base_url: &str) -> Incarnation {
    match identify(members, cx, base_url) {
        Ok(Subject::Known(identity)) => {
            members.roster.get(&identity).map_or(Incarnation::NONE, |member| member.incarnation)
        }
        _ => Incarnation::NONE,
    }
}

/// What this server holds about the server with this base URL, itself included.
pub(in crate::protocol) fn claim_about(
    members: &Members,
    cx: &Context,
    base_url: &str,
    now: Now,
) -> Option<Claim> {
    match identify(members, cx, base_url).ok()? {
        Subject::Me => Some(members.me.claim()),
        Subject::Known(identity) => members.claim_about(&identity, now),
        Subject::New(_) => None,
    }
}

/// The stamp of a plain entry, unless it can't be one or lies too far ahead.
pub(in crate::protocol) fn check_stamp(last_update: f64, now: Now) -> Result<Stamp, Rejection> {
    if !(last_update.is_finite() && last_update >= 0.0) {
        return Err(Rejection::NotAStamp);
    }
    // A float beyond the range ends at its border, which lies far ahead.
    let stamp = Stamp(last_update as u64);
    if stamp.is_far_ahead(now) { Err(Rejection::FarAhead) } else { Ok(stamp) }
}
