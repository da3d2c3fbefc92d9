//! The membership machine.

use std::sync::Arc;

use rand::RngExt;

use crate::protocol::context::Context;
use crate::protocol::context::config::Config;
use crate::protocol::context::output::{Event, Transmit};
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::legacy::Legacy;
use crate::protocol::lifecycle::Lifecycle;
use crate::protocol::members::Members;
use crate::protocol::members::roster::Roster;
use crate::protocol::members::roster::digest::short_name;
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::merging::Merging;
use crate::protocol::merging::intake::{self, ListEntry};
use crate::protocol::native::Native;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::ids::{Origin, Source};
use crate::protocol::types::status::ListKind;
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::message::{Entry, Lists, ReceivedEntry, ReceivedLists};

mod components;
mod effects;
#[cfg(test)]
mod inspection;
pub mod queues;
mod replies;
mod requests;
pub mod roster_slots;

/// Odd, so that no change of a single server is lost; the bits of the golden ratio, as spread as
/// any.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The membership of one server: pure, without clock, sockets or dice of its own.
///
/// - `handle_*(now, …)` tell it what happened. Early, late and repeated calls are harmless, and so are unknown ids.
/// - `poll_transmit`, `poll_event`, `poll_timeout` ask what it wants; call them, in this order, after every `handle_*`
///   until the first two return none, then call [`Machine::handle_timeout`] at the moment that the third names.
/// - `lists` shows what is known.
///
/// Invariants: this server is in exactly one of its lists; its own stamp strictly grows; no claim
/// brings a server back that is not newer than its tombstone; the highest stamp seen of a server
/// never falls; with one peer there is at most one exchange at a time; everything that grows has a
/// cap.
#[derive(Debug)]
pub struct Machine {
    cx: Context,
    members: Members,
    exchanges: Exchanges,
    merging: Merging,
    native: Native,
    legacy: Legacy,
    lifecycle: Lifecycle,
}

impl Machine {
    /// Starts a server: the master list is downloaded, others are told, then the rounds begin.
    ///
    /// `seed` decides every choice that is left to chance: the same inputs and seed give the same
    /// run.
    pub fn start(config: Config, seed: u64, now: Now) -> Self {
        let mut machine = Self::new(config, seed, now);
        machine.download_master_list();
        machine
    }

    /// A server that has run for a while, among these: where a simulation begins.
    pub fn seeded(config: Config, seed: u64, now: Now, members: impl IntoIterator<Item = Claim>) -> Self {
        let mut machine = Self::new(config, seed, now);
        machine.lifecycle.master_list.take_greeting();
        let members = members.into_iter();
        machine.members.roster.reserve(members.size_hint().0);
        for claim in members {
            machine.hear_natives(&[claim], Origin::Transfer, now);
        }
        machine.members.roster.mark_all_exchanged();
        machine.begin_running(now);
        machine
    }

    /// A server that has run for a while among those that another one knows, which is no member
    /// itself.
    pub fn seeded_like(other: &Self, config: Config, seed: u64, now: Now) -> Self {
        let mut machine = Self::new(config, seed, now);
        machine.lifecycle.master_list.take_greeting();
        machine.members.roster = Roster::copy_for(&other.members.roster, machine.members.me.identity());
        machine.begin_running(now);
        machine
    }

    fn new(config: Config, seed: u64, now: Now) -> Self {
        let members = Members::new(&config, seed, now);
        let lifecycle = Lifecycle::new(&config);
        let cx = Context::new(config, seed);
        Self {
            exchanges: Exchanges::new(cx.rng.clone().random()),
            cx,
            members,
            merging: Merging::default(),
            native: Native::default(),
            legacy: Legacy::default(),
            lifecycle,
        }
    }

    /// A gossip request of so many entries begins, for those who merge large ones in slices.
    pub fn expect_entries(&self, entries: usize) {
        self.cx.parsing.limit(entries);
    }

    /// Part of what a peer or the master list says, for those who merge large lists in slices: all
    /// that is said to be offline comes before what is said to be online, so that of two equal
    /// claims in one message the tombstone wins.
    pub fn handle_claims(
        &mut self,
        now: Now,
        source: Source,
        listed: ListKind,
        entries: &[ReceivedEntry<'_>],
    ) {
        if source != Source::Request {
            self.cx.parsing.lift_limit();
        }
        self.members.roster.set_cause(if source == Source::MasterList {
            Cause::MasterList
        } else {
            Cause::Hearsay
        });
        for entry in entries {
            self.hear(ListEntry { source, listed, entry }, now);
        }
        self.schedule_verification(now.tick);
    }

    /// Drains this server (`false`) or brings it back (`true`).
    pub fn handle_control(&mut self, now: Now, online: bool) {
        self.look_at_clock(now);
        if self.members.me.control(online, now) {
            self.record_reached_again(now);
            self.push_to_many(now.tick);
            self.spread_myself(now);
        }
    }

    /// The moment that `poll_timeout` named has come, or any other.
    pub fn handle_timeout(&mut self, now: Now) {
        self.look_at_clock(now);
        self.cx.parsing.lift_limit();
        if let Some(due) = self.cx.timers.next().filter(|due| *due <= now.tick) {
            self.exchanges.health.record_wake(now.tick.since(due), now.tick);
        }
        if self.log_due().is_some_and(|due| due <= now.tick) {
            self.tell_log(now);
        }
        while let Some(timer) = self.cx.timers.expire(now.tick) {
            match timer {
                Timer::Bootstrap => self.end_greeting(now),
                Timer::Round => self.begin_round(now),
                Timer::SecondTry => self.try_round_again(now),
                Timer::Push => self.push(now),
                Timer::Verify => self.verify(now),
                Timer::Reconnect => self.reconnect(now),
                Timer::Download => self.download_again(),
                Timer::Announce => self.announce_to_master_list(now),
                Timer::Retention => self.drop_what_is_old(now),
                Timer::Probe => self.probe_next(now),
                Timer::Rumours => self.push_rumours(now),
                Timer::Investigations => self.continue_investigations(now),
                Timer::Suspicion => self.end_suspicions(now),
                Timer::Refusals => self.look_after_refusals(now),
                Timer::Absent => self.check_absent(now),
                Timer::DeathNotices => self.send_death_notice(now),
                Timer::Listings => self.ask_listings(now),
                Timer::Clock => self.merging.rejected.schedule_look(&self.members, &mut self.cx, now.tick),
                Timer::Strangers => self.check_strangers(now),
                Timer::Farewell => self.end_farewell_stage(now),
            }
        }
    }

    /// The next request to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.cx.transmits.pop_front()
    }

    /// The next thing to be told.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.cx.events.pop_front()
    }

    /// Whether there is a request to be sent, or something to be told.
    pub fn has_output(&self) -> bool {
        !(self.cx.transmits.is_empty() && self.cx.events.is_empty())
    }

    /// When the machine wants to be woken.
    pub fn poll_timeout(&self) -> Option<Tick> {
        self.cx.timers.next().into_iter().chain(self.log_due()).min()
    }

    /// What this server holds about one server, itself included.
    pub fn claim(&self, base_url: &str, now: Now) -> Option<Claim> {
        intake::claim_about(&self.members, &self.cx, base_url, now)
    }

    /// How many living servers it knows, itself included.
    pub fn living(&self) -> usize {
        self.members.online_count()
    }

    /// Grows whenever another server becomes known, is forgotten, or changes its standing.
    pub fn revision(&self) -> u64 {
        self.members.roster.revision()
    }

    /// The hash over the living servers: two that have the same know the same.
    pub fn hash(&self) -> u64 {
        self.members.digest().total()
    }

    /// When the log is to be told something. Until the start is done, changes are only collected; a
    /// server that leaves has no more to tell about others.
    fn log_due(&self) -> Option<Tick> {
        if !self.cx.is_running() {
            return None;
        }
        self.members.roster.journal.due().into_iter().chain(self.cx.log.summary_due()).min()
    }

    /// Tells the log what is due.
    fn tell_log(&mut self, now: Now) {
        if self.members.roster.journal.due().is_some_and(|due| due <= now.tick) {
            self.tell_changes(now.tick);
        }
        self.cx.log_dropped(now.tick);
    }

    fn tell_changes(&mut self, now: Tick) {
        if !self.cx.log.try_log_changes(now) {
            return self.members.roster.journal.postpone(now);
        }
        let (severity, message) = self.members.roster.journal.take();
        self.cx.events.push_back(Event::Log { severity, message, reason: None });
    }

    pub(in crate::protocol::machine) fn merge_lists(
        &mut self,
        now: Now,
        source: Source,
        lists: &ReceivedLists<'_>,
    ) {
        if lists.malformed > 0 {
            self.cx.log_rejection(crate::protocol::types::limits::Rejection::Malformed);
        }
        self.handle_claims(now, source, ListKind::Offline, &lists.offline);
        self.handle_claims(now, source, ListKind::Online, &lists.online);
    }

    /// All servers that this server knows, itself included.
    pub fn lists(&self) -> Lists {
        self.members.lists()
    }

    /// The online servers that this server knows, itself included; `offline` stays empty.
    pub fn online_list(&self) -> Lists {
        self.members.online_list()
    }

    /// What it knows of all others.
    pub fn others(&self) -> Lists {
        self.members.others()
    }

    /// How many others are in [`Machine::others`].
    pub fn other_count(&self) -> usize {
        self.members.roster.len()
    }

    /// Another number whenever [`Machine::others`] shows something else.
    pub fn others_version(&self) -> u64 {
        let mut version = self.members.roster.revision();
        let mut fold = |bits: u64| version = (version.rotate_left(5) ^ bits).wrapping_mul(SPREAD);
        for (identity, member) in self.members.roster.iter() {
            fold(member.stamp.0 << 2 | u64::from(member.is_online()) << 1 | u64::from(member.monitor));
            let spelling = member.spelling(identity);
            if !Arc::ptr_eq(spelling, identity) {
                fold(short_name(spelling).into());
            }
        }
        version
    }

    /// Its own entry, and whether that stands among those online.
    pub fn own_entry(&self) -> (Entry, bool) {
        (self.members.me.entry(), self.members.me.is_online())
    }

    /// Whether this server speaks the native extension.
    pub fn is_native(&self) -> bool {
        self.cx.is_native()
    }

    /// Whether this server and the member both speak the native extension.
    pub(in crate::protocol::machine) fn is_contacted_natively(&self, peer: &str) -> bool {
        self.members.is_contacted_natively(&self.cx, peer)
    }
}
