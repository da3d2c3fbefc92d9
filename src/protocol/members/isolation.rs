//! Rule "Isolation": if a server alone would declare many others dead, the fault is more likely its
//! own.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use crate::protocol::context::Context;
use crate::protocol::context::output::Severity;
use crate::protocol::members::Members;
use crate::protocol::types::limits::MAX_MEMBERS;
use crate::protocol::types::time::{Now, Tick};

/// Time in which burials are counted.
const BURIAL_WINDOW: Duration = Duration::from_secs(60);
/// Burials by one server alone that suggest isolation, if they also exceed the share below.
const MIN_BURIALS: usize = 3;
/// Share of the members above which burials by one server alone suggest isolation.
const MAX_BURIAL_SHARE: f64 = 0.15;
/// Burials remembered. A further one evicts the oldest. This is the largest share of the largest
/// roster, so no window has more.
pub(in crate::protocol) const MAX_BURIALS: usize = (MAX_MEMBERS as f64 * MAX_BURIAL_SHARE) as usize;

/// Tracks whether this server seems to be cut off from the others.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Isolation {
    /// When this server declared members dead that no other server accused, since the last answer.
    burials: IndexMap<Arc<str>, Tick, FixedState>,
    is_cut_off: bool,
    /// When another server last answered this one.
    last_answer: Option<Tick>,
}

impl Isolation {
    /// Whether this server seems to be cut off from the others.
    #[inline]
    pub(in crate::protocol) fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }

    /// Records that this server has declared a member dead that no other server accused.
    pub(in crate::protocol) fn record_burial(&mut self, identity: &Arc<str>, now: Tick) {
        self.burials.shift_remove(identity);
        if self.burials.len() >= MAX_BURIALS {
            self.burials.shift_remove_index(0);
        }
        self.burials.insert(Arc::clone(identity), now);
    }

    /// Ends the isolation, as another server has answered: earlier burials no longer count.
    pub(in crate::protocol) fn end(&mut self) {
        self.is_cut_off = false;
        self.burials.clear();
    }

    /// Records the answer of another server, which ends the isolation. Returns when the previous
    /// answer came.
    pub(in crate::protocol) fn record_answer(&mut self, now: Tick) -> Option<Tick> {
        self.end();
        self.last_answer.replace(now)
    }

    /// Whether another server has ever answered this one.
    pub(in crate::protocol) fn was_ever_answered(&self) -> bool {
        self.last_answer.is_some()
    }

    /// Whether another server has answered this one since then.
    pub(in crate::protocol) fn was_answered_since(&self, since: Tick) -> bool {
        self.last_answer.is_some_and(|at| at >= since)
    }

    /// The number of recent burials by this server alone, other than that of this member.
    fn count_recent_burials_of_others(&mut self, identity: &str, now: Tick) -> usize {
        self.burials.retain(|_, at| now.since(*at) < BURIAL_WINDOW);
        self.burials.len() - usize::from(self.burials.contains_key(identity))
    }

    pub(in crate::protocol) fn burial_count(&self) -> usize {
        self.burials.len()
    }
}

impl Members {
    /// Returns whether isolation prevents the burial of a member that no other server accuses.
    pub(in crate::protocol) fn hold_back_burial(
        &mut self,
        cx: &mut Context,
        identity: &str,
        now: Now,
    ) -> bool {
        if self.isolation.is_cut_off {
            return true;
        }
        let others = self.isolation.count_recent_burials_of_others(identity, now.tick);
        let members = self.roster.online_count() + others;
        // With only one other member, its death and this server's isolation look the same.
        let has_one_peer = members <= 1;
        let burials = others + 1;
        let are_few_burials = burials < MIN_BURIALS || (burials as f64) <= members as f64 * MAX_BURIAL_SHARE;
        if has_one_peer || are_few_burials {
            return false;
        }
        self.isolation.is_cut_off = true;
        let message = "Clustershazbot reaches almost no other server: it seems to be cut off, and declares no more servers dead";
        cx.log_throttled(Severity::Warning, message.to_owned(), None, now.tick);
        true
    }
}
