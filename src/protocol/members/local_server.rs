//! What this server says of itself. It alone is the authority on that.

use std::time::Duration;

use crate::protocol::members::stamp_clock::StampClock;
use crate::protocol::types::accusers::Accusers;
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Now, Stamp, Tick};
use crate::protocol::wire::message::Entry;

/// The pause before a drained server takes over a higher incarnation a second time; doubles with each further time. A process
/// behind the same URL that still runs refutes every drain, without end.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// An own incarnation may exceed the limit of 24 h by this, in seconds: claims at the limit may have been outdone a few times.
const OUTDONE: u32 = 60;
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What a claim about this server itself calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Contradiction {
    /// The claim agrees, or is older than what this server says itself.
    None,
    /// The claim was outdone by a newer stamp, which the others should hear of.
    Outdone,
}

#[derive(Debug)]
pub(in crate::protocol) struct LocalServer {
    url: BaseUrl,
    monitor: bool,
    /// Strictly grows, also within a millisecond or when the clock steps back.
    stamp: Stamp,
    /// The highest stamp in any claim about this server.
    highest_claimed: Stamp,
    /// The version among native servers.
    incarnation: Incarnation,
    /// The highest one in any claim about this server.
    highest_incarnation: Incarnation,
    draining: bool,
    leaving: bool,
    /// Whether it does not say that it leaves, as another process may go on behind the same URL.
    is_quiet: bool,
    insistence: Insistence,
    clock: StampClock,
}

/// How a drained server paces its answers to claims that it is online.
#[derive(Debug, Default)]
struct Insistence {
    pause: Duration,
    not_before: Tick,
}

impl Insistence {
    fn is_due(&mut self, now: Tick) -> bool {
        if now < self.not_before {
            return false;
        }
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        self.not_before = now + self.pause;
        true
    }
}

impl LocalServer {
    pub(in crate::protocol) fn new(url: BaseUrl, monitor: bool, now: Now) -> Self {
        Self {
            url,
            monitor,
            stamp: now.wall,
            highest_claimed: Stamp(0),
            incarnation: Incarnation::first(now.wall),
            highest_incarnation: Incarnation::NONE,
            draining: false,
            leaving: false,
            is_quiet: false,
            insistence: Insistence::default(),
            clock: StampClock::new(now),
        }
    }

    pub(in crate::protocol) fn identity(&self) -> &str {
        self.url.identity()
    }

    pub(in crate::protocol) fn entry(&self) -> Entry {
        Entry { base_url: self.url.spelling().clone(), monitor: self.monitor, last_update: self.stamp }
    }

    /// What it says of itself to native servers.
    pub(in crate::protocol) fn claim(&self) -> Claim {
        Claim {
            base_url: self.url.spelling().clone(),
            status: if self.is_online() { Status::Online } else { Status::Left },
            incarnation: self.incarnation,
            last_update: self.stamp,
            monitor: self.monitor,
            age: 0,
            accusers: Accusers::default(),
        }
    }

    /// What it says of itself to others, who hear of a leave only once it is one of the URL.
    pub(in crate::protocol) fn word(&self) -> Claim {
        let speaks_for_sibling = self.is_quiet && !self.draining;
        let claim = self.claim();
        if speaks_for_sibling { Claim { status: Status::Online, ..claim } } else { claim }
    }

    pub(in crate::protocol) fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    pub(in crate::protocol) fn stamp(&self) -> Stamp {
        self.stamp
    }

    pub(in crate::protocol) fn is_monitor(&self) -> bool {
        self.monitor
    }

    pub(in crate::protocol) fn is_online(&self) -> bool {
        !self.draining && !self.leaving
    }

    pub(in crate::protocol) fn is_leaving(&self) -> bool {
        self.leaving
    }

    /// The present, for stamps.
    pub(in crate::protocol) fn read_clock(&mut self, now: Now) -> Stamp {
        self.clock.read(now)
    }

    /// Gives up an incarnation that lies far ahead of the own clock, which was ahead and is right again: nobody else's clock
    /// lets it in. The stamp keeps growing. Tells whether that was so.
    pub(in crate::protocol) fn begins_again_below(&mut self, now: Now) -> bool {
        if !Incarnation(self.incarnation.0.saturating_sub(OUTDONE)).is_far_ahead(now) {
            return false;
        }
        self.incarnation = Incarnation::first(now.wall);
        self.highest_incarnation = Incarnation::NONE;
        self.insistence = Insistence::default();
        self.stamp = self.stamp.next();
        true
    }

    /// A fresh stamp for what it says. Offline it says nothing new.
    pub(in crate::protocol) fn refresh(&mut self, now: Now) {
        if self.is_online() {
            self.stamp = self.clock.read(now).max(self.stamp.next());
        }
    }

    /// Keeps the tombstone of a drained server from being forgotten.
    pub(in crate::protocol) fn renew_tombstone(&mut self, now: Now) {
        if !self.is_online() {
            self.outdo_everything(now);
        }
    }

    /// Drains this server or brings it back; tells whether that changed anything.
    pub(in crate::protocol) fn control(&mut self, online: bool, now: Now) -> bool {
        if self.leaving || self.draining != online {
            return false;
        }
        self.draining = !online;
        self.insistence = Insistence::default();
        if online {
            self.incarnation = self.incarnation.max(self.highest_incarnation.counted(now)).next();
        }
        self.outdo_everything(now);
        true
    }

    pub(in crate::protocol) fn leave(&mut self, now: Now) {
        self.leaving = true;
        self.is_quiet = false;
        self.outdo_everything(now);
    }

    /// Leaves, but does not say so yet.
    pub(in crate::protocol) fn leave_quietly(&mut self) {
        self.leaving = true;
        self.is_quiet = true;
    }

    /// Remembers what a claim about this server said, to outdo it later.
    pub(in crate::protocol) fn note(&mut self, claim: &Claim) {
        self.highest_claimed = self.highest_claimed.max(claim.last_update);
        self.highest_incarnation = self.highest_incarnation.max(claim.incarnation);
    }

    /// Outdoes everything that was ever said of this server; tells whether it does, as one that is offline does not.
    pub(in crate::protocol) fn refute(&mut self, now: Now) -> bool {
        if self.is_online() {
            self.incarnation = self.incarnation.max(self.highest_incarnation).next();
            self.outdo_everything(now);
        }
        self.is_online()
    }

    /// Rule R5: hears a claim about this server. Never replaces the own entry; outdoes a claim that is not older.
    pub(in crate::protocol) fn hear(&mut self, says_online: bool, claimed: Stamp, now: Now) -> Contradiction {
        self.highest_claimed = self.highest_claimed.max(claimed);
        if says_online == self.is_online() || claimed < self.stamp {
            return Contradiction::None;
        }
        self.stamp = self.clock.read(now).max(claimed.next());
        Contradiction::Outdone
    }

    /// Rule R5 among native servers. Whoever drains or leaves refutes nothing; nobody's claim changes stamp or flag but to
    /// outdo it. `is_newcomer`: nobody has answered yet, so that a claim of life is about an earlier process here; later it is
    /// about another process behind the same URL, which shares the incarnation.
    pub(in crate::protocol) fn hear_native(
        &mut self,
        claim: &Claim,
        is_newcomer: bool,
        now: Now,
    ) -> Contradiction {
        self.highest_claimed = self.highest_claimed.max(claim.last_update);
        self.highest_incarnation = self.highest_incarnation.max(claim.incarnation);
        let says_alive = claim.status == Status::Online;
        let held = self.incarnation;
        let is_about_an_earlier_life = is_newcomer && claim.incarnation >= held;
        match (self.is_online(), says_alive) {
            (true, false) if claim.incarnation >= held => self.outdo(claim, now),
            (true, true) if is_about_an_earlier_life => self.outdo(claim, now),
            (true, _) => self.incarnation = held.max(claim.incarnation),
            // One that leaves is gone soon; it does not argue with a process behind the same URL that stays.
            (false, true) if !is_about_an_earlier_life && self.leaving => {}
            // An earlier life whose clock was ahead, or another process behind the same URL.
            (false, true) if !is_about_an_earlier_life => {
                if claim.incarnation > held && self.insistence.is_due(now.tick) {
                    self.incarnation = claim.incarnation;
                }
            }
            (false, _) => self.incarnation = held.max(claim.incarnation),
        }
        if self.incarnation == held { Contradiction::None } else { Contradiction::Outdone }
    }

    fn outdo(&mut self, claim: &Claim, now: Now) {
        self.incarnation = claim.incarnation.next();
        self.stamp = self.clock.read(now).max(self.stamp.max(claim.last_update).next());
    }

    fn outdo_everything(&mut self, now: Now) {
        self.stamp = self.clock.read(now).max(self.stamp.max(self.highest_claimed).next());
    }
}
