//! What this server says of itself. It alone is the authority on that.

use super::base_url::BaseUrl;
use super::message::Entry;
use super::time::{Now, Stamp};

/// What a claim about this server itself calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contradiction {
    /// The claim agrees, or is older than what this server says itself.
    None,
    /// The claim was outdone by a newer stamp, which the others should hear of.
    Outdone,
}

#[derive(Debug)]
pub(super) struct Myself {
    url: BaseUrl,
    monitor: bool,
    /// Strictly grows, also within a millisecond or when the clock steps back.
    stamp: Stamp,
    /// The highest stamp in any claim about this server.
    highest_claimed: Stamp,
    draining: bool,
    leaving: bool,
}

impl Myself {
    pub(super) fn new(url: BaseUrl, monitor: bool, now: Now) -> Self {
        Self { url, monitor, stamp: now.wall, highest_claimed: Stamp(0), draining: false, leaving: false }
    }

    pub(super) fn identity(&self) -> &str {
        self.url.identity()
    }

    pub(super) fn entry(&self) -> Entry {
        Entry { base_url: self.url.spelling().clone(), monitor: self.monitor, last_update: self.stamp }
    }

    pub(super) fn stamp(&self) -> Stamp {
        self.stamp
    }

    pub(super) fn is_monitor(&self) -> bool {
        self.monitor
    }

    pub(super) fn is_online(&self) -> bool {
        !self.draining && !self.leaving
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving
    }

    /// A fresh stamp for what it says. Offline it says nothing new.
    pub(super) fn refresh(&mut self, now: Now) {
        if self.is_online() {
            self.stamp = now.wall.max(self.stamp.next());
        }
    }

    /// Keeps the tombstone of a drained server from being forgotten.
    pub(super) fn renew_tombstone(&mut self, now: Now) {
        if !self.is_online() {
            self.outdo_everything(now);
        }
    }

    /// Drains this server or brings it back; tells whether that changed anything.
    pub(super) fn control(&mut self, online: bool, now: Now) -> bool {
        if self.leaving || self.draining != online {
            return false;
        }
        self.draining = !online;
        self.outdo_everything(now);
        true
    }

    pub(super) fn leave(&mut self, now: Now) {
        self.leaving = true;
        self.outdo_everything(now);
    }

    /// Rule R5: hears a claim about this server. Never replaces the own entry; outdoes a claim that is not older.
    pub(super) fn hear(&mut self, says_online: bool, claimed: Stamp, now: Now) -> Contradiction {
        self.highest_claimed = self.highest_claimed.max(claimed);
        if says_online == self.is_online() || claimed < self.stamp {
            return Contradiction::None;
        }
        self.stamp = now.wall.max(claimed.next());
        Contradiction::Outdone
    }

    fn outdo_everything(&mut self, now: Now) {
        self.stamp = now.wall.max(self.stamp.max(self.highest_claimed).next());
    }
}
