//! Pushes: news about this server itself, and its own findings, sent without waiting for a round.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexSet;
use rand::RngExt;

use crate::protocol::context::Context;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::members::Members;
use crate::protocol::types::time::Tick;

/// Time for which news is collected into one push.
const PUSH_DELAY: Duration = Duration::from_millis(15);
/// Shortest pause between two pushes, regardless of the claims of others.
const PUSH_INTERVAL: Duration = Duration::from_millis(150);
/// Random servers that are sent this server's findings. They pass them on.
const PUSH_FANOUT: usize = 3;

/// The number of peers that are sent the news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::protocol) enum Reach {
    Few,
    Many,
}

#[derive(Debug, Default)]
pub(in crate::protocol) struct LegacyPush {
    reach: Option<Reach>,
    not_before: Tick,
    /// Peers that are sent the news as soon as the budget allows.
    waiting: IndexSet<Arc<str>, FixedState>,
    /// Peers that were busy when news was sent.
    deferred: IndexSet<Arc<str>, FixedState>,
}

impl LegacyPush {
    /// Removes a forgotten member.
    pub(in crate::protocol) fn forget(&mut self, identity: &str) {
        self.waiting.shift_remove(identity);
        self.deferred.swap_remove(identity);
    }

    /// Returns the number of waiting peers, and of those that were busy.
    pub(in crate::protocol) fn lengths(&self) -> [usize; 2] {
        [self.waiting.len(), self.deferred.len()]
    }

    /// Requests a push to at least this many peers.
    pub(in crate::protocol) fn request(&mut self, cx: &mut Context, reach: Reach, now: Tick) {
        self.reach = self.reach.max(Some(reach));
        self.schedule(cx, now);
    }

    pub(in crate::protocol) fn schedule(&self, cx: &mut Context, now: Tick) {
        let has_news = self.reach.is_some() || !self.waiting.is_empty();
        if has_news && cx.is_running() {
            cx.timers.set_earlier(Timer::Push, (now + PUSH_DELAY).max(self.not_before));
        }
    }

    /// Removes and returns the peers that are sent the news now.
    ///
    /// Those of a native server are legacy peers, up to its capacity, since rumours reach native
    /// servers.
    pub(in crate::protocol) fn take_targets(
        &mut self,
        members: &Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        now: Tick,
    ) -> Vec<Arc<str>> {
        let is_native = cx.is_native();
        let mut targets = match self.reach.take() {
            None => Vec::new(),
            Some(Reach::Many) => members.roster.sample_many(cx),
            Some(Reach::Few) if is_native => draw_few_legacies(members, cx),
            Some(Reach::Few) => {
                members.roster.sample(&mut cx.rng, PUSH_FANOUT, |_, member| member.is_online())
            }
        };
        if is_native {
            targets.retain(|peer| {
                members.roster.get(peer).is_some_and(|member| member.is_contacted_as_legacy())
            });
            self.waiting.retain(|peer| members.roster.get(peer).is_some_and(|member| member.is_online()));
            self.waiting.extend(targets);
            let room = exchanges.legacy_room(members, cx);
            let allowed = exchanges.push_budget.take(self.waiting.len().min(room), now);
            targets = self.waiting.drain(..allowed).collect();
        }
        self.not_before = now + PUSH_INTERVAL;
        self.schedule(cx, now);
        let (busy, free): (Vec<_>, Vec<_>) =
            targets.into_iter().partition(|peer| exchanges.in_flight.has_exchange_with(peer));
        self.deferred.extend(busy);
        free
    }

    /// Records that a peer was busy: it is sent the news when its exchange has ended.
    pub(in crate::protocol) fn defer(&mut self, peer: Arc<str>) {
        self.deferred.insert(peer);
    }

    /// Returns whether a push to a peer was deferred until its exchange ended, and forgets it.
    pub(in crate::protocol) fn take_deferred(&mut self, members: &Members, peer: &str) -> bool {
        self.deferred.swap_remove(peer) && members.roster.get(peer).is_some_and(|member| member.is_online())
    }
}

// Each native server may make the same finding, so together they push it to a few legacy peers.
fn draw_few_legacies(members: &Members, cx: &mut Context) -> Vec<Arc<str>> {
    let share = members.legacy_share(cx);
    let amount = (0..PUSH_FANOUT).filter(|_| cx.rng.random::<f64>() < share).count();
    members
        .roster
        .sample(&mut cx.rng, amount, |_, member| member.is_online() && member.is_contacted_as_legacy())
}
