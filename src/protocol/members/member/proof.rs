//! What proves a server alive: its own word, not just an answer at its address.

use crate::protocol::members::member::Member;
use crate::protocol::members::member::doubts::{Absence, Doubts, Refusals};
use crate::protocol::types::time::Tick;

/// How a server has proved itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Proof {
    /// It exchanged gossip with this server, so both have the same secret.
    Exchange,
    /// Its list, which needs no secret, holds its own entry.
    List,
}

/// What this server found out itself about another one, as bits of one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::protocol) struct Facts(u8);

impl Facts {
    /// The latest verdict of this server itself: it was alive.
    pub(in crate::protocol) const FOUND_ALIVE: u8 = 1;
    /// The latest verdict of this server itself: it was not.
    pub(in crate::protocol) const FOUND_DEAD: u8 = 1 << 1;
    /// It has answered since it came online here.
    pub(in crate::protocol) const ANSWERED: u8 = 1 << 2;
    /// It has exchanged with this server at least once.
    pub(in crate::protocol) const EXCHANGED: u8 = 1 << 3;

    pub(in crate::protocol) fn has(self, fact: u8) -> bool {
        self.0 & fact != 0
    }

    pub(in crate::protocol) fn note(&mut self, fact: u8, holds: bool) {
        if holds { self.0 |= fact } else { self.0 &= !fact }
    }
}

impl Member {
    /// Whether it has ever exchanged with this server: its answer to gossip held its own entry, or
    /// its request came in with this server's secret.
    pub(in crate::protocol) fn has_exchanged(&self) -> bool {
        self.facts.has(Facts::EXCHANGED)
    }

    /// Whether it is known as a native server by hearsay alone.
    pub(in crate::protocol) fn is_native_stranger(&self) -> bool {
        self.is_online() && self.is_native() && !self.has_exchanged() && !self.has_answered()
    }

    /// Its own word has proved it.
    pub(in crate::protocol) fn prove(&mut self, proof: Proof) {
        if proof == Proof::Exchange {
            self.facts.note(Facts::EXCHANGED, true);
        }
        self.settle_doubts(|doubts| {
            doubts.refusals = None;
            doubts.rejected_at = doubts.rejected_at.filter(|_| proof != Proof::Exchange);
        });
    }

    /// It has come online: what was held against it before counts no more.
    pub(in crate::protocol) fn begin_anew(&mut self) {
        self.note_answered(false);
        self.settle_doubts(|doubts| (doubts.refusals, doubts.absence) = (None, None));
    }

    fn settle_doubts(&mut self, settle: impl FnOnce(&mut Doubts)) {
        if let Some(doubts) = self.doubts_mut() {
            settle(doubts);
            self.put_away_what_is_empty();
        }
    }

    /// Its answers that proved nothing, if it has not proved itself since.
    pub(in crate::protocol) fn refusals(&self) -> Option<&Refusals> {
        self.doubts()?.refusals.as_ref()
    }

    pub(in crate::protocol) fn refusals_mut(&mut self) -> Option<&mut Refusals> {
        self.doubts_mut()?.refusals.as_mut()
    }

    pub(in crate::protocol) fn begin_refusals(&mut self, refusals: Refusals) {
        self.begin_doubts().refusals = Some(refusals);
    }

    pub(in crate::protocol) fn end_refusals(&mut self) {
        self.settle_doubts(|doubts| doubts.refusals = None);
    }

    pub(in crate::protocol) fn begin_absence(&mut self) {
        self.begin_doubts().absence.get_or_insert_default();
    }

    pub(in crate::protocol) fn absence(&self) -> Option<&Absence> {
        self.doubts()?.absence.as_ref()
    }

    pub(in crate::protocol) fn absence_mut(&mut self) -> Option<&mut Absence> {
        self.doubts_mut()?.absence.as_mut()
    }

    /// When it first rejected this server's secret, if it has never exchanged.
    pub(in crate::protocol) fn rejected_at(&self) -> Option<Tick> {
        self.doubts()?.rejected_at
    }

    /// It has rejected this server's secret; tells whether that is the first time.
    pub(in crate::protocol) fn record_rejection(&mut self, now: Tick) -> bool {
        if self.has_exchanged() || self.rejected_at().is_some() {
            return false;
        }
        self.begin_doubts().rejected_at = Some(now);
        true
    }
}
