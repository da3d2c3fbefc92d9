//! Suspicion: a server that did not answer is given time to speak up, the less the more others found it silent.
//!
//! The formula is Lifeguard's (Dadgar, Phillips, Currey 2018): from the longest to the shortest time by the logarithm of the
//! confirmations, so that the first ones count most.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::context::timers::Timer;
use crate::protocol::machine::Machine;
use crate::protocol::members::roster::digest::short_name;
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::types::accusers::Accusers;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Tick};

/// The shortest suspicion among ten servers or fewer; grows with the logarithm of their number.
const SHORTEST: Duration = Duration::from_secs(2);
/// The longest is so many times as long.
const LONGEST_FACTOR: f64 = 6.0;
/// So many confirmations bring it down to the shortest.
const ENOUGH_CONFIRMATIONS: usize = 2;
/// A verdict that is held back is looked at again so often.
const HELD_BACK: Duration = Duration::from_secs(1);

/// How long a suspect has, among so many servers, with so many accusers; `stretch` is 1 for a server in good health.
pub(in crate::protocol) fn time_to_speak_up(servers: usize, accusers: usize, stretch: f64) -> Duration {
    let shortest = SHORTEST.as_secs_f64() * (servers as f64).log10().max(1.0) * stretch;
    // All but the suspect and the first accuser can confirm.
    let enough = servers.saturating_sub(2).min(ENOUGH_CONFIRMATIONS);
    let confirmations = accusers.saturating_sub(1).min(enough);
    if enough == 0 {
        return Duration::from_secs_f64(shortest);
    }
    let longest = shortest * LONGEST_FACTOR;
    let share = ((confirmations + 1) as f64).ln() / ((enough + 1) as f64).ln();
    Duration::from_secs_f64(longest - (longest - shortest) * share)
}

impl Machine {
    /// This server itself, and these helpers, have found a member silent.
    pub(in crate::protocol) fn suspect(&mut self, identity: &Arc<str>, helpers: &[Arc<str>], now: Now) {
        let me = short_name(self.members.me.identity());
        let accusers: Accusers = helpers.iter().map(|helper| short_name(helper)).chain([me]).collect();
        let Some(member) = self.members.roster.get_mut(identity) else { return };
        match (member.status, member.suspicion_mut()) {
            (Status::Suspect, Some(suspicion)) => {
                if !suspicion.accusers.join(&accusers) {
                    return;
                }
            }
            (Status::Online, _) => self.members.roster.begin_suspicion(identity, accusers, now.tick),
            _ => return,
        }
        self.schedule_suspicion(identity, now);
        self.spread(identity, now);
        self.tell_suspect(identity, now);
    }

    /// Whether nobody is suspected.
    pub(in crate::protocol) fn suspects_is_empty(&self) -> bool {
        self.native.suspects.is_empty()
    }

    /// Sees to it that a suspicion ends in time, also when it has become shorter.
    pub(in crate::protocol) fn schedule_suspicion(&mut self, identity: &Arc<str>, now: Now) {
        if let Some(deadline) = self.suspicion_deadline(identity) {
            self.native.suspects.set(identity, deadline);
            self.cx.timers.set_earlier(Timer::Suspicion, deadline.max(now.tick));
        }
    }

    fn suspicion_deadline(&self, identity: &str) -> Option<Tick> {
        let suspicion = self.members.roster.get(identity)?.suspicion()?;
        let servers = self.members.roster.native_count() + 1;
        let stretch = self.exchanges.health.stretch();
        let usual = time_to_speak_up(servers, suspicion.accusers.len(), stretch);
        let refusals_end =
            self.members.roster.get(identity)?.refusal_deadline(self.cx.config.gossip_interval);
        let usual = suspicion.since + usual;
        let has_answered = self.members.roster.get(identity).is_none_or(|member| member.has_answered());
        let unreached = &self.native.unreached;
        let time_is_up = if has_answered {
            usual
        } else {
            unreached.end_of_silence(identity, suspicion.since, usual, stretch)
        };
        // Somebody still answers at its address: that postpones its death.
        Some(time_is_up.max(refusals_end.unwrap_or_default()))
    }

    /// Buries those whose time is up.
    pub(in crate::protocol) fn end_suspicions(&mut self, now: Now) {
        for identity in self.native.suspects.take_due(now.tick) {
            match self.suspicion_deadline(&identity) {
                Some(deadline) if deadline <= now.tick => self.end_suspicion(&identity, now),
                // Longer than it was: servers were lost meanwhile, or this one has become slow itself.
                Some(deadline) => self.native.suspects.set(&identity, deadline),
                None => {}
            }
        }
        if let Some(next) = self.native.suspects.next() {
            self.cx.timers.set(Timer::Suspicion, next);
        }
    }

    fn end_suspicion(&mut self, identity: &Arc<str>, now: Now) {
        let me = short_name(self.members.me.identity());
        let is_mine_alone = self
            .members
            .roster
            .get(identity)
            .and_then(|member| member.suspicion())
            .is_some_and(|suspicion| suspicion.accusers.iter().all(|accuser| accuser == me));
        // Whoever is cut off is not refused.
        let is_refused = self.native.unreached.has(&self.members, identity);
        let is_mine_alone = is_mine_alone && !is_refused;
        if is_mine_alone && self.members.hold_back_burial(&mut self.cx, identity, now) {
            // All at the same moments, so that many wake nobody more often than one.
            let step = u64::try_from(HELD_BACK.as_millis()).unwrap_or(1);
            let again = Tick((now.tick.0 / step + 1) * step);
            return self.native.suspects.set(identity, again);
        }
        if is_mine_alone {
            self.members.isolation.record_burial(identity, now.tick);
        }
        self.members.roster.because(if is_refused { Cause::Refused } else { Cause::Silent });
        self.bury(identity, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confirmations_shorten_it_from_six_times_to_the_shortest() {
        let seconds = |servers, accusers| time_to_speak_up(servers, accusers, 1.0).as_secs_f64();
        assert_eq!(seconds(100, 1), 24.0);
        assert!(seconds(100, 2) > 4.0 && seconds(100, 2) < 24.0);
        assert!((seconds(100, 3) - 4.0).abs() < 1e-6);
        assert!((seconds(10_000, 3) - 8.0).abs() < 1e-6);
        assert!((seconds(3, 2) - 2.0).abs() < 1e-6, "one helper is all there can be among three");
        assert!((seconds(2, 1) - 2.0).abs() < 1e-6, "nobody can confirm among two");
    }
}
