//! What proves a server alive: its own claim, not just an answer from its address.

use crate::protocol::members::member::Member;
use crate::protocol::members::member::unproved_answers::{Absence, Refusals, UnprovedAnswers};
use crate::protocol::types::time::Tick;

/// How a server has proved that it is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Proof {
    /// It exchanged gossip with this server, so both have the same secret.
    Exchange,
    /// Its list, which needs no secret, contains its own entry.
    List,
}

/// What this server itself found about another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Verdict {
    Alive,
    Dead,
}

impl Verdict {
    pub(in crate::protocol) fn of(is_alive: bool) -> Self {
        if is_alive { Self::Alive } else { Self::Dead }
    }

    pub(in crate::protocol) fn fact(self) -> u8 {
        match self {
            Self::Alive => Facts::FOUND_ALIVE,
            Self::Dead => Facts::FOUND_DEAD,
        }
    }
}

/// What this server itself has found about another one, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::protocol) struct Facts(u8);

impl Facts {
    /// This server's own latest verdict: it was alive.
    pub(in crate::protocol) const FOUND_ALIVE: u8 = 1;
    /// This server's own latest verdict: it was not alive.
    pub(in crate::protocol) const FOUND_DEAD: u8 = 1 << 1;
    /// It has answered since it came online here.
    pub(in crate::protocol) const ANSWERED: u8 = 1 << 2;
    /// It has exchanged gossip with this server at least once.
    pub(in crate::protocol) const EXCHANGED: u8 = 1 << 3;
    /// It refused connections before it had answered, so its own messages are recorded.
    pub(in crate::protocol) const PORT_CLOSED: u8 = 1 << 4;
    /// Only the master list names it so far. Only the roster changes that.
    pub(in crate::protocol) const UNCONFIRMED: u8 = 1 << 5;
    /// The roster holds a suspicion against it. Only the roster changes that.
    pub(in crate::protocol) const ACCUSED: u8 = 1 << 6;

    pub(in crate::protocol) fn has(self, fact: u8) -> bool {
        self.0 & fact != 0
    }

    pub(in crate::protocol) fn set(&mut self, fact: u8, holds: bool) {
        if holds { self.0 |= fact } else { self.0 &= !fact }
    }
}

impl Member {
    /// Whether it has ever exchanged gossip with this server. Its response contained its own entry,
    /// or its request came with this server's secret.
    pub(in crate::protocol) fn has_exchanged(&self) -> bool {
        self.facts.has(Facts::EXCHANGED)
    }

    /// Whether it is known as a native server by hearsay alone.
    pub(in crate::protocol) fn is_native_stranger(&self) -> bool {
        self.is_online() && self.is_native() && !self.has_exchanged() && !self.has_answered()
    }

    /// Records that its own claim has proved it alive, which clears its refusals.
    pub(in crate::protocol) fn prove(&mut self, proof: Proof) {
        if proof == Proof::Exchange {
            self.facts.set(Facts::EXCHANGED, true);
        }
        self.settle_unproved_answers(|answers| {
            answers.refusals = None;
            answers.rejected_at = answers.rejected_at.filter(|_| proof != Proof::Exchange);
        });
    }

    /// Clears what was held against it before it came online.
    pub(in crate::protocol) fn reset_proofs(&mut self) {
        self.clear_answered();
        self.settle_unproved_answers(|answers| (answers.refusals, answers.absence) = (None, None));
    }

    fn settle_unproved_answers(&mut self, settle: impl FnOnce(&mut UnprovedAnswers)) {
        if let Some(answers) = self.unproved_answers_mut() {
            settle(answers);
            self.drop_empty_rare();
        }
    }

    /// Its refusals, if it has not proved itself since.
    pub(in crate::protocol) fn refusals(&self) -> Option<&Refusals> {
        self.unproved_answers()?.refusals.as_ref()
    }

    pub(in crate::protocol) fn refusals_mut(&mut self) -> Option<&mut Refusals> {
        self.unproved_answers_mut()?.refusals.as_mut()
    }

    pub(in crate::protocol) fn begin_refusals(&mut self, refusals: Refusals) {
        self.unproved_answers_or_insert().refusals = Some(refusals);
    }

    pub(in crate::protocol) fn end_refusals(&mut self) {
        self.settle_unproved_answers(|answers| answers.refusals = None);
    }

    pub(in crate::protocol) fn begin_absence(&mut self) {
        self.unproved_answers_or_insert().absence.get_or_insert_default();
    }

    pub(in crate::protocol) fn absence(&self) -> Option<&Absence> {
        self.unproved_answers()?.absence.as_ref()
    }

    pub(in crate::protocol) fn absence_mut(&mut self) -> Option<&mut Absence> {
        self.unproved_answers_mut()?.absence.as_mut()
    }

    /// When it first rejected this server's secret, if it has never exchanged gossip.
    pub(in crate::protocol) fn rejected_at(&self) -> Option<Tick> {
        self.unproved_answers()?.rejected_at
    }

    /// Records that it rejected this server's secret, and returns whether that is the first time.
    pub(in crate::protocol) fn record_rejection(&mut self, now: Tick) -> bool {
        if self.has_exchanged() || self.rejected_at().is_some() {
            return false;
        }
        self.unproved_answers_or_insert().rejected_at = Some(now);
        true
    }
}
