//! Gossip with legacy peers, and with native servers at a start or a leave: the choice of peers,
//! and the requests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::protocol::context::output::Transmit;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::in_flight::{MAX_REQUESTS, PEER_TIMEOUT, Purpose};
use crate::protocol::exchanges::native_message::offer;
use crate::protocol::exchanges::page;
use crate::protocol::legacy::death_notices::Contact;
use crate::protocol::legacy::push::Reach;
use crate::protocol::legacy::rounds::RoundFailure;
use crate::protocol::machine::Machine;
use crate::protocol::members::member::Member;
use crate::protocol::members::member::check::SECOND_TRY;
use crate::protocol::types::ids::{ExchangeId, NameKey};
use crate::protocol::types::limits::MAX_CLAIM_BYTES_BESIDE_LISTS;
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::extension::Kind;
use crate::protocol::wire::message::Lists;

impl Machine {
    /// Warns that a server which has proved the secret is sent the secret itself again.
    pub fn warn_of_raw_secret(&mut self, base_url: &str) {
        self.cx.warn(&format!(
            "Clustershazbot: {base_url} has proved SHAZBOT_SECRET, but something rejects signed messages to it. \
             It is sent the secret itself again; SHAZBOT_LEGACY=known or off prevents that"
        ));
    }

    pub(in crate::protocol::machine) fn begin_round(&mut self, now: Now) {
        if !self.cx.is_running() || self.legacy.rounds.peer().is_some() {
            return;
        }
        let peer = if self.lifecycle.own_url.is_unreachable() {
            // Legacy peers would take its message as proof that it is alive.
            self.legacy.rounds.skip();
            None
        } else {
            self.legacy.rounds.choose_peer(&self.members, &self.exchanges, &mut self.cx, now.tick)
        };
        match peer {
            Some(peer) if self.exchanges.has_room_for(&self.members, &self.cx, &peer) => {
                self.legacy.rounds.begin(Arc::clone(&peer));
                self.converse(peer, Purpose::Round, now);
            }
            _ => {
                self.members.local.refresh(now);
                self.legacy.rounds.schedule(&mut self.cx, now.tick);
            }
        }
    }

    pub(in crate::protocol::machine) fn try_round_again(&mut self, now: Now) {
        let Some(peer) = self.legacy.rounds.peer().cloned() else { return };
        if !self.members.roster.get(&peer).is_some_and(|member| member.is_online()) {
            self.end_round(now);
        } else if !self.exchanges.has_room_for(&self.members, &self.cx, &peer)
            || self.converse(peer, Purpose::Round, now).is_none()
        {
            self.cx.timers.set(Timer::SecondTry, now.tick + SECOND_TRY);
        }
    }

    pub(in crate::protocol::machine) fn fail_round(&mut self, peer: &Arc<str>, now: Now) {
        if self.is_contacted_natively(peer) {
            return self.end_round(now);
        }
        let failure = self.legacy.rounds.record_failure(&mut self.members, &mut self.cx, peer, now);
        if failure == RoundFailure::Second {
            self.handle_silence(peer, now);
            self.end_round(now);
        }
    }

    pub(in crate::protocol::machine) fn end_round(&mut self, now: Now) {
        self.legacy.rounds.end(&mut self.cx, now.tick);
    }

    pub(in crate::protocol::machine) fn push_to_few(&mut self, now: Tick) {
        self.legacy.push.request(&mut self.cx, Reach::Few, now);
    }

    pub(in crate::protocol::machine) fn push_to_many(&mut self, now: Tick) {
        self.legacy.push.request(&mut self.cx, Reach::Many, now);
    }

    pub(in crate::protocol::machine) fn push(&mut self, now: Now) {
        let Self { members, exchanges, cx, .. } = self;
        let targets = self.legacy.push.take_targets(members, exchanges, cx, now.tick);
        self.send_gossip(targets, Purpose::Push, now);
    }

    /// Sends a peer the news now, or after the exchange in flight with it.
    pub(in crate::protocol) fn push_to(&mut self, peer: Arc<str>, now: Now) {
        if self.cx.is_running() && self.converse(Arc::clone(&peer), Purpose::Push, now).is_none() {
            self.legacy.push.defer(peer);
        }
    }

    /// Sends a peer the news that became due during the exchange that has ended.
    pub(in crate::protocol::machine) fn push_if_deferred(&mut self, peer: &Arc<str>, now: Now) {
        if self.legacy.push.take_deferred(&self.members, peer) {
            self.push_to(Arc::clone(peer), now);
        }
    }

    /// Sends the next death notice, or asks a legacy peer for its list if there is no news.
    pub(in crate::protocol::machine) fn send_death_notice(&mut self, now: Now) {
        let Self { members, exchanges, cx, .. } = self;
        match self.legacy.death_notices.choose_contact(members, exchanges, cx, now.tick) {
            Some(Contact::Notify(peer)) => {
                self.converse(peer, Purpose::DeathNotices, now);
            }
            Some(Contact::Check(peer)) => {
                self.request_check(&peer);
                self.schedule_verification(now.tick);
            }
            None => {}
        }
    }

    /// Records that a server has died or left, and schedules death notices for legacy peers.
    pub(in crate::protocol::machine) fn record_death(&mut self, now: Now) {
        self.legacy.death_notices.record_death(&self.members, &mut self.cx, now.tick);
    }

    /// Begins an exchange, unless one with this peer is in flight.
    pub(in crate::protocol::machine) fn converse(
        &mut self,
        peer: Arc<str>,
        purpose: Purpose,
        now: Now,
    ) -> Option<ExchangeId> {
        self.send_gossip(vec![peer], purpose, now).pop_first()
    }

    /// Begins an exchange with each of these peers, unless one with it is in flight. The page is
    /// composed once for all; native servers need no page.
    pub(in crate::protocol::machine) fn send_gossip(
        &mut self,
        peers: Vec<Arc<str>>,
        purpose: Purpose,
        now: Now,
    ) -> BTreeSet<ExchangeId> {
        self.members.local.refresh(now);
        let kind = if purpose == Purpose::Introduction { Kind::Sync(None) } else { Kind::Push };
        let (subjects, claims) =
            self.exchanges.rumours.claims(&self.members, MAX_CLAIM_BYTES_BESIDE_LISTS, now);
        let subjects: Arc<[NameKey]> = subjects.into();
        let bare = Arc::new(self.exchanges.extension(&self.members, kind.clone(), Vec::new()));
        let extension = Arc::new(self.exchanges.extension(&self.members, kind, claims));
        let mut pages: BTreeMap<u8, Arc<Lists>> = BTreeMap::new();
        let mut exchanges = BTreeSet::new();
        for peer in peers {
            if self.exchanges.in_flight.has_exchange_with(&peer)
                || self.exchanges.in_flight.len() >= MAX_REQUESTS
            {
                continue;
            }
            let Some(halvings) = self.members.roster.get(&peer).map(Member::page_halvings) else { continue };
            let base_url = self.members.roster.spelling(&peer);
            let is_native = self.is_contacted_natively(&peer);
            if !is_native && self.lifecycle.own_url.is_unreachable() && purpose != Purpose::Farewell {
                continue;
            }
            let lists = match pages.get(&halvings) {
                _ if is_native => Arc::default(),
                Some(page) => Arc::clone(page),
                None => {
                    let mut page = match purpose {
                        Purpose::DeathNotices => {
                            page::death_notices(&self.members, &self.cx, halvings, now.tick)
                        }
                        _ => self.exchanges.compose_page(&self.members, &self.cx, halvings, now.tick),
                    };
                    if purpose == Purpose::Trial {
                        // A legacy peer with a slow clock would believe its own death, and answer
                        // so.
                        page.offline.retain(|entry| *entry.base_url != *base_url);
                    }
                    let page = Arc::new(page);
                    pages.insert(halvings, Arc::clone(&page));
                    page
                }
            };
            // A peer that finds pages too large is sent no news beside them.
            let has_news = halvings == 0;
            let extension = if has_news { &extension } else { &bare };
            let extension = offer(&self.members, &self.cx, &peer, extension, now);
            let subjects = if has_news { Arc::clone(&subjects) } else { Arc::default() };
            let timeout = if is_native { self.exchanges.health.native_timeout() } else { PEER_TIMEOUT };
            let id = self.exchanges.in_flight.begin_with_claims(peer, purpose, subjects, now.tick);
            self.cx.transmits.push_back(Transmit::Gossip { id, base_url, lists, extension, timeout });
            exchanges.insert(id);
        }
        exchanges
    }
}
