//! Answers that prove nothing: refusals, and lists without the server's own entry.

use std::time::Duration;

use crate::protocol::members::member::Member;
use crate::protocol::types::time::Tick;

/// Refusals needed to declare a server dead.
const REFUSALS_FOR_DEATH: u8 = 3;
/// Minimum time between two refusals that both count. A burst of requests meets one state of the
/// server.
pub(in crate::protocol) const MIN_REFUSAL_GAP: Duration = Duration::from_secs(5);

/// Minimum time from the first refusal until a server that only refuses is declared dead. Longer
/// than an overload or a restart of a proxy.
const MIN_REFUSAL_WINDOW: Duration = Duration::from_secs(60);
/// The same for a legacy peer, in gossip intervals: it is contacted about once in each.
const LEGACY_REFUSAL_INTERVALS: u32 = 3;

/// Answers of one server that prove nothing. Few servers have any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::protocol) struct UnprovedAnswers {
    /// Its refusals since its own claim last proved it.
    pub(super) refusals: Option<Refusals>,
    /// Set while it is offline because its own list lacked it.
    pub(super) absence: Option<Absence>,
    /// When a server that has never exchanged first rejected this server's secret.
    pub(super) rejected_at: Option<Tick>,
}

/// The route on which a server was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Route {
    /// `GET …/list`, which needs no secret.
    List,
    /// `POST …/gossip`.
    Gossip,
}

/// The refusals of one server since its own claim last proved it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::protocol) struct Refusals {
    first: Tick,
    last_counted: Tick,
    count: u8,
    was_list_refused: bool,
    was_gossip_refused: bool,
    latest: Route,
    /// Until when it is not contacted, as its `Retry-After` requests.
    left_alone_until: Tick,
}

impl Refusals {
    pub(in crate::protocol) fn new(route: Route, now: Tick) -> Self {
        let mut refusals = Self {
            first: now,
            last_counted: now,
            count: 1,
            was_list_refused: false,
            was_gossip_refused: false,
            latest: route,
            left_alone_until: Tick(0),
        };
        refusals.record_route(route);
        refusals
    }

    pub(in crate::protocol) fn add(&mut self, route: Route, now: Tick) {
        self.record_route(route);
        if now.since(self.last_counted) >= MIN_REFUSAL_GAP {
            self.count = self.count.saturating_add(1);
            self.last_counted = now;
        }
    }

    fn record_route(&mut self, route: Route) {
        self.latest = route;
        match route {
            Route::List => self.was_list_refused = true,
            Route::Gossip => self.was_gossip_refused = true,
        }
    }

    /// When the first refusal came.
    pub(in crate::protocol) fn first(&self) -> Tick {
        self.first
    }

    /// Records until when the server is to be left alone.
    pub(in crate::protocol) fn leave_alone_until(&mut self, until: Tick) {
        self.left_alone_until = self.left_alone_until.max(until);
    }

    /// Whether it refused a gossip exchange.
    pub(in crate::protocol) fn include_gossip(&self) -> bool {
        self.was_gossip_refused
    }

    /// The route to ask on next. A server that is to be left alone is asked once on the other
    /// route, then no more.
    pub(in crate::protocol) fn next_route(&self, now: Tick) -> Option<Route> {
        match (self.was_list_refused, self.was_gossip_refused, self.latest) {
            (false, ..) => Some(Route::List),
            (_, false, _) => Some(Route::Gossip),
            _ if now < self.left_alone_until => None,
            (.., Route::Gossip) => Some(Route::List),
            (.., Route::List) => Some(Route::Gossip),
        }
    }

    /// Whether the refusals suffice to declare it dead. If it is to be left alone, one on each
    /// route does.
    pub(in crate::protocol) fn suffice(&self, now: Tick) -> bool {
        let is_refused_in_both_ways = self.was_list_refused && self.was_gossip_refused;
        is_refused_in_both_ways && (self.count >= REFUSALS_FOR_DEATH || now < self.left_alone_until)
    }
}

impl Member {
    /// The time from its first refusal until it is declared dead.
    pub(in crate::protocol) fn refusal_window(&self, gossip_interval: Duration) -> Duration {
        let rounds = gossip_interval.saturating_mul(LEGACY_REFUSAL_INTERVALS);
        if self.is_contacted_as_legacy() { MIN_REFUSAL_WINDOW.max(rounds) } else { MIN_REFUSAL_WINDOW }
    }

    /// When it is declared dead if it only refuses; `None` if it does not refuse.
    pub(in crate::protocol) fn refusal_deadline(&self, gossip_interval: Duration) -> Option<Tick> {
        Some(self.refusals()?.first() + self.refusal_window(gossip_interval))
    }
}

/// What is known about a server whose own list lacked it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::protocol) struct Absence {
    /// Since when each of its answers has shown it.
    shown_since: Option<Tick>,
    silences: u8,
}

impl Absence {
    /// Records that its list shows it, and returns since when it has done so without a break.
    pub(in crate::protocol) fn record_shown(&mut self, now: Tick) -> Tick {
        self.silences = 0;
        *self.shown_since.get_or_insert(now)
    }

    /// Records an answer that does not show it.
    pub(in crate::protocol) fn record_missing(&mut self) {
        self.shown_since = None;
        self.silences = 0;
    }

    /// Records a missing answer, and returns how many were missing in a row.
    pub(in crate::protocol) fn count_silence(&mut self) -> u8 {
        self.shown_since = None;
        self.silences = self.silences.saturating_add(1);
        self.silences
    }
}
