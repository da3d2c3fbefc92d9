//! Rumours: news among native servers, pushed to a few at once and repeated until all know it.
//!
//! This is rumour mongering with feedback and a counter (Demers et al. 1987). The number of rounds
//! grows with the logarithm of the cluster's size (Karp et al. 2000).

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::context::Context;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::exchanges::native_message::NativeMessage;
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::members::roster::names::key_map::KeyMap;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::ids::NameKey;
use crate::protocol::types::limits::MAX_CLAIM_BYTES;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::extension::Kind;

/// Time in which news is collected into one message.
pub(crate) const RUMOUR_DELAY: Duration = Duration::from_millis(15);
/// Pause between two rounds of pushes.
pub(crate) const RUMOUR_INTERVAL: Duration = Duration::from_millis(150);
/// Peers to which a rumour is sent in one round.
pub(crate) const FANOUT: usize = 3;
/// Rounds in which all receivers knew a rumour, after which it is dropped.
pub(crate) const IDLE_ROUNDS: u8 = 3;
/// Rumours in one response.
const MAX_ANSWERED: usize = 100;

/// The rumours being spread, by subject: thousands after a partition.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Rumours {
    by_subject: KeyMap<Rumour>,
    not_before: Tick,
    /// The number of messages so far whose claims were merged.
    messages: u32,
    is_merging: bool,
}

#[derive(Debug, Clone, Copy)]
struct Rumour {
    rounds_left: u8,
    idle_rounds: u8,
    /// Whether any receiver of this round has answered.
    was_answered: bool,
    was_news: bool,
    /// The number of the message that has told it; 0 if none has.
    told_in: u32,
}

impl Rumour {
    fn spend_round(&mut self) {
        self.rounds_left = self.rounds_left.saturating_sub(1);
    }
}

impl Rumours {
    /// Records which of the claims sent to a peer were news to it.
    pub(in crate::protocol) fn record_feedback(&mut self, subjects: &[NameKey], fresh: &[u32]) {
        for subject in subjects {
            if let Some(rumour) = self.by_subject.get_mut(*subject) {
                rumour.was_answered = true;
            }
        }
        for subject in fresh.iter().filter_map(|index| subjects.get(*index as usize)) {
            if let Some(rumour) = self.by_subject.get_mut(*subject) {
                rumour.was_news = true;
            }
        }
    }

    /// Begins the merging of a message's claims. Rumours that begin with them are not told to its
    /// sender.
    pub(in crate::protocol) fn begin_message(&mut self) {
        self.messages = self.messages.wrapping_add(1).max(1);
        self.is_merging = true;
    }

    /// Records that the message that is being merged, if any, has told nothing new about this
    /// server.
    #[inline]
    pub(in crate::protocol) fn record_told(&mut self, subject: impl FnOnce() -> NameKey) {
        if self.is_merging
            && !self.by_subject.is_empty()
            && let Some(rumour) = self.by_subject.get_mut(subject())
        {
            rumour.told_in = self.messages;
        }
    }

    /// Ends the merging of a message's claims.
    pub(in crate::protocol) fn end_message(&mut self) {
        self.is_merging = false;
    }

    /// Drops all rumours, as a leaving server passes nothing on.
    pub(in crate::protocol) fn clear(&mut self) {
        self.by_subject.clear();
    }

    /// Drops the rumour about a server that is no longer known.
    pub(in crate::protocol) fn forget(&mut self, subject: NameKey) {
        self.by_subject.remove(subject);
    }

    pub(in crate::protocol) fn len(&self) -> usize {
        self.by_subject.len()
    }

    fn spend_round(&mut self, subjects: &[NameKey]) {
        for subject in subjects {
            self.by_subject.get_mut(*subject).into_iter().for_each(Rumour::spend_round);
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

/// The number of rounds that suffice for a cluster of this size.
pub(crate) fn rounds_for(servers: usize) -> u8 {
    let digits = servers.checked_ilog10().map_or(1, |tens| tens + 1);
    3 * digits.min(6) as u8
}

impl Rumours {
    /// Spreads news about this or another server to all native servers.
    pub(in crate::protocol) fn spread(
        &mut self,
        members: &Members,
        cx: &mut Context,
        subject: NameKey,
        now: Now,
    ) {
        if !cx.is_native() {
            return;
        }
        let rounds_left = rounds_for(members.roster.online_count() + 1);
        let told_in = if self.is_merging { self.messages } else { 0 };
        let rumour = Rumour { rounds_left, idle_rounds: 0, was_answered: false, was_news: false, told_in };
        match self.by_subject.get_mut(subject) {
            // A forgotten server has no rumour.
            Some(held) => *held = rumour,
            None if members.roster.find(subject).is_none() && subject != members.local_key() => return,
            None => self.by_subject.insert(subject, rumour),
        }
        if cx.is_running() {
            cx.timers.set_earlier(Timer::Rumours, (now.tick + RUMOUR_DELAY).max(self.not_before));
        }
    }

    /// Returns the claims being spread, as many as fit. Those with the most rounds left come first.
    pub(in crate::protocol) fn claims(
        &self,
        members: &Members,
        at_most_bytes: usize,
        now: Now,
    ) -> (Vec<NameKey>, Vec<Claim>) {
        // There may be thousands of rumours, of which hundreds fit; sorting all would take longer.
        let most = self.by_subject.values().map(|rumour| rumour.rounds_left).max().unwrap_or(0);
        let subjects = (0..=most).rev().flat_map(|rounds_left| {
            let has_as_many = move |(_, rumour): &(NameKey, &Rumour)| rumour.rounds_left == rounds_left;
            self.by_subject.iter().filter(has_as_many).map(|(subject, _)| subject)
        });
        let mut room = at_most_bytes;
        members
            .claims_about(subjects, now)
            .map_while(|(subject, claim)| {
                room = room.checked_sub(claim.bytes())?;
                Some((subject, claim))
            })
            .unzip()
    }

    /// Returns news for the sender of the latest message, except what that message has told.
    pub(in crate::protocol) fn claims_for_sender(
        &self,
        members: &Members,
        sender: Option<&str>,
        now: Now,
    ) -> Vec<Claim> {
        if self.by_subject.is_empty() {
            return Vec::new();
        }
        let sender = sender.map(|sender| members.roster.key_of(sender));
        let is_wanted =
            |subject: NameKey, rumour: &Rumour| rumour.told_in != self.messages && sender != Some(subject);
        self.latest_claims(members, is_wanted, now)
    }

    /// Returns news, except about this subject.
    pub(in crate::protocol) fn claims_except(
        &self,
        members: &Members,
        subject: NameKey,
        now: Now,
    ) -> Vec<Claim> {
        self.latest_claims(members, |other, _| other != subject, now)
    }

    fn latest_claims(
        &self,
        members: &Members,
        is_wanted: impl Fn(NameKey, &Rumour) -> bool,
        now: Now,
    ) -> Vec<Claim> {
        // The latest come first, as earlier ones have already spread further.
        let rumours = self.by_subject.iter().rev().filter(|(subject, rumour)| is_wanted(*subject, rumour));
        let subjects = rumours.map(|(subject, _)| subject).take(MAX_ANSWERED);
        members.claims_about(subjects, now).map(|(_, claim)| claim).collect()
    }
}

impl Exchanges {
    /// Begins a round of rumours. Returns how many peers may be sent them; `None` if there are no
    /// rumours.
    pub(in crate::protocol) fn begin_rumour_round(&mut self, now: Tick) -> Option<usize> {
        self.rumours.end_round();
        (!self.rumours.by_subject.is_empty()).then(|| self.push_budget.take(FANOUT, now))
    }

    /// Sends all rumours to these idle peers, and schedules the next round.
    pub(in crate::protocol) fn push_rumours(
        &mut self,
        members: &mut Members,
        cx: &mut Context,
        peers: Vec<Arc<str>>,
        now: Now,
    ) {
        if !peers.is_empty() {
            let (subjects, claims) = self.rumours.claims(members, MAX_CLAIM_BYTES, now);
            let subjects: Arc<[NameKey]> = subjects.into();
            let message = NativeMessage::new(Kind::Push, Purpose::Push).with_claims(claims);
            let message = NativeMessage { subjects: Arc::clone(&subjects), ..message };
            if !self.send_natives(members, cx, peers, message, now).is_empty() {
                self.rumours.spend_round(&subjects);
            }
        } else if !has_peers(members, now.tick) {
            // If all peers are busy, the round is retried. If there are none, it counts, or rumours
            // would never expire.
            self.rumours.by_subject.values_mut().for_each(Rumour::spend_round);
        }
        let pause = cx.jittered(RUMOUR_INTERVAL.mul_f64(self.health.restraint()));
        self.rumours.not_before = now.tick + pause;
        cx.timers.set(Timer::Rumours, self.rumours.not_before);
    }
}

/// Whether there is any native server to push to, busy or not.
fn has_peers(members: &Members, now: Tick) -> bool {
    let can_be_told = |member: &Member| {
        member.status() == Status::Online && !member.is_contacted_as_legacy() && !member.is_left_alone(now)
    };
    members.roster.iter().any(|(_, member)| can_be_told(member))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_grow_with_the_logarithm() {
        assert_eq!([1, 9, 10, 99, 100, 999, 10_000].map(rounds_for), [3, 3, 6, 6, 9, 9, 15]);
    }
}
