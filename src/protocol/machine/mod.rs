//! The membership machine.

use std::collections::VecDeque;
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use crate::protocol::context::config::Config;
use crate::protocol::context::deadlines::Deadlines;
use crate::protocol::context::log::LogThrottle;
use crate::protocol::context::output::{Event, Events, Transmit};
use crate::protocol::context::parsing::Parsing;
use crate::protocol::context::timers::{Timer, Timers};
use crate::protocol::exchanges::in_flight::{InFlight, Purpose};
use crate::protocol::legacy::death_notices::DeathNotices;
use crate::protocol::legacy::push::LegacyPush;
use crate::protocol::legacy::rounds::Rounds;
use crate::protocol::legacy::verification::expiry::Expiry;
use crate::protocol::legacy::verification::listings::Listings;
use crate::protocol::legacy::verification::queue::VerificationQueue;
use crate::protocol::lifecycle::master_list::MasterList;
use crate::protocol::lifecycle::own_url::OwnUrl;
use crate::protocol::lifecycle::phase::Phase;
use crate::protocol::members::archive::Archive;
use crate::protocol::members::local_server::LocalServer;
use crate::protocol::members::roster::Roster;
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::merging::clocks::Rejected;
use crate::protocol::merging::outsiders::Outsiders;
use crate::protocol::native::anti_entropy::AntiEntropy;
use crate::protocol::native::detection::health::Health;
use crate::protocol::native::detection::probes::Probes;
use crate::protocol::native::detection::unreached::Unreached;
use crate::protocol::native::rumours::Rumours;
use crate::protocol::native::strangers::Strangers;
use crate::protocol::native::voices::Voices;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::ids::{ExchangeId, Origin, Source};
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::message::{ReceivedEntry, ReceivedLists, Refusal, Reply};

pub mod places;
pub mod queues;
pub(in crate::protocol) mod shown;

/// The membership of one server: pure, without clock, sockets or dice of its own.
///
/// - `handle_*(now, …)` tell it what happened. Early, late and repeated calls are harmless, and so are unknown ids.
/// - `poll_transmit`, `poll_event`, `poll_timeout` ask what it wants; call them, in this order, after every `handle_*`
///   until the first two return none, then call [`Machine::handle_timeout`] at the moment that the third names.
/// - `lists` shows what is known.
///
/// Invariants: this server is in exactly one of its lists; its own stamp strictly grows; no claim brings a server back
/// that is not newer than its tombstone; the highest stamp seen of a server never falls; with one peer there is at most
/// one exchange at a time; everything that grows has a cap.
#[derive(Debug)]
pub struct Machine {
    pub(in crate::protocol) config: Config,
    pub(in crate::protocol) rng: Xoshiro256PlusPlus,
    pub(in crate::protocol) me: LocalServer,
    pub(in crate::protocol) roster: Roster,
    pub(in crate::protocol) archive: Archive,
    pub(in crate::protocol) phase: Phase,
    pub(in crate::protocol) in_flight: InFlight,
    pub(in crate::protocol) rounds: Rounds,
    pub(in crate::protocol) verification_queue: VerificationQueue,
    pub(in crate::protocol) legacy_push: LegacyPush,
    pub(in crate::protocol) master_list: MasterList,
    pub(in crate::protocol) log_throttle: LogThrottle,
    pub(in crate::protocol) parsing: Parsing,
    pub(in crate::protocol) timers: Timers,
    pub(in crate::protocol) transmits: VecDeque<Transmit>,
    pub(in crate::protocol) events: Events,
    /// Where the next page of a long list begins.
    pub(in crate::protocol) page_cursor: usize,
    /// Tells this process from others behind the same URL.
    pub(in crate::protocol) instance: u64,
    pub(in crate::protocol) rumours: Rumours,
    pub(in crate::protocol) probes: Probes,
    /// When the time of which suspect is up.
    pub(in crate::protocol) suspects: Deadlines,
    pub(in crate::protocol) health: Health,
    pub(in crate::protocol) anti_entropy: AntiEntropy,
    pub(in crate::protocol) death_notices: DeathNotices,
    /// When to look after which server that refuses.
    pub(in crate::protocol) refusals: Deadlines,
    /// When to ask which absent server for its list.
    pub(in crate::protocol) absent: Deadlines,
    pub(in crate::protocol) outsiders: Outsiders,
    pub(in crate::protocol) expiry: Expiry,
    pub(in crate::protocol) listings: Listings,
    pub(in crate::protocol) rejected: Rejected,
    pub(in crate::protocol) unreached: Unreached,
    pub(in crate::protocol) own_url: OwnUrl,
    pub(in crate::protocol) voices: Voices,
    pub(in crate::protocol) strangers: Strangers,
}

impl Machine {
    /// Starts a server: the master list is downloaded, others are told, then the rounds begin.
    ///
    /// `seed` decides every choice that is left to chance: the same inputs and seed give the same run.
    pub fn start(config: Config, seed: u64, now: Now) -> Self {
        let mut machine = Self::new(config, seed, now);
        machine.download_master_list();
        machine
    }

    /// A server that has run for a while, among these: where a simulation begins.
    pub fn seeded(config: Config, seed: u64, now: Now, members: impl IntoIterator<Item = Claim>) -> Self {
        let mut machine = Self::new(config, seed, now);
        machine.master_list.has_greeted = true;
        let members = members.into_iter();
        machine.roster.reserve(members.size_hint().0);
        for claim in members {
            machine.hear_natives(&[claim], Origin::Transfer, now);
        }
        machine.roster.all_have_exchanged();
        machine.begin_running(now);
        machine
    }

    /// A server that has run for a while among those that another one knows, which is no member itself.
    pub fn seeded_like(other: &Self, config: Config, seed: u64, now: Now) -> Self {
        let mut machine = Self::new(config, seed, now);
        machine.master_list.has_greeted = true;
        machine.roster = Roster::like(&other.roster, machine.me.identity());
        machine.begin_running(now);
        machine
    }

    fn new(config: Config, seed: u64, now: Now) -> Self {
        let rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        Self {
            instance: rng.clone().random(),
            rng,
            me: LocalServer::new(config.base_url.clone(), config.monitor, now),
            roster: Roster::new(config.base_url.identity(), seed),
            archive: Archive::default(),
            phase: Phase::Downloading,
            in_flight: InFlight::default(),
            rounds: Rounds::default(),
            verification_queue: VerificationQueue::default(),
            legacy_push: LegacyPush::default(),
            master_list: MasterList::new(&config.master_list),
            log_throttle: LogThrottle::default(),
            parsing: Parsing::default(),
            timers: Timers::default(),
            transmits: VecDeque::new(),
            events: Events::default(),
            page_cursor: 0,
            rumours: Rumours::default(),
            probes: Probes::default(),
            suspects: Deadlines::default(),
            health: Health::default(),
            anti_entropy: AntiEntropy::default(),
            death_notices: DeathNotices::default(),
            refusals: Deadlines::default(),
            absent: Deadlines::default(),
            outsiders: Outsiders::default(),
            expiry: Expiry::default(),
            listings: Listings::default(),
            rejected: Rejected::default(),
            unreached: Unreached::default(),
            own_url: OwnUrl::default(),
            voices: Voices::default(),
            strangers: Strangers::default(),
            config,
        }
    }

    /// A gossip request of so many entries begins, for those who merge large ones in slices.
    pub fn expect_entries(&self, entries: usize) {
        self.parsing.limit(entries);
    }

    /// A gossip request: refreshes the own stamp and merges. What [`Machine::lists`] shows then is the answer.
    pub fn handle_request(&mut self, now: Now, lists: &ReceivedLists<'_>) {
        self.begin_request(now);
        self.expect_entries(lists.len());
        self.note_request(now);
        self.merge_lists(now, Source::Request, lists);
    }

    /// Somebody has called.
    pub(in crate::protocol) fn begin_request(&mut self, now: Now) {
        self.look_at_clock(now);
        self.me.refresh(now);
    }

    /// Part of what a peer or the master list says, for those who merge large lists in slices: all that is said to be
    /// offline comes before what is said to be online, so that of two equal claims in one message the tombstone wins.
    pub fn handle_claims(
        &mut self,
        now: Now,
        source: Source,
        says_online: bool,
        entries: &[ReceivedEntry<'_>],
    ) {
        if source != Source::Request {
            self.parsing.lift();
        }
        self.roster.because(if source == Source::MasterList { Cause::MasterList } else { Cause::Hearsay });
        for entry in entries {
            self.hear(now, source, says_online, entry);
        }
        self.schedule_verification(now.tick);
    }

    /// The reply to an exchange.
    pub fn handle_reply(&mut self, now: Now, id: ExchangeId, reply: &Reply<'_>) {
        self.look_at_clock(now);
        self.parsing.lift();
        if self.in_flight.is_to_myself(id) {
            return self.conclude_own_url(id, reply, now);
        }
        if let Reply::Lists(lists) = reply {
            self.merge_lists(now, Source::Exchange(id), lists);
        }
        self.listings.end(id);
        self.strangers.end(id);
        let Some(exchange) = self.in_flight.end(id) else { return };
        if self.conclude_hidden(&exchange, reply, now) {
            return self.schedule_verification(now.tick);
        }
        self.roster.because(match reply {
            Reply::Lists(_) | Reply::Native(_) | Reply::Refusal(_) => Cause::Answered,
            Reply::Unclear(_) => Cause::Unclear,
            Reply::NoListener(_) => Cause::Refused,
            Reply::Failure(_) => Cause::Silent,
        });
        // What proves nothing about its sender proves nothing about the network either.
        if matches!(reply, Reply::Native(_)) || exchange.own_word.is_some() {
            self.record_reached();
            self.note_answer(now.tick);
        }
        if let Reply::Native(extension) = reply {
            self.conclude_native(id, &exchange, extension, now);
            self.settle_push_debt(&exchange.peer, now);
            return self.schedule_verification(now.tick);
        }
        match reply {
            _ if self.outsiders.has(&exchange.peer) => {}
            Reply::Refusal(Refusal::Unauthorized) if exchange.purpose != Purpose::Inquiry => {
                self.note_rejection(&exchange.peer, now);
                self.log_gossip_failure(
                    &exchange.peer,
                    "answered 401: its SHAZBOT_SECRET is another one",
                    now,
                );
            }
            Reply::Refusal(Refusal::TooLarge) => self.halve_pages(&exchange.peer),
            Reply::Refusal(Refusal::TooManyRequests(pause)) => self.leave_alone(&exchange.peer, *pause, now),
            Reply::Failure(reason) | Reply::NoListener(reason) | Reply::Unclear(reason)
                if exchange.purpose != Purpose::Inquiry =>
            {
                self.log_gossip_failure(&exchange.peer, reason, now);
            }
            _ => {}
        }
        self.conclude(now, id, &exchange, reply);
        if let Reply::Refusal(Refusal::TooManyRequests(Some(pause))) = reply {
            self.note_wanted_rest(&exchange.peer, now.tick + *pause);
        }
        self.report_findings(&exchange.peer, now);
        self.settle_push_debt(&exchange.peer, now);
        self.schedule_verification(now.tick);
    }

    /// Drains this server (`false`) or brings it back (`true`).
    pub fn handle_control(&mut self, now: Now, online: bool) {
        self.look_at_clock(now);
        if self.me.control(online, now) {
            self.record_reached_again(now);
            self.push_to_many(now.tick);
            self.spread_myself(now);
        }
    }

    /// The moment that `poll_timeout` named has come, or any other.
    pub fn handle_timeout(&mut self, now: Now) {
        self.look_at_clock(now);
        self.parsing.lift();
        if let Some(due) = self.timers.next().filter(|due| *due <= now.tick) {
            self.health.woke(now.tick.since(due), now.tick);
        }
        if self.log_due().is_some_and(|due| due <= now.tick) {
            self.tell_log(now);
        }
        while let Some(timer) = self.timers.expire(now.tick) {
            match timer {
                Timer::Bootstrap => self.end_greeting(now),
                Timer::Round => self.begin_round(now),
                Timer::SecondTry => self.try_round_again(now),
                Timer::Push => self.push(now),
                Timer::Verify => self.verify_in_time(now),
                Timer::Reconnect => self.reconnect(now),
                Timer::Download => self.download_again(),
                Timer::Announce => self.announce_to_master_list(now),
                Timer::Retention => self.drop_what_is_old(now),
                Timer::Probe => self.probe_next(now),
                Timer::Rumours => self.push_rumours(now),
                Timer::Investigations => self.go_on_with_investigations(now),
                Timer::Suspicion => self.end_suspicions(now),
                Timer::Refusals => self.look_after_refusals(now),
                Timer::Absent => self.ask_absent(now),
                Timer::DeathNotices => self.tell_legacy_news(now),
                Timer::Listings => self.ask_listed(now),
                Timer::Clock => self.schedule_look_at_clock(now.tick),
                Timer::Strangers => self.check_strangers(now),
                Timer::Farewell => self.end_farewell_stage(now),
            }
        }
    }

    /// The next request to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// The next thing to be told.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether there is a request to be sent, or something to be told.
    pub fn has_output(&self) -> bool {
        !(self.transmits.is_empty() && self.events.is_empty())
    }

    /// When the machine wants to be woken.
    pub fn poll_timeout(&self) -> Option<Tick> {
        self.timers.next().into_iter().chain(self.log_due()).min()
    }

    /// What this server holds about one server, itself included.
    pub fn claim(&self, base_url: &str, now: Now) -> Option<Claim> {
        self.claim_about_url(base_url, now)
    }

    /// How many living servers it knows, itself included.
    pub fn living(&self) -> usize {
        self.roster.online_count() + usize::from(self.me.is_online())
    }

    /// Grows whenever another server becomes known, is forgotten, or changes its standing.
    pub fn revision(&self) -> u64 {
        self.roster.revision()
    }

    /// The hash over the living servers: two that have the same know the same.
    pub fn hash(&self) -> u64 {
        self.digest().total()
    }

    pub(in crate::protocol) fn merge_lists(&mut self, now: Now, source: Source, lists: &ReceivedLists<'_>) {
        if lists.malformed > 0 {
            self.log_rejection(crate::protocol::types::limits::Rejection::Malformed);
        }
        self.handle_claims(now, source, false, &lists.offline);
        self.handle_claims(now, source, true, &lists.online);
    }

    /// A delay spread by ± 10 %, so that servers do not fall into step.
    pub(in crate::protocol) fn jittered(&mut self, delay: Duration) -> Duration {
        delay.mul_f64(self.rng.random_range(0.9..1.1))
    }
}
