//! Rule "Isolation": a server that alone would declare many others dead is more likely cut off itself.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use crate::protocol::context::Context;
use crate::protocol::context::output::Severity;
use crate::protocol::members::Members;
use crate::protocol::types::limits::MAX_MEMBERS;
use crate::protocol::types::time::{Now, Tick};

/// Time within which burials count together.
const BURIAL_WINDOW: Duration = Duration::from_secs(60);
/// Burials by one server alone that are too many, where they are also more than that share of the members.
const TOO_MANY: usize = 3;
const TOO_LARGE_A_SHARE: f64 = 0.15;
/// Burials remembered; beyond it the oldest makes way. No window holds more: this is the largest share of the largest roster.
pub(in crate::protocol) const MAX_BURIALS: usize = (MAX_MEMBERS as f64 * TOO_LARGE_A_SHARE) as usize;

/// Whether this server seems to be cut off from the others.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Isolation {
    /// Members that this server declared dead though nobody else had accused them, and when; since the last answer.
    burials: IndexMap<Arc<str>, Tick, FixedState>,
    is_cut_off: bool,
    /// When another server last answered this one.
    last_answer: Option<Tick>,
}

impl Isolation {
    /// Records that this server has declared a member dead on nobody else's word.
    pub(in crate::protocol) fn record_burial(&mut self, identity: &Arc<str>, now: Tick) {
        self.burials.shift_remove(identity);
        if self.burials.len() >= MAX_BURIALS {
            self.burials.shift_remove_index(0);
        }
        self.burials.insert(Arc::clone(identity), now);
    }

    /// Ends it, as another server has answered: earlier burials no longer count.
    pub(in crate::protocol) fn end(&mut self) {
        self.is_cut_off = false;
        self.burials.clear();
    }

    /// Records the answer of another server, which ends it. Returns when the answer before it came.
    pub(in crate::protocol) fn record_answer(&mut self, now: Tick) -> Option<Tick> {
        self.end();
        self.last_answer.replace(now)
    }

    /// Whether another server has ever answered this one.
    pub(in crate::protocol) fn has_heard(&self) -> bool {
        self.last_answer.is_some()
    }

    /// Whether another server has answered this one since then.
    pub(in crate::protocol) fn has_heard_since(&self, since: Tick) -> bool {
        self.last_answer.is_some_and(|at| at >= since)
    }

    /// How many members beside this one were buried alone within the window.
    fn recent_burials_beside(&mut self, identity: &str, now: Tick) -> usize {
        self.burials.retain(|_, at| now.since(*at) < BURIAL_WINDOW);
        self.burials.len() - usize::from(self.burials.contains_key(identity))
    }

    pub(in crate::protocol) fn burial_count(&self) -> usize {
        self.burials.len()
    }
}

impl Members {
    /// Whether to hold back the burial of this member, which nobody else accuses, because it would be one too many.
    pub(in crate::protocol) fn hold_back_burial(
        &mut self,
        cx: &mut Context,
        identity: &str,
        now: Now,
    ) -> bool {
        if self.isolation.is_cut_off {
            return true;
        }
        let others = self.isolation.recent_burials_beside(identity, now.tick);
        let members = self.roster.online_count() + others;
        // With only one other member, its death and one's own isolation look alike.
        let is_rule_void = members <= 1;
        let burials = others + 1;
        let are_few = burials < TOO_MANY || (burials as f64) <= members as f64 * TOO_LARGE_A_SHARE;
        if is_rule_void || are_few {
            return false;
        }
        self.isolation.is_cut_off = true;
        let message = "Clustershazbot reaches hardly anybody: this server seems to be cut off, and buries no more of the others";
        cx.log_seldom(Severity::Warning, message.to_owned(), None, now.tick);
        true
    }
}
