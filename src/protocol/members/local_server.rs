//! The claim of this server about itself, which no other server's claim replaces.

use std::time::Duration;

use crate::protocol::members::stamp_clock::StampClock;
use crate::protocol::types::accusers::Accusers;
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::status::{Control, Status};
use crate::protocol::types::time::{Incarnation, Now, Stamp, Tick};
use crate::protocol::wire::message::Entry;

/// First pause before a drained server adopts a higher incarnation again; each further one doubles.
/// Without it, a sibling (another process behind the same URL) would refute every drain at once.
const MIN_ADOPTION_PAUSE: Duration = Duration::from_secs(1);
/// Excess of the server's own incarnation over the limit of 24 h, in seconds: refutations of claims
/// at the limit exceed it a little.
const INCARNATION_MARGIN: u32 = 60;
/// Longest such pause.
const MAX_ADOPTION_PAUSE: Duration = Duration::from_secs(60);

/// Whether this server has been told of its earlier processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum AnswersSoFar {
    /// Its start still waits for answers. A claim that it is alive may be about an earlier process.
    None,
    /// It has started. Such a claim is about a sibling: another process behind the same URL, which
    /// shares the incarnation.
    Some,
}

/// What a claim about this server calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Contradiction {
    /// Nothing: the claim agrees, or is older than this server's own claim.
    None,
    /// Spreading the newer version with which this server has refuted the claim.
    Outdone,
}

#[derive(Debug)]
pub(in crate::protocol) struct LocalServer {
    url: BaseUrl,
    monitor: bool,
    /// Strictly grows, also within a millisecond or when the clock steps back.
    stamp: Stamp,
    /// The lowest stamp in the claims of this process.
    first_stamp: Stamp,
    /// The highest stamp in any claim about this server.
    highest_claimed: Stamp,
    /// The version among native servers.
    incarnation: Incarnation,
    /// The highest incarnation in any claim about this server.
    highest_incarnation: Incarnation,
    /// Whether its start has superseded an earlier process.
    has_superseded: bool,
    draining: bool,
    leaving: bool,
    /// Whether it leaves without announcing it, because a sibling may continue.
    is_quiet: bool,
    adoption_pause: AdoptionPause,
    clock: StampClock,
    /// Refuted claims that it is suspect or offline.
    refutations: u64,
}

/// The pauses between the incarnations that a drained server adopts.
#[derive(Debug, Default)]
struct AdoptionPause {
    pause: Duration,
    not_before: Tick,
}

impl AdoptionPause {
    /// Returns whether the pause is over, and if so begins the next one.
    fn try_pass(&mut self, now: Tick) -> bool {
        if now < self.not_before {
            return false;
        }
        self.pause = (self.pause * 2).clamp(MIN_ADOPTION_PAUSE, MAX_ADOPTION_PAUSE);
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
            first_stamp: now.wall,
            highest_claimed: Stamp(0),
            incarnation: Incarnation::first(now.wall),
            highest_incarnation: Incarnation::NONE,
            has_superseded: false,
            draining: false,
            leaving: false,
            is_quiet: false,
            adoption_pause: AdoptionPause::default(),
            clock: StampClock::new(now),
            refutations: 0,
        }
    }

    pub(in crate::protocol) fn identity(&self) -> &str {
        self.url.identity()
    }

    pub(in crate::protocol) fn entry(&self) -> Entry {
        Entry { base_url: self.url.spelling().clone().into(), monitor: self.monitor, last_update: self.stamp }
    }

    /// Its claim about itself.
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

    /// Its claim about itself as sent to others: a quiet leave shows as online until the URL is
    /// left.
    pub(in crate::protocol) fn public_claim(&self) -> Claim {
        let hides_own_leave = self.is_quiet && !self.draining;
        let claim = self.claim();
        if hides_own_leave { Claim { status: Status::Online, ..claim } } else { claim }
    }

    /// The number of claims that it is suspect or offline which it has refuted.
    pub(in crate::protocol) fn refutations(&self) -> u64 {
        self.refutations
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

    /// Returns the time to be used in stamps.
    pub(in crate::protocol) fn read_clock(&mut self, now: Now) -> Stamp {
        self.clock.read(now)
    }

    /// Restarts an incarnation that is far ahead of its own clock, and returns whether it did.
    ///
    /// The clock was ahead and is right again. Other servers reject such an incarnation. The stamp
    /// keeps growing.
    pub(in crate::protocol) fn restart_incarnation(&mut self, now: Now) -> bool {
        if !Incarnation(self.incarnation.0.saturating_sub(INCARNATION_MARGIN)).is_far_ahead(now) {
            return false;
        }
        self.incarnation = Incarnation::first(now.wall);
        self.first_stamp = now.wall;
        self.highest_incarnation = Incarnation::NONE;
        self.adoption_pause = AdoptionPause::default();
        self.stamp = self.stamp.next();
        true
    }

    /// Takes a new stamp, if it is online.
    pub(in crate::protocol) fn refresh(&mut self, now: Now) {
        if self.is_online() {
            self.stamp = self.clock.read(now).max(self.stamp.next());
        }
    }

    /// Renews the tombstone of a drained server, so that others do not drop it.
    pub(in crate::protocol) fn renew_tombstone(&mut self, now: Now) {
        if !self.is_online() {
            self.outdo_everything(now);
        }
    }

    /// Drains this server or brings it back, and returns whether anything changed.
    pub(in crate::protocol) fn control(&mut self, control: Control, now: Now) -> bool {
        let is_draining = control == Control::Drain;
        if self.leaving || self.draining == is_draining {
            return false;
        }
        self.draining = is_draining;
        self.adoption_pause = AdoptionPause::default();
        if !is_draining {
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

    /// Leaves without announcing it yet.
    pub(in crate::protocol) fn leave_quietly(&mut self) {
        self.leaving = true;
        self.is_quiet = true;
    }

    /// Records the versions of a claim about this server, to beat them later.
    pub(in crate::protocol) fn record_claim(&mut self, claim: &Claim) {
        self.highest_claimed = self.highest_claimed.max(claim.last_update);
        self.highest_incarnation = self.highest_incarnation.max(claim.incarnation);
    }

    /// Takes a version above every claim ever seen about this server if it is online, and returns
    /// whether it is.
    pub(in crate::protocol) fn refute(&mut self, now: Now) -> bool {
        if self.is_online() {
            self.incarnation = self.incarnation.max(self.highest_incarnation).next();
            self.outdo_everything(now);
        }
        self.is_online()
    }

    /// Rule R5: refutes a plain claim that contradicts this server and is not older.
    pub(in crate::protocol) fn merge_plain(
        &mut self,
        said: Status,
        claimed: Stamp,
        now: Now,
    ) -> Contradiction {
        self.highest_claimed = self.highest_claimed.max(claimed);
        if said.is_online() == self.is_online() || claimed < self.stamp {
            return Contradiction::None;
        }
        self.refutations += u64::from(self.is_online());
        self.stamp = self.clock.read(now).max(claimed.next());
        Contradiction::Outdone
    }

    /// Rule R5 among native servers. A drained or leaving server refutes nothing. Stamp and monitor
    /// flag change only to beat a claim.
    pub(in crate::protocol) fn merge_native(
        &mut self,
        claim: &Claim,
        answers: AnswersSoFar,
        now: Now,
    ) -> Contradiction {
        self.highest_claimed = self.highest_claimed.max(claim.last_update);
        self.highest_incarnation = self.highest_incarnation.max(claim.incarnation);
        let says_alive = claim.status == Status::Online;
        let held = self.incarnation;
        let is_about_earlier_process = self.is_about_earlier_process(claim, answers);
        match (self.is_online(), says_alive) {
            (true, false) if claim.incarnation >= held => {
                self.refutations += 1;
                self.outdo(claim, now);
            }
            (true, true) if is_about_earlier_process => {
                self.has_superseded = true;
                self.outdo(claim, now);
            }
            (true, _) => self.incarnation = held.max(claim.incarnation),
            // A leaving server is soon gone. It does not contradict a sibling that stays.
            (false, true) if !is_about_earlier_process && self.leaving => {}
            // An earlier process whose clock was ahead, or a sibling.
            (false, true) if is_about_earlier_process => {
                self.has_superseded = true;
                self.incarnation = held.max(claim.incarnation);
            }
            (false, true) => {
                if claim.incarnation > held && self.adoption_pause.try_pass(now.tick) {
                    self.incarnation = claim.incarnation;
                }
            }
            (false, false) => self.incarnation = held.max(claim.incarnation),
        }
        if self.incarnation == held { Contradiction::None } else { Contradiction::Outdone }
    }

    /// Whether a claim that this server is alive is about an earlier process here.
    ///
    /// While a start waits for peers that hang, its own claim comes back, and those of siblings
    /// that start at the same time. Beating each of them would spread another version several times
    /// per second.
    pub(in crate::protocol) fn is_about_earlier_process(&self, claim: &Claim, answers: AnswersSoFar) -> bool {
        let may_be_its_own = claim.incarnation == self.incarnation && claim.last_update >= self.first_stamp;
        let may_be_earlier = claim.incarnation >= self.incarnation && !may_be_its_own;
        answers == AnswersSoFar::None && may_be_earlier && !self.has_superseded
    }

    fn outdo(&mut self, claim: &Claim, now: Now) {
        self.incarnation = claim.incarnation.next();
        self.stamp = self.clock.read(now).max(self.stamp.max(claim.last_update).next());
    }

    fn outdo_everything(&mut self, now: Now) {
        self.stamp = self.clock.read(now).max(self.stamp.max(self.highest_claimed).next());
    }
}
