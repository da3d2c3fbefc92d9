//! What the answers of a server have left open: refusals, and lists without its own entry.

use std::time::Duration;

use crate::protocol::members::member::Member;
use crate::protocol::types::time::Tick;

/// Refusals that it takes to declare a server dead.
const ENOUGH: u8 = 3;
/// Pause between two refusals that both count. A burst of requests meets one state of the other side.
pub(in crate::protocol) const COUNTED_APART: Duration = Duration::from_secs(5);

/// How long a server that only refuses stays online after its first refusal, at least. Longer than
/// an overload or a restart of a proxy lasts.
const DEATH_AFTER: Duration = Duration::from_secs(60);
/// The same for a legacy peer, in gossip intervals: it is met about once in each.
const LEGACY_INTERVALS: u32 = 3;

/// What the answers of a server have left open. Few servers have any of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::protocol) struct Doubts {
    /// Its answers that proved nothing, since its own word last proved it.
    pub(in crate::protocol) refusals: Option<Refusals>,
    /// Set while it is offline because it answered without itself.
    pub(in crate::protocol) absence: Option<Absence>,
    /// When a server that has never exchanged first rejected this server's secret.
    pub(in crate::protocol) rejected_at: Option<Tick>,
}

/// How a server was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Way {
    /// By `GET …/list`, which needs no secret.
    List,
    /// By gossip.
    Gossip,
}

/// The refusals of one server since its own word last proved it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::protocol) struct Refusals {
    first: Tick,
    last_counted: Tick,
    count: u8,
    was_list_refused: bool,
    was_gossip_refused: bool,
    latest: Way,
    /// Until when it has asked to be left alone, by `Retry-After`.
    rests_until: Tick,
}

impl Refusals {
    pub(in crate::protocol) fn new(way: Way, now: Tick) -> Self {
        let mut refusals = Self {
            first: now,
            last_counted: now,
            count: 1,
            was_list_refused: false,
            was_gossip_refused: false,
            latest: way,
            rests_until: Tick(0),
        };
        refusals.note_way(way);
        refusals
    }

    pub(in crate::protocol) fn add(&mut self, way: Way, now: Tick) {
        self.note_way(way);
        if now.since(self.last_counted) >= COUNTED_APART {
            self.count = self.count.saturating_add(1);
            self.last_counted = now;
        }
    }

    fn note_way(&mut self, way: Way) {
        self.latest = way;
        match way {
            Way::List => self.was_list_refused = true,
            Way::Gossip => self.was_gossip_refused = true,
        }
    }

    /// When the first one came.
    pub(in crate::protocol) fn first(&self) -> Tick {
        self.first
    }

    /// It wants to be left alone until then.
    pub(in crate::protocol) fn rest_until(&mut self, until: Tick) {
        self.rests_until = self.rests_until.max(until);
    }

    /// Whether a gossip exchange was refused.
    pub(in crate::protocol) fn came_by_gossip(&self) -> bool {
        self.was_gossip_refused
    }

    /// How to ask next. One that wants to be left alone is asked once in the other way, and no more.
    pub(in crate::protocol) fn next_way(&self, now: Tick) -> Option<Way> {
        match (self.was_list_refused, self.was_gossip_refused, self.latest) {
            (false, ..) => Some(Way::List),
            (_, false, _) => Some(Way::Gossip),
            _ if now < self.rests_until => None,
            (.., Way::Gossip) => Some(Way::List),
            (.., Way::List) => Some(Way::Gossip),
        }
    }

    /// Whether they suffice to declare it dead. One that wants to be left alone is not asked more
    /// often for that.
    pub(in crate::protocol) fn are_enough(&self, now: Tick) -> bool {
        let is_refused_in_both_ways = self.was_list_refused && self.was_gossip_refused;
        is_refused_in_both_ways && (self.count >= ENOUGH || now < self.rests_until)
    }
}

impl Member {
    /// How long it may refuse before it is declared dead.
    pub(in crate::protocol) fn refusal_window(&self, gossip_interval: Duration) -> Duration {
        let rounds = gossip_interval.saturating_mul(LEGACY_INTERVALS);
        if self.is_met_as_legacy() { DEATH_AFTER.max(rounds) } else { DEATH_AFTER }
    }

    /// When it is declared dead if it only refuses; none if it does not refuse.
    pub(in crate::protocol) fn refusal_deadline(&self, gossip_interval: Duration) -> Option<Tick> {
        Some(self.refusals()?.first() + self.refusal_window(gossip_interval))
    }
}

/// What is known of a server that answered without itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::protocol) struct Absence {
    /// Since when its list has shown it each time it was asked.
    shown_since: Option<Tick>,
    silences: u8,
}

impl Absence {
    /// Its list shows it. Returns since when it has done so without a break.
    pub(in crate::protocol) fn show(&mut self, now: Tick) -> Tick {
        self.silences = 0;
        *self.shown_since.get_or_insert(now)
    }

    /// It has answered, but its list does not show it.
    pub(in crate::protocol) fn interrupt(&mut self) {
        self.shown_since = None;
        self.silences = 0;
    }

    /// It has not answered. Returns how many questions in a row had no answer.
    pub(in crate::protocol) fn count_silence(&mut self) -> u8 {
        self.shown_since = None;
        self.silences = self.silences.saturating_add(1);
        self.silences
    }
}
