//! The membership machine: its public interface, and what connects the components.

use rand::RngExt;

use crate::protocol::context::Context;
use crate::protocol::context::config::Config;
use crate::protocol::context::output::{Event, Transmit};
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::legacy::Legacy;
use crate::protocol::lifecycle::Lifecycle;
use crate::protocol::members::Members;
use crate::protocol::members::roster::digest::short_name;
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::merging::Merging;
use crate::protocol::merging::intake::{self, ListEntry};
use crate::protocol::native::Native;
use crate::protocol::owners::Owners;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::ids::{Origin, Source};
use crate::protocol::types::limits::Rejection;
use crate::protocol::types::status::{Control, ListKind};
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::message::{Entry, Lists, ReceivedEntry, ReceivedLists};

mod components;
mod effects;
#[cfg(test)]
mod inspection;
pub mod metrics;
pub mod news;
mod owners;
pub mod queues;
mod replies;
mod requests;
pub mod roster_slots;

/// Multiplier of the version hash: the bits of the golden ratio, which spread well. It is odd, so
/// the multiplication loses no change.
const HASH_MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// The membership of one server: pure, without clock, sockets or randomness of its own.
///
/// - `handle_*(now, …)` pass in what happened. Early, late and repeated calls are harmless, and so
///   are unknown ids.
/// - `poll_transmit`, `poll_event`, `poll_timeout` return the output. Call them, in this order,
///   after every `handle_*` until the first two return `None`. Then call
///   [`Machine::handle_timeout`] at the time that the third returns.
/// - `lists` returns the known servers.
///
/// Invariants: this server is in exactly one of its lists; its own stamp strictly grows. Only a
/// claim newer than its tombstone brings a server back; the highest stamp seen of a server never
/// falls. There is at most one exchange with a peer at a time; everything that grows has a cap.
#[derive(Debug)]
pub struct Machine {
    cx: Context,
    members: Members,
    owners: Owners,
    exchanges: Exchanges,
    merging: Merging,
    native: Native,
    legacy: Legacy,
    lifecycle: Lifecycle,
}

impl Machine {
    /// Starts a server: it downloads the master list, greets the others, then begins its rounds.
    ///
    /// `seed` determines every random choice: the same inputs and seed give the same run.
    pub fn start(config: Config, seed: u64, now: Now) -> Self {
        let mut machine = Self::new(config, seed, now);
        machine.download_master_list();
        machine
    }

    /// Returns a running server that knows `members`: the initial state of a simulation.
    pub fn seeded(config: Config, seed: u64, now: Now, members: impl IntoIterator<Item = Claim>) -> Self {
        let mut machine = Self::new(config, seed, now);
        machine.lifecycle.master_list.take_greeting();
        let members = members.into_iter();
        machine.members.roster.reserve(members.size_hint().0);
        for claim in members {
            machine.merge_native_claims(&[claim], Origin::Transfer, now);
        }
        machine.members.roster.mark_all_exchanged();
        machine.begin_running(now);
        machine
    }

    /// Returns a running server with the roster of `other`, which is not a member itself.
    pub fn seeded_like(other: &Self, config: Config, seed: u64, now: Now) -> Self {
        let mut machine = Self::new(config, seed, now);
        machine.lifecycle.master_list.take_greeting();
        machine.members.copy_roster(&other.members, now);
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
            owners: Owners::default(),
            merging: Merging::default(),
            native: Native::default(),
            legacy: Legacy::default(),
            lifecycle,
        }
    }

    /// Begins a gossip request with this number of entries, for callers that merge large ones in
    /// slices.
    pub fn expect_entries(&self, entries: usize) {
        self.cx.parsing.limit(entries);
    }

    /// Merges part of a list of a peer or of the master list, for callers that merge large lists in
    /// slices.
    ///
    /// Offline entries must come before online ones: of two equal claims in one message the
    /// tombstone wins.
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
        self.set_sender(source);
        self.members.roster.set_cause(if source == Source::MasterList {
            Cause::MasterList
        } else {
            Cause::Hearsay
        });
        for entry in entries {
            self.merge_entry(ListEntry { source, listed, entry }, now);
        }
        self.schedule_verification(now.tick);
    }

    /// Drains this server or brings it back.
    pub fn handle_control(&mut self, now: Now, control: Control) {
        self.check_clock(now);
        if self.members.control(control, now) {
            self.record_reached_again(now);
            self.push_to_many(now.tick);
            self.spread_own_claim(now);
        }
    }

    /// Runs the timers that are due. The time may be the one that `poll_timeout` returned, or any
    /// other.
    pub fn handle_timeout(&mut self, now: Now) {
        self.check_clock(now);
        self.cx.parsing.lift_limit();
        if let Some(due) = self.cx.timers.next().filter(|due| *due <= now.tick) {
            self.exchanges.health.record_wake(now.tick.since(due), now.tick);
        }
        if self.log_due().is_some_and(|due| due <= now.tick) {
            self.write_log(now);
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
                Timer::Retention => self.drop_expired(now),
                Timer::Probe => self.probe_next(now),
                Timer::Rumours => self.push_rumours(now),
                Timer::Investigations => self.continue_investigations(now),
                Timer::Suspicion => self.end_suspicions(now),
                Timer::Refusals => self.review_refusals(now),
                Timer::Absent => self.check_absent(now),
                Timer::DeathNotices => self.send_death_notice(now),
                Timer::Listings => self.ask_listings(now),
                Timer::Clock => {
                    self.merging.rejected.schedule_clock_check(&self.members, &mut self.cx, now.tick)
                }
                Timer::Strangers => self.check_strangers(now),
                Timer::Outsiders => self.ask_outsider(now),
                Timer::Farewell => self.end_farewell_stage(now),
            }
        }
    }

    /// Returns the next request to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.cx.transmits.pop_front()
    }

    /// Returns the next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.cx.events.pop_front()
    }

    /// Whether there is a request to send, or an event.
    pub fn has_output(&self) -> bool {
        !(self.cx.transmits.is_empty() && self.cx.events.is_empty())
    }

    /// Returns the time of the next call of [`Machine::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Tick> {
        self.cx.timers.next().into_iter().chain(self.log_due()).min()
    }

    /// Returns the claim that this server holds about a server, itself included.
    pub fn claim(&self, base_url: &str, now: Now) -> Option<Claim> {
        intake::claim_about(&self.members, &self.cx, base_url, now)
    }

    /// Returns the number of online servers that it knows, itself included.
    pub fn living(&self) -> usize {
        self.members.online_count()
    }

    /// Returns a number that grows whenever another server becomes known, is forgotten, or changes
    /// its status.
    pub fn revision(&self) -> u64 {
        self.members.roster.revision()
    }

    /// Returns the hash of the online servers. Servers with equal hashes know the same ones.
    pub fn hash(&self) -> u64 {
        self.members.digest().total()
    }

    /// Returns when a log line is due. Changes are only collected until the start has ended; a
    /// server that leaves logs no more changes.
    fn log_due(&self) -> Option<Tick> {
        if !self.cx.is_running() {
            return None;
        }
        self.members.roster.journal.due().into_iter().chain(self.cx.log.summary_due()).min()
    }

    /// Logs the lines that are due.
    fn write_log(&mut self, now: Now) {
        if self.members.roster.journal.due().is_some_and(|due| due <= now.tick) {
            self.log_changes(now.tick);
        }
        self.cx.log_dropped(now.tick);
    }

    fn log_changes(&mut self, now: Tick) {
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
            self.cx.log_rejections(Rejection::Malformed, lists.malformed);
        }
        self.handle_claims(now, source, ListKind::Offline, &lists.offline);
        self.handle_claims(now, source, ListKind::Online, &lists.online);
    }

    /// Returns all servers that this server knows, itself included.
    pub fn lists(&self) -> Lists {
        self.members.lists()
    }

    /// Returns the online servers that this server knows, itself included; `offline` stays empty.
    pub fn online_list(&self) -> Lists {
        self.members.online_list()
    }

    /// Returns all servers that it knows, without itself.
    pub fn others(&self) -> Lists {
        self.members.others()
    }

    /// Returns the number of servers in [`Machine::others`].
    pub fn other_count(&self) -> usize {
        self.members.roster.len()
    }

    /// Returns a number that changes whenever [`Machine::others`] does.
    pub fn others_version(&self) -> u64 {
        let mut version = self.members.roster.revision();
        let mut fold = |bits: u64| version = (version.rotate_left(5) ^ bits).wrapping_mul(HASH_MULTIPLIER);
        for (_, member) in self.members.roster.iter() {
            fold(member.stamp().0 << 2 | u64::from(member.is_online()) << 1 | u64::from(member.monitor()));
            if let Some(spelling) = member.own_spelling() {
                fold(short_name(spelling).into());
            }
        }
        version
    }

    /// Returns its own entry, and whether it belongs in the online list.
    pub fn own_entry(&self) -> (Entry, bool) {
        (self.members.local.entry(), self.members.local.is_online())
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
