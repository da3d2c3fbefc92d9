//! Deadlines of members: one for each, in order of time.

use std::collections::BTreeSet;
use std::sync::Arc;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use crate::protocol::types::time::Tick;

/// At most one deadline for each member, so it never grows beyond the roster.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Deadlines {
    by_member: IndexMap<Arc<str>, Tick, FixedState>,
    in_order: BTreeSet<(Tick, Arc<str>)>,
}

impl Deadlines {
    /// Sets or replaces the deadline of a member.
    pub(in crate::protocol) fn set(&mut self, identity: &Arc<str>, at: Tick) {
        match self.by_member.insert(Arc::clone(identity), at) {
            Some(before) if before == at => {}
            Some(before) => {
                self.in_order.remove(&(before, Arc::clone(identity)));
                self.in_order.insert((at, Arc::clone(identity)));
            }
            None => drop(self.in_order.insert((at, Arc::clone(identity)))),
        }
    }

    /// Sets the deadline of a member, unless it has an earlier one.
    pub(in crate::protocol) fn set_earlier(&mut self, identity: &Arc<str>, at: Tick) {
        if self.by_member.get(identity).is_none_or(|before| at < *before) {
            self.set(identity, at);
        }
    }

    /// Removes the deadline of a member.
    pub(in crate::protocol) fn forget(&mut self, identity: &Arc<str>) {
        if let Some(at) = self.by_member.swap_remove(identity) {
            self.in_order.remove(&(at, Arc::clone(identity)));
        }
    }

    /// Removes and returns the members whose deadline has passed, the earliest first.
    pub(in crate::protocol) fn take_due(&mut self, now: Tick) -> Vec<Arc<str>> {
        let mut due = Vec::new();
        while self.next().is_some_and(|at| at <= now)
            && let Some((_, identity)) = self.in_order.pop_first()
        {
            self.by_member.swap_remove(&identity);
            due.push(identity);
        }
        due
    }

    /// The earliest deadline.
    pub(in crate::protocol) fn next(&self) -> Option<Tick> {
        self.in_order.first().map(|(at, _)| *at)
    }

    pub(in crate::protocol) fn len(&self) -> usize {
        self.by_member.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_has_only_the_deadline_set_last() {
        let [a, b]: [Arc<str>; 2] = ["http://a/".into(), "http://b/".into()];
        let mut deadlines = Deadlines::default();
        for tick in [50, 20, 30] {
            deadlines.set(&a, Tick(tick));
            deadlines.set(&b, Tick(tick + 5));
        }
        assert_eq!((deadlines.len(), deadlines.next()), (2, Some(Tick(30))));
        assert_eq!(deadlines.take_due(Tick(29)), [] as [Arc<str>; 0]);
        assert_eq!(deadlines.take_due(Tick(40)), [Arc::clone(&a), Arc::clone(&b)]);
        deadlines.set(&a, Tick(60));
        deadlines.forget(&a);
        assert_eq!((deadlines.len(), deadlines.next()), (0, None));
    }
}
