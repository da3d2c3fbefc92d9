//! Rule R1: the admission of entries and claims. An invalid entry never invalidates the rest.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use crate::protocol::context::Context;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::in_flight::{Exchange, OwnEntry, Purpose};
use crate::protocol::members::Members;
use crate::protocol::merging::clocks::Admission::{Admitted, Rejected};
use crate::protocol::merging::plain::{PlainClaim, PlainSource};
use crate::protocol::merging::{Merging, clocks};
use crate::protocol::types::allow::{Allowance, Target};
use crate::protocol::types::base_url::{BaseUrl, MAX_BASE_URL_BYTES};
use crate::protocol::types::claim::Claim;
use crate::protocol::types::ids::Source;
use crate::protocol::types::limits::Rejection;
use crate::protocol::types::status::ListKind;
use crate::protocol::types::time::{Incarnation, Now, Stamp};
use crate::protocol::wire::message::ReceivedEntry;

/// The server that a claim is about.
#[derive(Debug)]
pub(in crate::protocol) enum Subject<'a> {
    /// This server itself.
    LocalServer,
    /// A member.
    Known(Known<'a>),
    /// A server that is not a member.
    New(BaseUrl),
}

/// A member that a claim is about. It is looked up once, and its identity is shared with the claim
/// if possible, because a message may contain 100,000 claims.
#[derive(Debug)]
pub(in crate::protocol) struct Known<'a> {
    identity: Cow<'a, Arc<str>>,
    slot: usize,
}

impl<'a> Known<'a> {
    /// The member with this identity.
    #[inline]
    pub(in crate::protocol) fn of(members: &Members, identity: &'a Arc<str>) -> Option<Self> {
        Some(Self { slot: members.roster.slot_of(identity)?, identity: Cow::Borrowed(identity) })
    }

    /// Its slot in the roster, valid until a member is removed.
    #[inline]
    pub(in crate::protocol) fn slot(&self) -> usize {
        self.slot
    }

    pub(in crate::protocol) fn into_identity(self) -> Arc<str> {
        self.identity.into_owned()
    }
}

impl Deref for Known<'_> {
    type Target = Arc<str>;

    #[inline]
    fn deref(&self) -> &Arc<str> {
        &self.identity
    }
}

impl Subject<'_> {
    /// Returns the identity of another server; `None` for this one.
    pub(in crate::protocol) fn identity(&self) -> Option<&Arc<str>> {
        match self {
            Self::LocalServer => None,
            Self::Known(identity) => Some(identity),
            Self::New(url) => Some(url.identity()),
        }
    }

    /// Returns the identity of the subject, this server included.
    pub(in crate::protocol) fn name<'a>(&'a self, members: &'a Members) -> &'a str {
        self.identity().map_or_else(|| members.local.identity(), |identity| &**identity)
    }
}

/// An entry of a list.
#[derive(Debug, Clone, Copy)]
pub(in crate::protocol) struct ListEntry<'a> {
    pub(in crate::protocol) source: Source,
    pub(in crate::protocol) listed: ListKind,
    pub(in crate::protocol) entry: &'a ReceivedEntry<'a>,
}

impl Merging {
    /// Resolves the subject of a list entry, and checks its stamp. Returns `None` if there is
    /// nothing to merge.
    ///
    /// The answering server's own entry is not merged, but kept for the end of the exchange. All
    /// other entries of a list requested for a verification are ignored. `slot` is that of the
    /// member whose identity equals this base URL.
    #[inline]
    pub(in crate::protocol) fn take_in(
        &mut self,
        members: &Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        slot: Option<usize>,
        said: ListEntry<'_>,
        now: Now,
    ) -> Option<(Subject<'static>, PlainClaim)> {
        let ListEntry { source, listed, entry } = said;
        let stamp = match check_stamp(entry.last_update, now) {
            Ok(stamp) => Some(stamp),
            Err(Rejection::FarAhead) => None,
            Err(rejection) => return reject(cx, rejection, &entry.base_url),
        };
        let subject = match slot.and_then(|slot| Some((slot, members.roster.at(slot)?))) {
            Some((slot, (identity, _))) => {
                Ok(Subject::Known(Known { identity: Cow::Owned(identity.into()), slot }))
            }
            None => identify_missed(members, cx, &entry.base_url, |url| url),
        };
        let subject = match subject {
            Ok(subject) => subject,
            Err(rejection) => return reject(cx, rejection, &entry.base_url),
        };
        if let Subject::New(url) = &subject {
            self.mistakes.warn_about(cx, url);
        }
        let plain_source = match source {
            Source::Request => PlainSource::Peer,
            Source::Exchange(id) => {
                let exchange = exchanges.in_flight.get_mut(id)?;
                if subject.identity() == Some(&exchange.peer) {
                    self.record_own_entry(members, cx, exchange, said, stamp, now);
                    return None;
                }
                if exchange.purpose == Purpose::Inquiry {
                    return None;
                }
                PlainSource::Peer
            }
            Source::MasterList => {
                if !matches!(subject, Subject::LocalServer) {
                    let is_admitted = stamp.is_some();
                    self.rejected.count_listed(if is_admitted { Admitted } else { Rejected });
                }
                PlainSource::MasterList
            }
        };
        let Some(stamp) = stamp else {
            self.rejected.reject_far_ahead(members, cx, subject.name(members), now);
            if let Some(identity) = subject.identity() {
                clocks::check_far_ahead(members, cx, identity, listed.status(), now);
            }
            return None;
        };
        Some((
            subject,
            PlainClaim { status: listed.status(), monitor: entry.monitor, stamp, source: plain_source },
        ))
    }

    /// Keeps the answering server's own entry. If its stamp is too far ahead, the present replaces
    /// it.
    fn record_own_entry(
        &mut self,
        members: &Members,
        cx: &mut Context,
        exchange: &mut Exchange,
        said: ListEntry<'_>,
        stamp: Option<Stamp>,
        now: Now,
    ) {
        if stamp.is_none() {
            self.rejected.reject_far_ahead(members, cx, &exchange.peer, now);
        }
        let Ok(url) = BaseUrl::parse(&said.entry.base_url) else { return };
        exchange.record_own_entry(OwnEntry {
            online: said.listed == ListKind::Online,
            spelling: Arc::clone(url.spelling()),
            monitor: said.entry.monitor,
            stamp: stamp.unwrap_or(now.wall),
        });
    }
}

/// Logs the rejection of a claim about a base URL. Returns `None`.
#[cold]
pub(in crate::protocol) fn reject<T>(cx: &mut Context, rejection: Rejection, base_url: &str) -> Option<T> {
    match rejection {
        // The base URL is valid, so it contains no credentials.
        Rejection::NotAllowed => cx.log_rejection_of(rejection, base_url),
        _ => cx.log_rejection(rejection),
    }
    None
}

/// Resolves a base URL, in any spelling, to its subject.
#[inline]
pub(in crate::protocol) fn identify(
    members: &Members,
    cx: &Context,
    base_url: &str,
) -> Result<Subject<'static>, Rejection> {
    if let Some(subject) = look_up(members, base_url, || Cow::Owned(base_url.into())) {
        return Ok(subject);
    }
    identify_missed(members, cx, base_url, |url| url)
}

/// Like [`identify`], but shares the text if possible.
#[inline]
pub(in crate::protocol) fn identify_shared<'a>(
    members: &Members,
    cx: &Context,
    base_url: &'a Arc<str>,
) -> Result<Subject<'a>, Rejection> {
    // Most URLs are normalised already and need no parsing.
    if let Some(subject) = look_up(members, base_url, || Cow::Borrowed(base_url)) {
        return Ok(subject);
    }
    identify_missed(members, cx, base_url, |url| url.sharing(base_url))
}

/// Like [`identify_shared`]. `slot` is that of the member whose identity equals this base URL, if
/// it was looked up ahead.
#[inline]
pub(in crate::protocol) fn identify_at<'a>(
    members: &Members,
    cx: &Context,
    slot: Option<usize>,
    base_url: &'a Arc<str>,
) -> Result<Subject<'a>, Rejection> {
    match slot {
        Some(slot) => Ok(Subject::Known(Known { identity: Cow::Borrowed(base_url), slot })),
        None => identify_shared(members, cx, base_url),
    }
}

/// Like [`identify`], for a text that is not the identity of a member.
fn identify_missed(
    members: &Members,
    cx: &Context,
    base_url: &str,
    keep: impl FnOnce(BaseUrl) -> BaseUrl,
) -> Result<Subject<'static>, Rejection> {
    if base_url == members.local.identity() {
        return Ok(Subject::LocalServer);
    }
    let plain = BaseUrl::plain(base_url);
    if let Some(subject) =
        plain.as_ref().and_then(|plain| look_up(members, &plain.identity, || owned(&plain.identity)))
    {
        return Ok(subject);
    }
    let is_parsed = plain.is_none();
    let url = match plain {
        Some(plain) => BaseUrl::spelt(base_url, plain),
        None if cx.parsing.try_spend(base_url.len().min(MAX_BASE_URL_BYTES)) => BaseUrl::parse(base_url),
        None => return Err(Rejection::TooUnusual),
    };
    let url = url.map(keep).map_err(Rejection::BaseUrl)?;
    if is_parsed && let Some(subject) = look_up(members, url.identity(), || owned(url.identity())) {
        return Ok(subject);
    }
    // If this server has such an address itself, it can reach others with one.
    let accepted = cx.config.base_url.classes().accepted_of_others();
    let classes = url.classes().without(accepted);
    if !classes.is_empty() {
        return Err(Rejection::Address(classes.gravest()));
    }
    if may_be_contacted(cx, &url) { Ok(Subject::New(url)) } else { Err(Rejection::NotAllowed) }
}

/// Whether this server may contact a server, as far as that is known before its name is resolved.
fn may_be_contacted(cx: &Context, url: &BaseUrl) -> bool {
    cx.config.allowed.as_ref().is_none_or(|allowed| {
        Target::of_identity(url.identity()).is_some_and(|target| allowed.judge(target) != Allowance::Refused)
    })
}

#[inline]
fn look_up<'a>(
    members: &Members,
    identity: &str,
    share: impl FnOnce() -> Cow<'a, Arc<str>>,
) -> Option<Subject<'a>> {
    if identity == members.local.identity() {
        return Some(Subject::LocalServer);
    }
    let slot = members.roster.slot_of(identity)?;
    Some(Subject::Known(Known { identity: share(), slot }))
}

fn owned(identity: &str) -> Cow<'static, Arc<str>> {
    Cow::Owned(identity.into())
}

/// Returns the known incarnation of the sender of a message.
pub(in crate::protocol) fn incarnation_of_sender(
    members: &Members,
    cx: &Context,
    base_url: &Arc<str>,
) -> Incarnation {
    match identify_shared(members, cx, base_url) {
        Ok(Subject::Known(known)) => {
            members.roster.remember_sender(&known, known.slot);
            members.roster.at(known.slot).map_or(Incarnation::NONE, |(_, member)| member.incarnation())
        }
        _ => Incarnation::NONE,
    }
}

/// Returns the claim that this server holds about the server with this base URL, itself included.
pub(in crate::protocol) fn claim_about(
    members: &Members,
    cx: &Context,
    base_url: &str,
    now: Now,
) -> Option<Claim> {
    match identify(members, cx, base_url).ok()? {
        Subject::LocalServer => Some(members.local.claim()),
        Subject::Known(known) => {
            let (_, member) = members.roster.at(known.slot)?;
            Some(members.roster.claim(known.into_identity(), member, now))
        }
        Subject::New(_) => None,
    }
}

/// Returns the stamp of a plain entry, unless it is invalid or too far ahead.
#[inline]
pub(in crate::protocol) fn check_stamp(last_update: f64, now: Now) -> Result<Stamp, Rejection> {
    if !(last_update.is_finite() && last_update >= 0.0) {
        return Err(Rejection::NotAStamp);
    }
    // The cast saturates, and the largest stamp is too far ahead.
    let stamp = Stamp(last_update as u64);
    if stamp.is_far_ahead(now) { Err(Rejection::FarAhead) } else { Ok(stamp) }
}
