//! News among native servers: pushed at once to a few, repeated for a while, dropped when nobody finds them new any more.
//!
//! Rumour mongering with feedback and a counter (Demers and others 1987); the number of repeats grows with the logarithm of the
//! cluster's size (Karp and others 2000).

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::exchanges::native_message::NativeMessage;
use crate::protocol::machine::Machine;
use crate::protocol::members::member::Member;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::limits::MAX_CLAIM_BYTES;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::extension::Kind;

/// News within this time go out together.
pub(crate) const COALESCED: Duration = Duration::from_millis(15);
/// The pause between two rounds of pushes.
pub(crate) const PAUSE: Duration = Duration::from_millis(150);
/// So many peers hear of a rumour in a round.
pub(crate) const FANOUT: usize = 3;
/// A rumour rests after so many rounds in which everybody knew it.
pub(crate) const IDLE_ROUNDS: u8 = 3;
/// Rumours in one answer, at most.
const MAX_ANSWERED: usize = 100;

/// What is being spread.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Rumours {
    by_subject: IndexMap<Arc<str>, Rumour, FixedState>,
    not_before: Tick,
}

#[derive(Debug)]
struct Rumour {
    rounds_left: u8,
    idle_rounds: u8,
    /// Whether anybody has answered who was told of it in this round.
    was_answered: bool,
    was_news: bool,
}

impl Rumour {
    fn spend_round(&mut self) {
        self.rounds_left = self.rounds_left.saturating_sub(1);
    }
}

impl Rumours {
    /// A peer has told which of the claims sent to it were news.
    pub(in crate::protocol) fn hear_feedback(&mut self, told: &[Arc<str>], fresh: &[u32]) {
        for (index, subject) in told.iter().enumerate() {
            if let Some(rumour) = self.by_subject.get_mut(subject) {
                rumour.was_answered = true;
                rumour.was_news |= fresh.iter().any(|news| *news as usize == index);
            }
        }
    }

    /// Whoever leaves passes nothing on any more.
    pub(in crate::protocol) fn forget_all(&mut self) {
        self.by_subject.clear();
    }

    /// Nothing is told any more of a member that is no longer known.
    pub(in crate::protocol) fn forget(&mut self, subject: &str) {
        self.by_subject.shift_remove(subject);
    }

    pub(in crate::protocol) fn len(&self) -> usize {
        self.by_subject.len()
    }

    fn spend_round<'a>(&mut self, told: impl Iterator<Item = &'a Arc<str>>) {
        for subject in told {
            self.by_subject.get_mut(subject).into_iter().for_each(Rumour::spend_round);
        }
    }

    fn end_round(&mut self) {
        self.by_subject.retain(|_, rumour| {
            let was_answered = std::mem::take(&mut rumour.was_answered);
            if std::mem::take(&mut rumour.was_news) {
                rumour.idle_rounds = 0;
            } else if was_answered {
                rumour.idle_rounds += 1;
            }
            rumour.rounds_left > 0 && rumour.idle_rounds < IDLE_ROUNDS
        });
    }
}

/// So many rounds suffice for a cluster of this size.
pub(crate) fn rounds_for(servers: usize) -> u8 {
    let digits = servers.checked_ilog10().map_or(1, |tens| tens + 1);
    3 * digits.min(6) as u8
}

impl Machine {
    /// News about a server, or about this one, is to be known to all.
    pub(in crate::protocol) fn spread(&mut self, subject: &str, now: Now) {
        if !self.is_native() {
            return;
        }
        let subject = match self.members.roster.entry(subject) {
            Some((identity, _)) => Arc::clone(identity),
            None if subject == self.members.me.identity() => Arc::from(subject),
            None => return,
        };
        let rounds_left = rounds_for(self.members.roster.online_count() + 1);
        let rumour = Rumour { rounds_left, idle_rounds: 0, was_answered: false, was_news: false };
        self.native.rumours.by_subject.insert(subject, rumour);
        self.schedule_rumours(now.tick);
    }

    pub(in crate::protocol) fn spread_myself(&mut self, now: Now) {
        let me: Arc<str> = Arc::from(self.members.me.identity());
        self.spread(&me, now);
    }

    pub(in crate::protocol) fn schedule_rumours(&mut self, now: Tick) {
        if self.lifecycle.phase.is_running() && !self.native.rumours.by_subject.is_empty() {
            self.cx.timers.set_earlier(Timer::Rumours, (now + COALESCED).max(self.native.rumours.not_before));
        }
    }

    /// One round: a few peers hear of all rumours.
    pub(in crate::protocol) fn push_rumours(&mut self, now: Now) {
        self.native.rumours.end_round();
        if self.native.rumours.by_subject.is_empty() {
            return;
        }
        let allowed = self.exchanges.push_budget.take(FANOUT, now.tick);
        let peers = self.helpers(allowed, "", now.tick);
        if !peers.is_empty() {
            let (told, claims) = self.rumoured(MAX_CLAIM_BYTES, now);
            let told: Arc<[Arc<str>]> = told.into();
            let message = NativeMessage::new(Kind::Push, Purpose::Push).with_claims(claims);
            let message = NativeMessage { told: Arc::clone(&told), ..message };
            if !self.exchanges.send_natives(&mut self.members, &mut self.cx, peers, message, now).is_empty() {
                self.native.rumours.spend_round(told.iter());
            }
        } else if !self.has_somebody_to_tell(now.tick) {
            // Where all are busy the round is made up for; where there is nobody, it would be for ever.
            self.native.rumours.by_subject.values_mut().for_each(Rumour::spend_round);
        }
        let pause = self.jittered(PAUSE.mul_f64(self.exchanges.health.restraint()));
        self.native.rumours.not_before = now.tick + pause;
        self.cx.timers.set(Timer::Rumours, self.native.rumours.not_before);
    }

    fn has_somebody_to_tell(&self, now: Tick) -> bool {
        let can_be_told = |member: &Member| {
            member.status == Status::Online && !member.is_met_as_legacy() && !member.is_left_alone(now)
        };
        self.members.roster.iter().any(|(_, member)| can_be_told(member))
    }

    /// The claims that are being spread, those with most rounds ahead of them first, as far as they fit.
    pub(in crate::protocol) fn rumoured(
        &self,
        at_most_bytes: usize,
        now: Now,
    ) -> (Vec<Arc<str>>, Vec<Claim>) {
        let mut subjects: Vec<(&Arc<str>, u8)> = self
            .native
            .rumours
            .by_subject
            .iter()
            .map(|(subject, rumour)| (subject, rumour.rounds_left))
            .collect();
        subjects.sort_by_key(|(_, rounds_left)| std::cmp::Reverse(*rounds_left));
        let claims = subjects
            .into_iter()
            .filter_map(|(subject, _)| Some((Arc::clone(subject), self.members.claim_about(subject, now)?)));
        let mut room = at_most_bytes;
        claims
            .map_while(|(subject, claim)| {
                room = room.checked_sub(claim.bytes())?;
                Some((subject, claim))
            })
            .unzip()
    }

    /// News for the answer to somebody who knows of these subjects already.
    pub(in crate::protocol) fn rumoured_besides(&self, known: impl Fn(&str) -> bool, now: Now) -> Vec<Claim> {
        // The latest first: the others have been on their way for longer.
        let subjects = self.native.rumours.by_subject.keys().rev().filter(|subject| !known(subject));
        subjects.take(MAX_ANSWERED).filter_map(|subject| self.members.claim_about(subject, now)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_grow_with_the_logarithm() {
        assert_eq!([1, 9, 10, 99, 100, 999, 10_000].map(rounds_for), [3, 3, 6, 6, 9, 9, 15]);
    }
}
