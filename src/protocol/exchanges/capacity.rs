//! How many requests may be in flight: so many with native servers, so many with legacy peers.
//!
//! Requests to servers that nobody has met may all hang. So they have limits of their own, and take no room from others.

use crate::protocol::context::Context;
use crate::protocol::context::rate_limit::TokenBucket;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::in_flight::{Exchange, MAX_UNDER_WAY, Purpose};
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;

/// Requests in flight to native servers. Legacy peers have a limit of their own, so their timeouts hold up none of these.
const MAX_IN_FLIGHT: usize = 16;

/// Pushes that may be sent at once, rumours included.
const PUSHES: u64 = 30;
/// Pause after which one more may, in milliseconds: 30 a second, whatever others tell this server.
const PUSH_PAUSE_MS: u64 = 33;

/// Limits how often news are pushed.
pub(in crate::protocol) type PushBudget = TokenBucket<PUSHES, PUSH_PAUSE_MS>;

/// Which limit a request counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Quota {
    /// That of native servers or of legacy peers, by how its peer is met.
    ByPeer,
    /// That of unconfirmed entries of the master list.
    Listings,
    /// That of native servers known by hearsay alone.
    Strangers,
}

impl Exchanges {
    /// How many more requests to native servers may be sent.
    pub(in crate::protocol) fn native_room(&self, members: &Members, cx: &Context) -> usize {
        let others = self.requests_to_legacy_peers(members) + self.requests_to_unmet(members);
        room_beside(cx, self.in_flight.len().saturating_sub(others))
    }

    /// How many more requests to legacy peers may be sent.
    pub(in crate::protocol) fn legacy_room(&self, members: &Members, cx: &Context) -> usize {
        room_beside(cx, self.requests_to_legacy_peers(members))
    }

    /// Whether one more request may be sent to this peer.
    pub(in crate::protocol) fn has_room_for(&self, members: &Members, cx: &Context, peer: &str) -> bool {
        let is_native = members.is_met_natively(cx, peer);
        let room = if is_native { self.native_room(members, cx) } else { self.legacy_room(members, cx) };
        room > 0
    }

    /// How many requests to legacy peers are in flight, without those to servers that nobody has met.
    pub(in crate::protocol) fn requests_to_legacy_peers(&self, members: &Members) -> usize {
        let is_legacy = |peer: &str| members.roster.get(peer).is_some_and(Member::is_met_as_legacy);
        let in_flight = self.in_flight.iter().filter(|(_, exchange)| exchange.quota != Quota::Listings);
        in_flight
            .filter(|(_, exchange)| is_legacy(&exchange.peer) && !greets_unmet(members, exchange))
            .count()
    }

    /// How many requests to servers that nobody has met are in flight.
    pub(in crate::protocol) fn requests_to_unmet(&self, members: &Members) -> usize {
        let is_counted_apart =
            |exchange: &Exchange| exchange.quota != Quota::ByPeer || greets_unmet(members, exchange);
        self.in_flight.iter().filter(|(_, exchange)| is_counted_apart(exchange)).count()
    }
}

// Without the extension a server asks as many at once as version 1 does, within reason.
fn room_beside(cx: &Context, requests: usize) -> usize {
    let cap = if cx.is_native() { MAX_IN_FLIGHT } else { MAX_UNDER_WAY };
    cap.saturating_sub(requests)
}

/// Whether this is the greeting of an entry that only the master list has named: it may hang.
fn greets_unmet(members: &Members, exchange: &Exchange) -> bool {
    let is_unmet = |member: &Member| member.is_unconfirmed && member.is_met_as_legacy();
    matches!(exchange.purpose, Purpose::Greeting | Purpose::Introduction)
        && members.roster.get(&exchange.peer).is_some_and(is_unmet)
}
