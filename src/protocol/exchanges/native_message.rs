//! Messages of the native extension.

use std::sync::Arc;

use crate::protocol::context::Context;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::members::Members;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::ids::NameKey;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Now};
use crate::protocol::wire::extension::{Extension, Finding, Kind};

/// A message to native servers, before it is addressed.
#[derive(Debug)]
pub(in crate::protocol) struct NativeMessage {
    pub(in crate::protocol) kind: Kind,
    pub(in crate::protocol) purpose: Purpose,
    pub(in crate::protocol) claims: Vec<Claim>,
    /// The subjects of the claims, in their order, if feedback about them is expected.
    pub(in crate::protocol) subjects: Arc<[NameKey]>,
    /// The spelling of a server, and what was found about it on the peer's behalf.
    pub(in crate::protocol) found: Option<(Arc<str>, Finding)>,
}

impl NativeMessage {
    pub(in crate::protocol) fn new(kind: Kind, purpose: Purpose) -> Self {
        Self { kind, purpose, claims: Vec::new(), subjects: Arc::default(), found: None }
    }

    pub(in crate::protocol) fn with_claims(self, claims: Vec<Claim>) -> Self {
        Self { claims, ..self }
    }
}

impl Exchanges {
    /// Returns an extension with these claims and the fields that every message has.
    #[inline]
    pub(in crate::protocol) fn extension(
        &self,
        members: &Members,
        kind: Kind,
        claims: Vec<Claim>,
    ) -> Extension {
        Extension {
            me: members.local.public_claim(),
            instance: self.instance,
            kind,
            living: u32::try_from(members.confirmed_count()).unwrap_or(u32::MAX),
            hash: members.digest().total(),
            lag: u32::try_from(self.health.lag().as_millis()).unwrap_or(u32::MAX),
            claims,
            malformed: 0,
            fresh: Vec::new(),
            found: None,
            elsewhere: Vec::new(),
            clock: None,
            siblings: false,
            epoch: 0,
        }
    }
}

/// Returns the message for this peer, if the native extension is offered to it.
pub(in crate::protocol) fn offer(
    members: &Members,
    cx: &Context,
    peer: &str,
    message: &Arc<Extension>,
    now: Now,
) -> Option<Arc<Extension>> {
    let member = members.roster.get(peer).filter(|_| cx.is_native())?;
    if member.ignores_extension(now.tick) {
        return None;
    }
    Some(with_accusation_notice(members, message, peer, now))
}

/// Returns the message, with the claim that its peer should refute, if any.
pub(in crate::protocol) fn with_accusation_notice(
    members: &Members,
    message: &Arc<Extension>,
    peer: &str,
    now: Now,
) -> Arc<Extension> {
    let mut message = Arc::clone(message);
    if let Some(notice) = accusation_notice(members, peer, None, now) {
        Arc::make_mut(&mut message).claims.push(notice);
    }
    message
}

/// The claim that a server should refute if it lives. `said` is the incarnation that it has just
/// claimed.
#[inline]
pub(in crate::protocol) fn accusation_notice(
    members: &Members,
    peer: &str,
    said: Option<Incarnation>,
    now: Now,
) -> Option<Claim> {
    let member = members.roster.get(peer)?;
    let is_outdated = said.is_some_and(|said| said < member.incarnation());
    if member.status() != Status::Online || is_outdated {
        return Some(members.roster.claim(peer, member, now));
    }
    (member.highest_seen() > member.stamp())
        .then(|| Claim::accusation(member.base_url(peer), member.highest_seen()))
}
