//! The phases from start to leave: download, greeting, running, farewell.
//!
//! ```text
//! start ─▶ Downloading ─▶ Greeting ─▶ Running ─▶ (Siblings) ─▶ Farewell ─▶ LastUpload ─▶ Gone
//! ```
//! A leave may come at any time.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::protocol::context::output::Event;
use crate::protocol::context::timers::Timer;
use crate::protocol::context::{Context, RunState};
use crate::protocol::exchanges::Exchanges;
use crate::protocol::lifecycle::Lifecycle;
use crate::protocol::lifecycle::own_url::SIBLING_TIMEOUT;
use crate::protocol::members::Members;
use crate::protocol::merging::clocks::Rejected;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::time::{Now, Stamp};

/// Servers that may be asked for a full roster, after the one that the introduction asks.
pub(in crate::protocol) const FULL_ROSTER_TRIES: u8 = 2;
/// Limit of the wait for entries of the master list that are older than [`OVERDUE`], most of which
/// are dead. Long enough to resend one lost packet, which takes a second.
const OVERDUE_TIMEOUT: Duration = Duration::from_millis(1_500);
/// Age of an overdue entry: the longest pause between two announcements, by default.
const OVERDUE: Duration = Duration::from_secs(15 * 60);
/// Limit of the wait for peers that hang, in a start or a leave.
const ANSWERS_TIMEOUT: Duration = Duration::from_secs(5);
/// Limit of the wait for the master list in a leave.
const LAST_UPLOAD_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::protocol) enum Phase {
    /// The first download is in flight.
    Downloading,
    /// This server has greeted the servers on the list, and awaits their answers.
    Greeting(BTreeSet<ExchangeId>),
    /// The start has resolved.
    Running,
    /// This server leaves, and asks its own URL whether another process continues there.
    Siblings {
        /// The request in flight.
        asked: ExchangeId,
        tries_left: u8,
    },
    /// This server has announced its leave, and awaits the answers.
    Farewell(BTreeSet<ExchangeId>),
    /// This server removes itself from the master list.
    LastUpload,
    /// The leave has resolved.
    Gone,
}

impl Phase {
    fn run_state(&self) -> RunState {
        match self {
            Self::Downloading | Self::Greeting(_) => RunState::Starting,
            Self::Running => RunState::Running,
            Self::Siblings { .. } | Self::Farewell(_) | Self::LastUpload => RunState::Leaving,
            Self::Gone => RunState::Gone,
        }
    }
}

impl Lifecycle {
    pub(in crate::protocol) fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Enters a phase. Nothing else changes the phase.
    pub(in crate::protocol) fn enter(&mut self, cx: &mut Context, phase: Phase) {
        cx.run_state = phase.run_state();
        self.phase = phase;
    }

    /// Waits for the answers to greetings.
    pub(in crate::protocol) fn begin_greeting(
        &mut self,
        members: &Members,
        exchanges: &Exchanges,
        cx: &mut Context,
        greetings: BTreeSet<ExchangeId>,
        now: Now,
    ) {
        let has_overdue = greetings.iter().any(|id| is_overdue(members, exchanges, *id, now));
        self.enter(cx, Phase::Greeting(greetings));
        self.awaits_overdue = has_overdue;
        let timeout = if has_overdue { OVERDUE_TIMEOUT } else { ANSWERS_TIMEOUT };
        cx.timers.set(Timer::Bootstrap, now.tick + timeout);
    }

    /// Adds this exchange to those for which a start waits.
    pub(in crate::protocol) fn await_answer(&mut self, id: ExchangeId) {
        if let Phase::Greeting(waiting) = &mut self.phase {
            waiting.insert(id);
        }
    }

    /// Returns the awaited greetings to entries that are most likely dead; `None` if the start has
    /// ceased to wait for them.
    pub(in crate::protocol) fn take_overdue(
        &mut self,
        members: &Members,
        exchanges: &Exchanges,
        now: Now,
    ) -> Option<Vec<ExchangeId>> {
        if !std::mem::take(&mut self.awaits_overdue) {
            return None;
        }
        let Phase::Greeting(waiting) = &self.phase else { return Some(Vec::new()) };
        Some(waiting.iter().copied().filter(|id| is_overdue(members, exchanges, *id, now)).collect())
    }

    /// Stops waiting for these greetings. Returns whether they were the last ones.
    pub(in crate::protocol) fn end_greetings(&mut self, ended: &[ExchangeId]) -> bool {
        let Phase::Greeting(waiting) = &mut self.phase else { return false };
        waiting.retain(|id| !ended.contains(id));
        waiting.is_empty()
    }

    /// Waits for the other greetings for the rest of the time limit.
    pub(in crate::protocol) fn await_others(&self, cx: &mut Context, now: Now) {
        if matches!(self.phase, Phase::Greeting(_)) {
            cx.timers.set(Timer::Bootstrap, now.tick + (ANSWERS_TIMEOUT - OVERDUE_TIMEOUT));
        }
    }

    /// Waits for the answers to the announcement of a leave.
    pub(in crate::protocol) fn begin_farewell(
        &mut self,
        cx: &mut Context,
        farewells: BTreeSet<ExchangeId>,
        now: Now,
    ) {
        let asked_for_sibling = matches!(self.phase, Phase::Siblings { .. });
        let spent = if asked_for_sibling { SIBLING_TIMEOUT } else { Duration::ZERO };
        cx.timers.set(Timer::Farewell, now.tick + (ANSWERS_TIMEOUT - spent));
        self.enter(cx, Phase::Farewell(farewells));
    }

    /// Stops waiting for this farewell. Returns whether it was the last one.
    pub(in crate::protocol) fn end_farewell(&mut self, id: ExchangeId) -> bool {
        let Phase::Farewell(waiting) = &mut self.phase else { return false };
        waiting.remove(&id);
        waiting.is_empty()
    }

    /// Begins to remove this server from the master list, if configured and due. Returns whether it
    /// does.
    pub(in crate::protocol) fn begin_last_upload(
        &mut self,
        exchanges: &mut Exchanges,
        rejected: &mut Rejected,
        cx: &mut Context,
        now: Now,
    ) -> bool {
        if !matches!(self.phase, Phase::Farewell(_)) || !cx.config.master_list.update_on_shutdown {
            return false;
        }
        self.enter(cx, Phase::LastUpload);
        cx.timers.set(Timer::Farewell, now.tick + LAST_UPLOAD_TIMEOUT);
        self.master_list.begin_last_upload(exchanges, rejected, cx, now);
        true
    }

    /// Ends the leave, with [`Event::ShutDown`].
    pub(in crate::protocol) fn end(&mut self, exchanges: &mut Exchanges, cx: &mut Context) {
        self.enter(cx, Phase::Gone);
        exchanges.in_flight.abandon_all();
        self.master_list.give_up();
        cx.timers.stop_all();
        cx.events.push_back(Event::ShutDown);
    }
}

/// Whether a greeting went to an entry that is most likely dead.
fn is_overdue(members: &Members, exchanges: &Exchanges, id: ExchangeId, now: Now) -> bool {
    let exchange = exchanges.in_flight.get(id);
    let member = exchange.and_then(|exchange| members.roster.get(&exchange.peer));
    // A list written by hand may have stamps of 0.
    let is_old = |stamp: Stamp| stamp > Stamp(0) && stamp.age(now.wall) >= OVERDUE;
    member.is_some_and(|member| member.is_unconfirmed() && is_old(member.stamp()))
}
