//! News that go out at once: of this server itself, and of what it found out itself.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexSet;
use rand::RngExt;

use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::machine::Machine;
use crate::protocol::types::time::{Now, Tick};

/// News within this time go out together.
const COALESCED: Duration = Duration::from_millis(15);
/// Pushes come no faster than this, whatever others claim.
const PACE: Duration = Duration::from_millis(150);
/// So many random servers hear of what was found out; they pass it on.
const FEW: usize = 3;

/// How many are to hear of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Few,
    Many,
}

#[derive(Debug, Default)]
pub(in crate::protocol) struct LegacyPush {
    reach: Option<Reach>,
    not_before: Tick,
    /// Those still to be told, when there are more pushes again.
    waiting: IndexSet<Arc<str>, FixedState>,
    /// Peers that were busy when news went out.
    owed: IndexSet<Arc<str>, FixedState>,
}

impl LegacyPush {
    /// A member that is no longer known is told nothing.
    pub(in crate::protocol) fn forget(&mut self, identity: &str) {
        self.waiting.shift_remove(identity);
        self.owed.swap_remove(identity);
    }

    /// How many are still to be told, and how many were busy.
    pub(in crate::protocol) fn lengths(&self) -> [usize; 2] {
        [self.waiting.len(), self.owed.len()]
    }
}

impl Machine {
    pub(in crate::protocol) fn push_to_few(&mut self, now: Tick) {
        self.legacy.push.reach = self.legacy.push.reach.max(Some(Reach::Few));
        self.schedule_push(now);
    }

    pub(in crate::protocol) fn push_to_many(&mut self, now: Tick) {
        self.legacy.push.reach = Some(Reach::Many);
        self.schedule_push(now);
    }

    pub(in crate::protocol) fn schedule_push(&mut self, now: Tick) {
        let has_news = self.legacy.push.reach.is_some() || !self.legacy.push.waiting.is_empty();
        if has_news && self.cx.is_running() {
            self.cx.timers.set_earlier(Timer::Push, (now + COALESCED).max(self.legacy.push.not_before));
        }
    }

    pub(in crate::protocol) fn push(&mut self, now: Now) {
        let targets = match self.legacy.push.reach.take() {
            None => Vec::new(),
            Some(Reach::Many) if self.is_native() => self.many_legacies(),
            Some(Reach::Many) => self.members.roster.sample_many(&mut self.cx),
            Some(Reach::Few) if self.is_native() => self.few_legacies(),
            Some(Reach::Few) => {
                self.members.roster.sample(&mut self.cx.rng, FEW, |_, member| member.is_online())
            }
        };
        let targets = if self.is_native() { self.as_many_as_may(targets, now) } else { targets };
        self.legacy.push.not_before = now.tick + PACE;
        self.schedule_push(now.tick);
        let (busy, free): (Vec<_>, Vec<_>) =
            targets.into_iter().partition(|peer| self.exchanges.in_flight.has_exchange_with(peer));
        self.legacy.push.owed.extend(busy);
        self.tell(free, Purpose::Push, now);
    }

    /// Those that may be told now; the others wait, unless they have gone meanwhile.
    fn as_many_as_may(&mut self, targets: Vec<Arc<str>>, now: Now) -> Vec<Arc<str>> {
        let room = self.exchanges.legacy_room(&self.members, &self.cx);
        let waiting = &mut self.legacy.push.waiting;
        waiting.retain(|peer| self.members.roster.get(peer).is_some_and(|member| member.is_online()));
        waiting.extend(targets);
        let allowed = self.exchanges.push_budget.take(waiting.len().min(room), now.tick);
        waiting.drain(..allowed).collect()
    }

    // Native servers hear by rumours. What this server alone has found out may be found out by each of them.
    fn few_legacies(&mut self) -> Vec<Arc<str>> {
        let share = self.members.legacy_share(&self.cx);
        let amount = (0..FEW).filter(|_| self.cx.rng.random::<f64>() < share).count();
        self.members
            .roster
            .sample(&mut self.cx.rng, amount, |_, member| member.is_online() && member.is_met_as_legacy())
    }

    fn many_legacies(&mut self) -> Vec<Arc<str>> {
        let mut chosen = self.members.roster.sample_many(&mut self.cx);
        chosen.retain(|peer| self.members.roster.get(peer).is_some_and(|member| member.is_met_as_legacy()));
        chosen
    }

    pub(in crate::protocol) fn push_to(&mut self, peer: Arc<str>, now: Now) {
        if self.cx.is_running() && self.converse(Arc::clone(&peer), Purpose::Push, now).is_none() {
            self.legacy.push.owed.insert(peer);
        }
    }

    /// An exchange with a peer has ended: news that it missed meanwhile follow.
    pub(in crate::protocol) fn settle_push_debt(&mut self, peer: &Arc<str>, now: Now) {
        if self.legacy.push.owed.swap_remove(peer)
            && self.members.roster.get(peer).is_some_and(|member| member.is_online())
        {
            self.push_to(Arc::clone(peer), now);
        }
    }
}
