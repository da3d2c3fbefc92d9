//! Access to the fields of a member. The roster alone changes those that it counts.

use std::time::Duration;

use crate::protocol::members::member::proof::Facts;
use crate::protocol::members::member::{Member, Wire};
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Moment, Now, Stamp};

impl Member {
    /// Sets the incarnation of a member that is not in the roster yet.
    pub(in crate::protocol) fn with_incarnation(self, incarnation: Incarnation) -> Self {
        Self { incarnation, ..self }
    }

    /// Marks a member that is not in the roster yet as named by the master list alone.
    pub(in crate::protocol) fn mark_unconfirmed(&mut self) {
        self.facts.set(Facts::UNCONFIRMED, true);
    }

    /// Marks a member that has been removed from the roster as online again.
    pub(in crate::protocol) fn clear_tombstone(&mut self) {
        self.status = Status::Online;
    }

    /// The stamp shown.
    #[inline]
    pub(in crate::protocol) fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// The version among native servers; `NONE` for a legacy peer.
    #[inline]
    pub(in crate::protocol) fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    #[inline]
    pub(in crate::protocol) fn status(&self) -> Status {
        self.status
    }

    #[inline]
    pub(in crate::protocol) fn wire(&self) -> Wire {
        self.wire
    }

    #[inline]
    pub(in crate::protocol) fn monitor(&self) -> bool {
        self.monitor
    }

    /// When the last newer claim came, or the server was added.
    #[inline]
    pub(in crate::protocol) fn refreshed_at(&self) -> Moment {
        self.refreshed_at
    }

    /// When its status changed here, or another process of it appeared.
    #[inline]
    pub(in crate::protocol) fn changed_at(&self) -> Moment {
        self.changed_at
    }

    /// Whether only the master list names it so far.
    #[inline]
    pub(in crate::protocol) fn is_unconfirmed(&self) -> bool {
        self.facts.has(Facts::UNCONFIRMED)
    }

    /// Records that a living server names it too. Only the roster calls this, as it keeps counts.
    pub(in crate::protocol) fn confirm(&mut self) {
        self.facts.set(Facts::UNCONFIRMED, false);
    }

    /// Whether the roster holds a suspicion against it.
    #[inline]
    pub(in crate::protocol) fn is_accused(&self) -> bool {
        self.facts.has(Facts::ACCUSED)
    }

    /// Records whether there is a suspicion against it. Only the roster calls this, which holds it.
    pub(in crate::protocol) fn set_accused(&mut self, is_accused: bool) {
        self.facts.set(Facts::ACCUSED, is_accused);
    }

    pub(in crate::protocol) fn set_monitor(&mut self, monitor: bool) {
        self.monitor = monitor;
    }

    /// Records that a newer claim has come.
    pub(in crate::protocol) fn record_news(&mut self, monitor: bool, now: Now) {
        self.monitor = monitor;
        self.refreshed_at = now.tick.into();
    }

    /// Records that another process of the server has appeared.
    pub(in crate::protocol) fn record_new_process(&mut self, now: Now) {
        self.changed_at = now.tick.into();
    }

    /// Sets the age of its last change and of its last news.
    pub(in crate::protocol) fn backdate(&mut self, age: Duration, now: Now) {
        self.changed_at = now.tick.before(age).into();
        self.refreshed_at = self.changed_at;
    }

    /// Whether this server has found its port closed while it may not have listened yet.
    pub(in crate::protocol) fn was_port_closed(&self) -> bool {
        self.facts.has(Facts::PORT_CLOSED)
    }

    /// Records that its port is closed while it may not listen yet.
    pub(in crate::protocol) fn record_closed_port(&mut self) {
        self.facts.set(Facts::PORT_CLOSED, true);
    }
}
