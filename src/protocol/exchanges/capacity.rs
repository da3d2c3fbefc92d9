//! Limits of requests in flight: one for native servers, one for legacy peers.
//!
//! Requests to servers that no server has met may all hang. So they count against separate limits.

use crate::protocol::context::Context;
use crate::protocol::context::rate_limit::TokenBucket;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::in_flight::{Exchange, MAX_REQUESTS, Purpose};
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;

/// Requests in flight to native servers. Legacy peers have a separate limit, so their timeouts do
/// not delay these.
const MAX_NATIVE_IN_FLIGHT: usize = 16;

/// Pushes in a burst, rumours included.
const PUSHES: u64 = 30;
/// Time until one more push may be sent, in milliseconds: 30 per second, however much news arrives.
const PUSH_PAUSE_MS: u64 = 33;

/// Limits the rate of pushes.
pub(in crate::protocol) type PushBudget = TokenBucket<PUSHES, PUSH_PAUSE_MS>;

/// The limit against which a request counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Quota {
    /// The limit for native servers or for legacy peers, by how the peer is contacted.
    ByPeer,
    /// The limit for unconfirmed entries of the master list.
    Listings,
    /// The limit for native servers known by hearsay alone.
    Strangers,
}

impl Exchanges {
    /// The number of further requests that may be sent to native servers.
    #[inline]
    pub(in crate::protocol) fn native_room(&self, members: &Members, cx: &Context) -> usize {
        let others = self.requests_to_legacy_peers(members) + self.requests_to_unmet(members);
        room_left(cx, self.in_flight.len().saturating_sub(others))
    }

    /// The number of further requests that may be sent to legacy peers.
    #[inline]
    pub(in crate::protocol) fn legacy_room(&self, members: &Members, cx: &Context) -> usize {
        room_left(cx, self.requests_to_legacy_peers(members))
    }

    /// Whether another request may be sent to this peer.
    pub(in crate::protocol) fn has_room_for(&self, members: &Members, cx: &Context, peer: &str) -> bool {
        let is_native = members.is_contacted_natively(cx, peer);
        let room = if is_native { self.native_room(members, cx) } else { self.legacy_room(members, cx) };
        room > 0
    }

    /// The number of requests in flight to legacy peers, except servers that no server has met.
    #[inline]
    pub(in crate::protocol) fn requests_to_legacy_peers(&self, members: &Members) -> usize {
        let is_legacy = |peer: &str| members.roster.get(peer).is_some_and(Member::is_contacted_as_legacy);
        let in_flight = self.in_flight.iter().filter(|(_, exchange)| exchange.quota != Quota::Listings);
        in_flight
            .filter(|(_, exchange)| is_legacy(&exchange.peer) && !greets_unmet(members, exchange))
            .count()
    }

    /// The number of requests in flight to servers that no server has met.
    #[inline]
    pub(in crate::protocol) fn requests_to_unmet(&self, members: &Members) -> usize {
        let is_counted_apart =
            |exchange: &Exchange| exchange.quota != Quota::ByPeer || greets_unmet(members, exchange);
        self.in_flight.iter().filter(|(_, exchange)| is_counted_apart(exchange)).count()
    }
}

// Without the extension, a server sends as many requests at once as version 1, up to a high limit.
fn room_left(cx: &Context, requests: usize) -> usize {
    let cap = if cx.is_native() { MAX_NATIVE_IN_FLIGHT } else { MAX_REQUESTS };
    cap.saturating_sub(requests)
}

/// Whether this greets an entry that only the master list has named, which may hang.
fn greets_unmet(members: &Members, exchange: &Exchange) -> bool {
    let is_unmet = |member: &Member| member.is_unconfirmed() && member.is_contacted_as_legacy();
    matches!(exchange.purpose, Purpose::Greeting | Purpose::Introduction)
        && members.roster.get(&exchange.peer).is_some_and(is_unmet)
}
