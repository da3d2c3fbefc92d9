//! Suspicion: a server that did not answer has time to refute. The more servers found it silent,
//! the shorter that time is.
//!
//! The formula is Lifeguard's (Dadgar, Phillips, Currey 2018). The timeout falls with the logarithm
//! of the confirmations, so the first ones count most.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::context::Context;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::exchanges::native_message::NativeMessage;
use crate::protocol::members::Members;
use crate::protocol::members::member::suspicion::Suspicion;
use crate::protocol::members::roster::digest::short_name;
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::native::detection::Detection;
use crate::protocol::types::accusers::Accusers;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::extension::Kind;

/// Shortest suspicion among up to ten servers. It grows with the logarithm of their number.
const SHORTEST: Duration = Duration::from_secs(2);
/// Ratio of the longest suspicion to the shortest.
const LONGEST_FACTOR: f64 = 6.0;
/// Confirmations that reduce a suspicion to the shortest.
const ENOUGH_CONFIRMATIONS: usize = 2;
/// Pause before the review of a verdict that isolation holds back.
const ISOLATION_REVIEW_DELAY: Duration = Duration::from_secs(1);

/// Returns the time that a suspect has to refute, among `servers`, with `accusers`. `stretch` is 1
/// for a server in good health.
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

/// Sets the timer to the next end of a suspicion.
pub(in crate::protocol) fn schedule_reviews(members: &mut Members, cx: &mut Context) {
    if let Some(next) = members.roster.next_review() {
        cx.timers.set(Timer::Suspicion, next);
    }
}

impl Detection {
    /// Suspects a member that this server and these helpers have found silent.
    pub(in crate::protocol) fn suspect(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        identity: &Arc<str>,
        helpers: &[Arc<str>],
        now: Now,
    ) {
        let own_name = short_name(members.local.identity());
        let accusers: Accusers = helpers.iter().map(|helper| short_name(helper)).chain([own_name]).collect();
        let Some(slot) = members.roster.slot_of(identity) else { return };
        let Some(member) = members.roster.at_mut(slot) else { return };
        let is_news = match (member.status(), member.is_accused()) {
            (Status::Suspect, true) => {
                let before = members.roster.accusers_at(slot);
                let is_shorter = members.roster.accuse_at(slot, &accusers);
                if members.roster.accusers_at(slot) == before {
                    return;
                }
                is_shorter
            }
            (Status::Online, _) => {
                members.roster.begin_suspicion_at(slot, accusers, now);
                true
            }
            _ => return,
        };
        if is_news {
            self.schedule_suspicion(members, exchanges, cx, identity, now);
            exchanges.rumours.spread(members, cx, members.roster.key_of(identity), now);
        }
        // The suspect may not know of the suspicion yet: helpers that accuse it send no notice.
        let notice = NativeMessage::new(Kind::Push, Purpose::AccusationNotice);
        if exchanges.send_native(members, cx, identity, notice, now).is_none() {
            // The exchange in flight does not mention the suspicion.
            self.probe_order.dispute(identity);
        }
    }

    /// Schedules the end of a suspicion, also after its timeout has become shorter.
    pub(in crate::protocol) fn schedule_suspicion(
        &mut self,
        members: &mut Members,
        exchanges: &Exchanges,
        cx: &mut Context,
        identity: &Arc<str>,
        now: Now,
    ) {
        if let Some(deadline) = self.suspicion_deadline(members, exchanges, cx, identity) {
            members.roster.set_review(identity, deadline);
            cx.timers.set_earlier(Timer::Suspicion, deadline.max(now.tick));
        }
    }

    fn suspicion_deadline(
        &self,
        members: &Members,
        exchanges: &Exchanges,
        cx: &Context,
        identity: &str,
    ) -> Option<Tick> {
        let member = members.roster.get(identity)?;
        let Suspicion { since, accusers } = members.roster.suspicion_of(identity)?;
        let servers = members.roster.native_count() + 1;
        let stretch = exchanges.health.stretch();
        let usual = since + time_to_speak_up(servers, accusers.len(), stretch);
        let time_is_up = if member.has_answered() {
            usual
        } else {
            self.unreached.end_of_silence(identity, since, usual, stretch)
        };
        // A refusal at its address postpones its death.
        Some(time_is_up.max(member.refusal_deadline(cx.config.gossip_interval).unwrap_or_default()))
    }

    /// Ends a suspicion whose timeout has passed, unless the timeout has become longer since then.
    pub(in crate::protocol) fn review_suspicion(
        &mut self,
        members: &mut Members,
        exchanges: &Exchanges,
        cx: &mut Context,
        identity: &Arc<str>,
        now: Now,
    ) {
        match self.suspicion_deadline(members, exchanges, cx, identity) {
            Some(deadline) if deadline <= now.tick => self.end_suspicion(members, cx, identity, now),
            // The number of servers has changed since then, or this server has become slow itself.
            Some(deadline) => members.roster.set_review(identity, deadline),
            None => {}
        }
    }

    fn end_suspicion(&mut self, members: &mut Members, cx: &mut Context, identity: &Arc<str>, now: Now) {
        let own_name = short_name(members.local.identity());
        let suspicion = members.roster.suspicion_of(identity);
        let is_only_accuser =
            suspicion.is_some_and(|suspicion| suspicion.accusers.iter().all(|accuser| accuser == own_name));
        // A server that is cut off gets no refusals.
        let is_port_closed = self.unreached.has(members, identity);
        let is_only_accuser = is_only_accuser && !is_port_closed;
        if is_only_accuser && members.hold_back_burial(cx, identity, now) {
            // All reviews share the same times: many suspicions cause no more wakes than one.
            let step = u64::try_from(ISOLATION_REVIEW_DELAY.as_millis()).unwrap_or(1);
            let again = Tick((now.tick.0 / step + 1) * step);
            return members.roster.set_review(identity, again);
        }
        if is_only_accuser {
            members.isolation.record_burial(identity, now.tick);
        }
        members.roster.set_cause(if is_port_closed { Cause::PortClosed } else { Cause::Silent });
        members.bury(cx, identity, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confirmations_shorten_a_suspicion_to_a_sixth() {
        let seconds = |servers, accusers| time_to_speak_up(servers, accusers, 1.0).as_secs_f64();
        assert_eq!(seconds(100, 1), 24.0);
        assert!(seconds(100, 2) > 4.0 && seconds(100, 2) < 24.0);
        assert!((seconds(100, 3) - 4.0).abs() < 1e-6);
        assert!((seconds(10_000, 3) - 8.0).abs() < 1e-6);
        assert!((seconds(3, 2) - 2.0).abs() < 1e-6, "one helper is all there can be among three");
        assert!((seconds(2, 1) - 2.0).abs() < 1e-6, "nobody can confirm among two");
    }
}
