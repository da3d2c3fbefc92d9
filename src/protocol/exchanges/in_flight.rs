//! Requests in flight.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::protocol::exchanges::capacity::Quota;
use crate::protocol::members::member::proof::Proof;
use crate::protocol::members::member::unproved_answers::Route;
use crate::protocol::types::ids::{ExchangeId, NameKey, Origin};
use crate::protocol::types::time::{Stamp, Tick};

/// Timeout of requests whose answers need not be native.
pub(in crate::protocol) const PEER_TIMEOUT: Duration = Duration::from_secs(5);
/// Requests in flight to all peers together. A native server sends far fewer: 16 to each kind of
/// server, and 40 more at a start or a leave. Without the native extension, this alone limits
/// requests to peers that hang.
pub(in crate::protocol) const MAX_REQUESTS: usize = 512;

/// The purpose of a request, which decides what its failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Purpose {
    /// The first or second try of a gossip round.
    Round,
    /// The greeting of a starting server.
    Greeting,
    /// A greeting that also requests the full roster.
    Introduction,
    /// Urgent news, and the first exchange with a server that has returned.
    Push,
    /// The farewell of a leaving server.
    Farewell,
    /// A verification by a request for the list.
    Inquiry,
    /// A verification by gossip, if the list is not available.
    Trial,
    /// A probe of a native server.
    Probe,
    /// A probe on behalf of another server.
    Relay,
    /// A claim against a native server, for it to refute.
    AccusationNotice,
    /// A request to a native helper to probe a third server.
    ProbeFor,
    /// A comparison of rosters.
    Sync,
    /// Recent deaths and leaves, for a legacy peer.
    DeathNotices,
    /// A request to this server's own URL.
    OwnUrl,
}

impl Purpose {
    pub(in crate::protocol) fn is_verification(self) -> bool {
        matches!(self, Self::Inquiry | Self::Trial)
    }

    /// What the answering server's own entry in the answer proves.
    pub(in crate::protocol) fn proof(self) -> Proof {
        if self == Self::Inquiry { Proof::List } else { Proof::Exchange }
    }

    /// The route of the request.
    pub(in crate::protocol) fn route(self) -> Route {
        if self == Self::Inquiry { Route::List } else { Route::Gossip }
    }

    /// The origin of the claims in the answer: news, or a roster that was requested.
    pub(in crate::protocol) fn origin(self) -> Origin {
        if matches!(self, Self::Sync | Self::Introduction) { Origin::Transfer } else { Origin::Rumour }
    }
}

/// What the answering server claims about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::protocol) struct OwnEntry {
    pub(in crate::protocol) online: bool,
    pub(in crate::protocol) spelling: Arc<str>,
    pub(in crate::protocol) monitor: bool,
    pub(in crate::protocol) stamp: Stamp,
}

/// A request in flight, and what its answer has contained so far.
#[derive(Debug)]
pub(in crate::protocol) struct Exchange {
    pub(in crate::protocol) peer: Arc<str>,
    pub(in crate::protocol) purpose: Purpose,
    pub(in crate::protocol) quota: Quota,
    pub(in crate::protocol) own_entry: Option<OwnEntry>,
    pub(in crate::protocol) began: Tick,
    /// Whether the answer has been merged already, in slices.
    is_merged: bool,
    /// The subjects of its native claims, in their order.
    pub(in crate::protocol) subjects: Arc<[NameKey]>,
}

impl Exchange {
    /// Records that the answer has been merged, in slices.
    pub(in crate::protocol) fn mark_merged(&mut self) {
        self.is_merged = true;
    }

    /// Whether the answer has been merged already.
    pub(in crate::protocol) fn is_merged(&self) -> bool {
        self.is_merged
    }

    /// Keeps the newest own entry. An online entry beats a tombstone: a legacy peer that has
    /// received its tombstone shows itself online again, but keeps the tombstone in its other list.
    pub(in crate::protocol) fn record_own_entry(&mut self, own: OwnEntry) {
        let rank = |own: &OwnEntry| (own.online, own.stamp);
        if self.own_entry.as_ref().is_none_or(|held| rank(held) < rank(&own)) {
            self.own_entry = Some(own);
        }
    }
}

/// All requests in flight.
#[derive(Debug, Default)]
pub(in crate::protocol) struct InFlight {
    by_id: BTreeMap<ExchangeId, Exchange>,
    /// The requests to each peer in ascending order, mostly one. A claim about a peer asks for
    /// them, and a message may have thousands of claims.
    by_peer: BTreeMap<Arc<str>, Vec<ExchangeId>>,
    last_id: u64,
}

impl InFlight {
    pub(in crate::protocol) fn begin(&mut self, peer: Arc<str>, purpose: Purpose, now: Tick) -> ExchangeId {
        self.begin_with_claims(peer, purpose, Arc::default(), now)
    }

    pub(in crate::protocol) fn begin_with_claims(
        &mut self,
        peer: Arc<str>,
        purpose: Purpose,
        subjects: Arc<[NameKey]>,
        now: Tick,
    ) -> ExchangeId {
        let id = self.next_id();
        self.by_peer.entry(Arc::clone(&peer)).or_default().push(id);
        let quota = Quota::ByPeer;
        let exchange =
            Exchange { peer, purpose, quota, own_entry: None, began: now, is_merged: false, subjects };
        self.by_id.insert(id, exchange);
        id
    }

    /// Counts a request against a limit other than that of its peer.
    pub(in crate::protocol) fn count_against(&mut self, id: ExchangeId, quota: Quota) {
        if let Some(exchange) = self.by_id.get_mut(&id) {
            exchange.quota = quota;
        }
    }

    /// The number of requests that count against this limit.
    pub(in crate::protocol) fn counted_against(&self, quota: Quota) -> usize {
        self.by_id.values().filter(|exchange| exchange.quota == quota).count()
    }

    pub(in crate::protocol) fn next_id(&mut self) -> ExchangeId {
        self.last_id += 1;
        ExchangeId(self.last_id)
    }

    pub(in crate::protocol) fn end(&mut self, id: ExchangeId) -> Option<Exchange> {
        let exchange = self.by_id.remove(&id)?;
        if let Some(ids) = self.by_peer.get_mut(&exchange.peer) {
            ids.retain(|held| *held != id);
            if ids.is_empty() {
                self.by_peer.remove(&exchange.peer);
            }
        }
        Some(exchange)
    }

    pub(in crate::protocol) fn get_mut(&mut self, id: ExchangeId) -> Option<&mut Exchange> {
        self.by_id.get_mut(&id)
    }

    pub(in crate::protocol) fn is_to_own_url(&self, id: ExchangeId) -> bool {
        self.by_id.get(&id).is_some_and(|exchange| exchange.purpose == Purpose::OwnUrl)
    }

    pub(in crate::protocol) fn abandon_all(&mut self) {
        self.by_id.clear();
        self.by_peer.clear();
    }

    /// Whether a gossip exchange with this peer is in flight. There is never a second one.
    pub(in crate::protocol) fn has_exchange_with(&self, peer: &str) -> bool {
        self.purposes_to(peer).any(|purpose| purpose != Purpose::Inquiry)
    }

    /// Whether a verification of this peer is in flight.
    pub(in crate::protocol) fn is_verifying(&self, peer: &str) -> bool {
        self.purposes_to(peer).any(Purpose::is_verification)
    }

    fn purposes_to(&self, peer: &str) -> impl Iterator<Item = Purpose> {
        self.ids_to(peer).iter().filter_map(|id| Some(self.by_id.get(id)?.purpose))
    }

    fn ids_to(&self, peer: &str) -> &[ExchangeId] {
        self.by_peer.get(peer).map_or(&[], Vec::as_slice)
    }

    /// The requests in flight.
    pub(in crate::protocol) fn iter(&self) -> impl Iterator<Item = (ExchangeId, &Exchange)> {
        self.by_id.iter().map(|(id, exchange)| (*id, exchange))
    }

    pub(in crate::protocol) fn get(&self, id: ExchangeId) -> Option<&Exchange> {
        self.by_id.get(&id)
    }

    pub(in crate::protocol) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The last request in flight to this peer.
    pub(in crate::protocol) fn last_to(&self, peer: &str) -> Option<ExchangeId> {
        self.ids_to(peer).last().copied()
    }

    /// The latest request.
    #[cfg(test)]
    pub(in crate::protocol) fn last(&self) -> ExchangeId {
        ExchangeId(self.last_id)
    }

    pub(in crate::protocol) fn count(&self, wanted: impl Fn(Purpose) -> bool) -> usize {
        self.by_id.values().filter(|exchange| wanted(exchange.purpose)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_found_by_their_peer_until_they_end() {
        let mut in_flight = InFlight::default();
        let [a, b]: [Arc<str>; 2] = ["http://a/".into(), "http://b/".into()];
        let round = in_flight.begin(Arc::clone(&a), Purpose::Round, Tick(0));
        let inquiry = in_flight.begin(Arc::clone(&a), Purpose::Inquiry, Tick(0));
        let trial = in_flight.begin(Arc::clone(&b), Purpose::Trial, Tick(0));
        let found = |in_flight: &InFlight, peer: &str| {
            (in_flight.last_to(peer), in_flight.has_exchange_with(peer), in_flight.is_verifying(peer))
        };
        assert_eq!(found(&in_flight, &a), (Some(inquiry), true, true));
        assert_eq!(found(&in_flight, &b), (Some(trial), true, true));
        in_flight.end(round);
        assert_eq!(found(&in_flight, &a), (Some(inquiry), false, true));
        assert!(in_flight.end(round).is_none());
        let push = in_flight.begin(Arc::clone(&a), Purpose::Push, Tick(0));
        in_flight.end(inquiry);
        assert_eq!(found(&in_flight, &a), (Some(push), true, false));
        in_flight.end(push);
        in_flight.end(trial);
        assert_eq!(found(&in_flight, &a), (None, false, false));
        assert!(in_flight.by_peer.is_empty());
        in_flight.begin(b, Purpose::Round, Tick(0));
        in_flight.abandon_all();
        assert!(in_flight.by_peer.is_empty());
    }
}
