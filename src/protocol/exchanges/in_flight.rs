//! Requests whose answers are awaited.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::protocol::exchanges::capacity::Quota;
use crate::protocol::members::member::doubts::Route;
use crate::protocol::members::member::proof::Proof;
use crate::protocol::types::ids::{ExchangeId, Origin};
use crate::protocol::types::time::{Stamp, Tick};

/// Time that a peer has to answer, where the answer need not be native.
pub(in crate::protocol) const PEER_TIMEOUT: Duration = Duration::from_secs(5);
/// Requests under way to all peers together. Far above what a native server makes (16 to servers of either kind, and 40
/// more at a start or a leave); without the native extension only this keeps peers that hang from adding up.
pub(in crate::protocol) const MAX_UNDER_WAY: usize = 512;

/// What a request is for; decides what its failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Purpose {
    /// The first or second try of a gossip round.
    Round,
    /// The announcement at start.
    Greeting,
    /// The announcement that also asks for all that is known.
    Introduction,
    /// News that can't wait, and the first exchange with one that came back.
    Push,
    /// The announcement of a leave.
    Farewell,
    /// A verification: its list is asked for.
    Inquiry,
    /// A verification of one that offers no list: by gossip.
    Trial,
    /// Whether a native server answers.
    Probe,
    /// The same, on another server's behalf.
    Relay,
    /// A native server is told what is held against it.
    AccusationNotice,
    /// A native helper is asked to probe a third server.
    ProbeFor,
    /// Rosters are compared.
    Sync,
    /// A legacy peer is told who has died or left.
    DeathNotices,
    /// This server asks its own URL.
    OwnUrl,
}

impl Purpose {
    pub(in crate::protocol) fn is_verification(self) -> bool {
        matches!(self, Self::Inquiry | Self::Trial)
    }

    /// What the answerer's own word in it proves.
    pub(in crate::protocol) fn proof(self) -> Proof {
        if self == Self::Inquiry { Proof::List } else { Proof::Exchange }
    }

    /// How it asks.
    pub(in crate::protocol) fn route(self) -> Route {
        if self == Self::Inquiry { Route::List } else { Route::Gossip }
    }

    /// What the claims in the answer are: news, or a roster that was requested.
    pub(in crate::protocol) fn origin(self) -> Origin {
        if matches!(self, Self::Sync | Self::Introduction) { Origin::Transfer } else { Origin::Rumour }
    }
}

/// What the answering server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::protocol) struct OwnWord {
    pub(in crate::protocol) online: bool,
    pub(in crate::protocol) spelling: Arc<str>,
    pub(in crate::protocol) monitor: bool,
    pub(in crate::protocol) stamp: Stamp,
}

#[derive(Debug)]
pub(in crate::protocol) struct Exchange {
    pub(in crate::protocol) peer: Arc<str>,
    pub(in crate::protocol) purpose: Purpose,
    pub(in crate::protocol) quota: Quota,
    pub(in crate::protocol) own_word: Option<OwnWord>,
    pub(in crate::protocol) began: Tick,
    /// Whether what came back is merged already, in slices.
    pub(in crate::protocol) is_merged: bool,
    /// Of whom the native claims in it tell, in their order.
    pub(in crate::protocol) told: Arc<[Arc<str>]>,
}

impl Exchange {
    /// Keeps the newest word. One that is online beats a tombstone: an original that was told of its death shows itself
    /// online again, and keeps the tombstone in its other list.
    pub(in crate::protocol) fn hear_own_word(&mut self, word: OwnWord) {
        let rank = |word: &OwnWord| (word.online, word.stamp);
        if self.own_word.as_ref().is_none_or(|held| rank(held) < rank(&word)) {
            self.own_word = Some(word);
        }
    }
}

#[derive(Debug, Default)]
pub(in crate::protocol) struct InFlight {
    by_id: BTreeMap<ExchangeId, Exchange>,
    last_id: u64,
}

impl InFlight {
    pub(in crate::protocol) fn begin(&mut self, peer: Arc<str>, purpose: Purpose, now: Tick) -> ExchangeId {
        self.begin_telling(peer, purpose, Arc::default(), now)
    }

    pub(in crate::protocol) fn begin_telling(
        &mut self,
        peer: Arc<str>,
        purpose: Purpose,
        told: Arc<[Arc<str>]>,
        now: Tick,
    ) -> ExchangeId {
        let id = self.next_id();
        let quota = Quota::ByPeer;
        let exchange = Exchange { peer, purpose, quota, own_word: None, began: now, is_merged: false, told };
        self.by_id.insert(id, exchange);
        id
    }

    /// Counts a request against another limit than that of its peer.
    pub(in crate::protocol) fn count_against(&mut self, id: ExchangeId, quota: Quota) {
        if let Some(exchange) = self.by_id.get_mut(&id) {
            exchange.quota = quota;
        }
    }

    /// How many requests count against this limit.
    pub(in crate::protocol) fn counted_against(&self, quota: Quota) -> usize {
        self.by_id.values().filter(|exchange| exchange.quota == quota).count()
    }

    pub(in crate::protocol) fn next_id(&mut self) -> ExchangeId {
        self.last_id += 1;
        ExchangeId(self.last_id)
    }

    pub(in crate::protocol) fn end(&mut self, id: ExchangeId) -> Option<Exchange> {
        self.by_id.remove(&id)
    }

    pub(in crate::protocol) fn get_mut(&mut self, id: ExchangeId) -> Option<&mut Exchange> {
        self.by_id.get_mut(&id)
    }

    pub(in crate::protocol) fn is_to_myself(&self, id: ExchangeId) -> bool {
        self.by_id.get(&id).is_some_and(|exchange| exchange.purpose == Purpose::OwnUrl)
    }

    pub(in crate::protocol) fn abandon_all(&mut self) {
        self.by_id.clear();
    }

    /// Whether a gossip exchange with this peer is under way. There is never a second one.
    pub(in crate::protocol) fn is_talking_to(&self, peer: &str) -> bool {
        self.by_id.values().any(|exchange| exchange.purpose != Purpose::Inquiry && &*exchange.peer == peer)
    }

    /// Whether a verification of this peer is under way.
    pub(in crate::protocol) fn is_verifying(&self, peer: &str) -> bool {
        self.by_id.values().any(|exchange| exchange.purpose.is_verification() && &*exchange.peer == peer)
    }

    /// The requests under way.
    pub(in crate::protocol) fn iter(&self) -> impl Iterator<Item = (ExchangeId, &Exchange)> {
        self.by_id.iter().map(|(id, exchange)| (*id, exchange))
    }

    pub(in crate::protocol) fn get(&self, id: ExchangeId) -> Option<&Exchange> {
        self.by_id.get(&id)
    }

    pub(in crate::protocol) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The request that was sent last.
    pub(in crate::protocol) fn last(&self) -> ExchangeId {
        ExchangeId(self.last_id)
    }

    pub(in crate::protocol) fn count(&self, wanted: impl Fn(Purpose) -> bool) -> usize {
        self.by_id.values().filter(|exchange| wanted(exchange.purpose)).count()
    }
}
