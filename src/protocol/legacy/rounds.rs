//! Gossip rounds: one exchange with one online peer each interval.
//!
//! The next round is armed when the last has ended, second try included. With one peer there is never a second exchange.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;

use crate::protocol::context::output::Transmit;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::in_flight::{MAX_REQUESTS, PEER_TIMEOUT, Purpose};
use crate::protocol::exchanges::native_message::offer;
use crate::protocol::exchanges::page;
use crate::protocol::machine::Machine;
use crate::protocol::members::member::Member;
use crate::protocol::members::member::check::{FirstFailure, SECOND_TRY};
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::limits::MAX_CLAIM_BYTES_BESIDE_LISTS;
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::extension::Kind;
use crate::protocol::wire::message::Lists;

/// Every third round goes to a monitor, where there is one.
const MONITOR_EVERY: u64 = 3;
/// But no monitor is asked for more exchanges a second than this by the whole cluster.
const MONITOR_LOAD: f64 = 4.0;

#[derive(Debug, Default)]
pub(in crate::protocol) struct Rounds {
    count: u64,
    current: Option<Round>,
}

#[derive(Debug)]
struct Round {
    peer: Arc<str>,
    first_failure: Option<FirstFailure>,
}

impl Machine {
    pub(in crate::protocol) fn schedule_round(&mut self, now: Now) {
        let pause = self.jittered(self.cx.config.gossip_interval);
        self.cx.timers.set(Timer::Round, now.tick + pause);
    }

    pub(in crate::protocol) fn begin_round(&mut self, now: Now) {
        if !self.cx.is_running() || self.legacy.rounds.current.is_some() {
            return;
        }
        match self.choose_partner(now.tick) {
            Some(peer) if self.exchanges.has_room_for(&self.members, &self.cx, &peer) => {
                self.legacy.rounds.current = Some(Round { peer: Arc::clone(&peer), first_failure: None });
                self.converse(peer, Purpose::Round, now);
            }
            _ => {
                self.members.me.refresh(now);
                self.schedule_round(now);
            }
        }
    }

    pub(in crate::protocol) fn try_round_again(&mut self, now: Now) {
        let Some(peer) = self.legacy.rounds.current.as_ref().map(|round| Arc::clone(&round.peer)) else {
            return;
        };
        if !self.members.roster.get(&peer).is_some_and(|member| member.is_online()) {
            self.end_round(now);
        } else if !self.exchanges.has_room_for(&self.members, &self.cx, &peer)
            || self.converse(peer, Purpose::Round, now).is_none()
        {
            self.cx.timers.set(Timer::SecondTry, now.tick + SECOND_TRY);
        }
    }

    pub(in crate::protocol) fn fail_round(&mut self, peer: &Arc<str>, now: Now) {
        if self.is_met_natively(peer) {
            return self.end_round(now);
        }
        let Some(round) = self.legacy.rounds.current.as_mut().filter(|round| round.peer == *peer) else {
            return;
        };
        let Some(first_failure) = round.first_failure else {
            let newest = self.members.roster.get(peer).map_or(now.wall, |member| member.stamp);
            round.first_failure = Some(FirstFailure { at: now, newest });
            self.cx.timers.set(Timer::SecondTry, now.tick + SECOND_TRY);
            return;
        };
        if let Some(member) = self.members.roster.get_mut(peer) {
            member.open_check().add_earlier_failure(first_failure);
        }
        self.handle_silence(peer, now);
        self.end_round(now);
    }

    pub(in crate::protocol) fn end_round(&mut self, now: Now) {
        self.legacy.rounds.current = None;
        self.cx.timers.stop(Timer::SecondTry);
        if self.cx.is_running() {
            self.schedule_round(now);
        }
    }

    fn choose_partner(&mut self, now: Tick) -> Option<Arc<str>> {
        self.legacy.rounds.count += 1;
        // Legacy peers would take its word for life.
        if self.lifecycle.own_url.is_unreachable() {
            return None;
        }
        if self.is_native() && self.cx.rng.random::<f64>() >= self.members.legacy_share(&self.cx) {
            return None;
        }
        let is_native = self.is_native();
        let is_wanted = |member: &Member| {
            member.is_online()
                && !member.is_unconfirmed
                && (!is_native || member.is_met_as_legacy())
                && !member.is_left_alone(now)
        };
        if self.legacy.rounds.count.is_multiple_of(MONITOR_EVERY) && self.may_burden_monitors() {
            let monitor = self.members.roster.pick(&mut self.cx.rng, |identity, member| {
                is_wanted(member) && member.monitor && !self.exchanges.in_flight.has_exchange_with(identity)
            });
            if monitor.is_some() {
                return monitor;
            }
        }
        self.members.roster.pick(&mut self.cx.rng, |identity, member| {
            is_wanted(member) && !self.exchanges.in_flight.has_exchange_with(identity)
        })
    }

    fn may_burden_monitors(&mut self) -> bool {
        let is_native = self.is_native();
        let monitors = self
            .members
            .roster
            .iter()
            .filter(|(_, member)| {
                member.is_online() && member.monitor && (!is_native || member.is_met_as_legacy())
            })
            .count();
        let servers =
            if is_native { self.members.roster.native_count() } else { self.members.roster.online_count() };
        let rounds_a_second = servers as f64 * self.members.legacy_share(&self.cx)
            / self.cx.config.gossip_interval.as_secs_f64();
        let load = rounds_a_second / MONITOR_EVERY as f64;
        monitors > 0 && self.cx.rng.random::<f64>() * load <= MONITOR_LOAD * monitors as f64
    }

    /// A peer that is asked too often is met no sooner than it says, a native one else at the pace of the rounds.
    pub(in crate::protocol) fn leave_alone(&mut self, peer: &str, pause: Option<Duration>, now: Now) {
        let Some(member) = self.members.roster.get_mut(peer) else { return };
        let own_pause =
            if member.is_met_as_legacy() { Duration::ZERO } else { self.cx.config.gossip_interval };
        member.leave_alone_until(now.tick + pause.unwrap_or(own_pause));
    }

    /// Begins an exchange, unless one with this peer is under way.
    pub(in crate::protocol) fn converse(
        &mut self,
        peer: Arc<str>,
        purpose: Purpose,
        now: Now,
    ) -> Option<ExchangeId> {
        self.tell(vec![peer], purpose, now).pop_first()
    }

    /// Begins an exchange with each of these peers, except where one is under way. The page is composed once for all; native
    /// servers need none.
    pub(in crate::protocol) fn tell(
        &mut self,
        peers: Vec<Arc<str>>,
        purpose: Purpose,
        now: Now,
    ) -> BTreeSet<ExchangeId> {
        self.members.me.refresh(now);
        let kind = if purpose == Purpose::Introduction { Kind::Sync(None) } else { Kind::Push };
        let (subjects, claims) =
            self.exchanges.rumours.claims(&self.members, MAX_CLAIM_BYTES_BESIDE_LISTS, now);
        let subjects: Arc<[Arc<str>]> = subjects.into();
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
            let is_native = self.is_met_natively(&peer);
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
                        // An original with a slow clock would believe its death, and answer so.
                        page.offline.retain(|entry| entry.base_url != base_url);
                    }
                    let page = Arc::new(page);
                    pages.insert(halvings, Arc::clone(&page));
                    page
                }
            };
            // A peer that finds pages too large hears no news beside them.
            let has_news = halvings == 0;
            let extension =
                offer(&self.members, &self.cx, &peer, if has_news { &extension } else { &bare }, now);
            let subjects = if has_news { Arc::clone(&subjects) } else { Arc::default() };
            let timeout = if is_native { self.exchanges.health.native_timeout() } else { PEER_TIMEOUT };
            let id = self.exchanges.in_flight.begin_with_claims(peer, purpose, subjects, now.tick);
            self.cx.transmits.push_back(Transmit::Gossip { id, base_url, lists, extension, timeout });
            exchanges.insert(id);
        }
        exchanges
    }

    pub(in crate::protocol) fn log_gossip_failure(&mut self, peer: &Arc<str>, reason: &str, now: Now) {
        // The normalised URL: a server chooses its own spelling, and could choose another one each time.
        self.cx.log_failure(format!("Failed to send gossip message to {peer}:"), reason, now.tick);
    }
}
