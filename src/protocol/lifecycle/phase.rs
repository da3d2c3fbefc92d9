//! From start to leave: download, greeting, running, farewell.
//!
//! ```text
//! start ─▶ Downloading ─▶ Greeting ─▶ Running ─▶ (Siblings) ─▶ Farewell ─▶ LastUpload ─▶ Gone
//! ```
//! A leave may come at any time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;

use crate::protocol::context::RunState;
use crate::protocol::context::output::{Event, Transmit};
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::lifecycle::own_url::SIBLING_PATIENCE;
use crate::protocol::lifecycle::{master_list, reconnect};
use crate::protocol::machine::Machine;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::time::{Now, Stamp};

/// So many random servers hear of a start, a leave or a control at once, beside all monitors.
pub(crate) const MANY: usize = 20;
/// A list may call everybody a monitor; no more of them are told at once.
const MAX_MONITORS: usize = 100;
/// Native servers pass news on among themselves.
const MAX_MONITORS_OF_NATIVES: usize = 20;
/// After the one that is asked with the announcement, so many more may be asked for a whole roster.
const WHOLE_TRIES: u8 = 2;
/// Bound of the wait for entries of the master list that nobody has renewed for [`OVERDUE`]: most of
/// them are dead. One lost packet is sent again within a second.
const OVERDUE_PATIENCE: Duration = Duration::from_millis(1_500);
/// Age of an overdue entry: the longest pause between two announcements, by default.
const OVERDUE: Duration = Duration::from_secs(15 * 60);
/// Peers that hang hold up neither a start nor a leave for longer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The master list holds up a leave no longer.
const LAST_UPLOAD_PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::protocol) enum Phase {
    /// The first download is under way.
    Downloading,
    /// The servers on the list are told, and their answers awaited.
    Greeting(BTreeSet<ExchangeId>),
    /// The start has resolved.
    Running,
    /// This server leaves, and asks its own URL whether another process goes on there.
    Siblings {
        /// The question under way.
        asked: ExchangeId,
        tries_left: u8,
    },
    /// The leave is told, and the answers awaited.
    Farewell(BTreeSet<ExchangeId>),
    /// This server takes itself off the master list.
    LastUpload,
    /// Nothing is done any more.
    Gone,
}

impl Phase {
    pub(in crate::protocol) fn is_running(&self) -> bool {
        *self == Self::Running
    }

    pub(in crate::protocol) fn is_starting(&self) -> bool {
        self.run_state() == RunState::Starting
    }

    fn run_state(&self) -> RunState {
        match self {
            Self::Downloading | Self::Greeting(_) => RunState::Starting,
            Self::Running => RunState::Running,
            Self::Siblings { .. } | Self::Farewell(_) | Self::LastUpload => RunState::Leaving,
            Self::Gone => RunState::Gone,
        }
    }
}

impl Machine {
    /// The only way from one phase to another.
    pub(in crate::protocol) fn enter(&mut self, phase: Phase) {
        self.cx.run_state = phase.run_state();
        self.lifecycle.phase = phase;
    }

    /// Tells others that this server is there.
    pub(in crate::protocol) fn greet(&mut self, now: Now) {
        let mut peers = self.many();
        // Any of them: the monitors, at the end, would be asked by every newcomer.
        let first = (!peers.is_empty()).then(|| peers.swap_remove(self.cx.rng.random_range(0..peers.len())));
        self.native.anti_entropy.allow_whole_tries(WHOLE_TRIES);
        let mut waiting = self.tell(first.into_iter().collect(), Purpose::Introduction, now);
        waiting.append(&mut self.tell(peers, Purpose::Greeting, now));
        if waiting.is_empty() {
            return self.begin_running(now);
        }
        let has_overdue = waiting.iter().any(|id| self.is_overdue(*id, now));
        self.enter(Phase::Greeting(waiting));
        self.lifecycle.master_list.awaits_overdue = has_overdue;
        let patience = if has_overdue { OVERDUE_PATIENCE } else { PATIENCE };
        // Peers that hang are no reason to be silent: those who can't reach this server yet hear that it lives.
        self.schedule_probe(now.tick);
        self.cx.timers.set(Timer::Bootstrap, now.tick + patience);
    }

    /// Whether a greeting went to an entry that is most likely dead.
    fn is_overdue(&self, id: ExchangeId, now: Now) -> bool {
        let member =
            self.exchanges.in_flight.get(id).and_then(|exchange| self.members.roster.get(&exchange.peer));
        // A list written by hand may give no moment.
        let is_old = |stamp: Stamp| stamp > Stamp(0) && stamp.age(now.wall) >= OVERDUE;
        member.is_some_and(|member| member.is_unconfirmed && is_old(member.stamp))
    }

    /// Whoever has not answered the greeting is not waited for: first those that are most likely dead.
    pub(in crate::protocol) fn end_greeting(&mut self, now: Now) {
        if !std::mem::take(&mut self.lifecycle.master_list.awaits_overdue) {
            return self.begin_running(now);
        }
        let Phase::Greeting(waiting) = &self.lifecycle.phase else { return };
        let overdue: Vec<ExchangeId> =
            waiting.iter().copied().filter(|id| self.is_overdue(*id, now)).collect();
        let is_introduction = |id: &ExchangeId| {
            self.exchanges
                .in_flight
                .get(*id)
                .is_some_and(|exchange| exchange.purpose == Purpose::Introduction)
        };
        if overdue.iter().any(is_introduction) {
            self.ask_for_whole_roster("", &[], now);
        }
        if let Phase::Greeting(waiting) = &mut self.lifecycle.phase {
            waiting.retain(|id| !overdue.contains(id));
            if waiting.is_empty() {
                return self.begin_running(now);
            }
        }
        self.cx.timers.set(Timer::Bootstrap, now.tick + (PATIENCE - OVERDUE_PATIENCE));
    }

    pub(in crate::protocol) fn begin_running_when_greeted(&mut self, id: ExchangeId, now: Now) {
        if let Phase::Greeting(waiting) = &mut self.lifecycle.phase {
            waiting.remove(&id);
            if waiting.is_empty() {
                self.begin_running(now);
            }
        }
    }

    /// Has a start wait for this exchange too.
    pub(in crate::protocol) fn wait_for_greeting(&mut self, exchange: ExchangeId) {
        if let Phase::Greeting(waiting) = &mut self.lifecycle.phase {
            waiting.insert(exchange);
        }
    }

    pub(in crate::protocol) fn begin_running(&mut self, now: Now) {
        if !self.lifecycle.phase.is_starting() {
            return;
        }
        self.enter(Phase::Running);
        self.cx.events.push_back(Event::Started);
        self.members.roster.journal.begin(now.tick);
        self.cx.timers.stop(Timer::Bootstrap);
        self.schedule_round(now);
        reconnect::schedule(&mut self.cx, now.tick);
        master_list::schedule_announcement(&mut self.cx, now.tick);
        self.cx.timers.set(Timer::Retention, now.tick);
        self.schedule_push(now.tick);
        self.schedule_verification(now.tick);
        if self.is_native() {
            self.schedule_probe(now.tick);
            self.spread_myself(now);
            self.cx.timers.set(Timer::DeathNotices, now.tick);
            if !self.native.detection.suspicions.is_empty() {
                self.cx.timers.set(Timer::Suspicion, now.tick);
            }
        }
    }

    /// Takes this server offline at once, tells the others, and ends. `Event::ShutDown` says that all is done.
    pub fn handle_leave(&mut self, now: Now) {
        if self.members.me.is_leaving() {
            return;
        }
        self.look_at_clock(now);
        let may_have_sibling = self.may_have_sibling();
        self.members.me.leave_quietly();
        self.exchanges.rumours.clear();
        if self.lifecycle.phase.is_starting() {
            self.cx.events.push_back(Event::Started);
        }
        self.exchanges.in_flight.abandon_all();
        self.lifecycle.master_list.give_up();
        self.cx.timers.stop_all();
        self.cx.transmits.clear();
        self.cx.transmits.push_back(Transmit::AbandonAll);
        if may_have_sibling {
            return self.ask_for_sibling(now);
        }
        self.say_farewell(now);
    }

    /// Tells the others that this URL goes offline.
    pub(in crate::protocol) fn say_farewell(&mut self, now: Now) {
        self.members.me.leave(now);
        // A question to the own URL may still be under way.
        self.exchanges.in_flight.abandon_all();
        let waiting = self.tell_many(Purpose::Farewell, now);
        let asked_for_sibling = matches!(self.lifecycle.phase, Phase::Siblings { .. });
        let spent = if asked_for_sibling { SIBLING_PATIENCE } else { Duration::ZERO };
        self.cx.timers.set(Timer::Farewell, now.tick + (PATIENCE - spent));
        let is_alone = waiting.is_empty();
        self.enter(Phase::Farewell(waiting));
        if is_alone {
            self.end_farewell_stage(now);
        }
    }

    pub(in crate::protocol) fn end_farewell_when_told(&mut self, id: ExchangeId, now: Now) {
        if let Phase::Farewell(waiting) = &mut self.lifecycle.phase {
            waiting.remove(&id);
            if waiting.is_empty() {
                self.end_farewell_stage(now);
            }
        }
    }

    /// The others know, or hang: the master list comes next, where that is wanted, and then the end.
    pub(in crate::protocol) fn end_farewell_stage(&mut self, now: Now) {
        if matches!(self.lifecycle.phase, Phase::Siblings { .. }) {
            return self.say_farewell(now);
        }
        if matches!(self.lifecycle.phase, Phase::Farewell(_)) && self.cx.config.master_list.update_on_shutdown
        {
            self.enter(Phase::LastUpload);
            self.cx.timers.set(Timer::Farewell, now.tick + LAST_UPLOAD_PATIENCE);
            let Self { lifecycle, exchanges, merging, cx, .. } = self;
            return lifecycle.master_list.begin_last_upload(exchanges, &mut merging.rejected, cx, now);
        }
        self.end();
    }

    /// Another process goes on behind this URL: nobody is told, and the master list keeps it.
    pub(in crate::protocol) fn leave_to_sibling(&mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.enter(Phase::Gone);
        self.exchanges.in_flight.abandon_all();
        self.lifecycle.master_list.give_up();
        self.cx.timers.stop_all();
        self.cx.events.push_back(Event::ShutDown);
    }

    fn tell_many(&mut self, purpose: Purpose, now: Now) -> BTreeSet<ExchangeId> {
        let peers = self.many();
        self.tell(peers, purpose, now)
    }

    /// Up to 20 random servers and all monitors, as far as a cluster needs monitors.
    pub(in crate::protocol) fn many(&mut self) -> Vec<Arc<str>> {
        let mut chosen = self.members.roster.sample(&mut self.cx.rng, MANY, |_, member| member.is_online());
        let monitors = if self.is_native() { MAX_MONITORS_OF_NATIVES } else { MAX_MONITORS };
        let monitors = self.members.roster.sample(&mut self.cx.rng, monitors, |identity, member| {
            member.is_online() && member.monitor && !chosen.contains(identity)
        });
        chosen.extend(monitors);
        chosen
    }
}
