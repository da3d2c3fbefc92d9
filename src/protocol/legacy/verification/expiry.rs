//! Claims that nobody confirms in time are dropped, so that one message does not keep a server asking
//! for hours.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::machine::Machine;
use crate::protocol::members::member::Member;
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Tick};

/// Time from the first question about a claim until it is dropped. At 10 questions a second, a
/// message with 100,000 claims costs 3,000 questions instead of hours of them.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(5 * 60);
/// Pause between two looks for such claims.
const LOOKED_FOR_EVERY: Duration = Duration::from_secs(10);

/// When to look for claims that nobody has confirmed.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Expiry {
    next_look: Tick,
}

impl Machine {
    /// Verifies what is due, except what has been waiting for too long.
    pub(in crate::protocol) fn verify_in_time(&mut self, now: Now) {
        if self.legacy.expiry.next_look <= now.tick {
            self.legacy.expiry.next_look = now.tick + LOOKED_FOR_EVERY;
            self.drop_unconfirmed(now);
        }
        self.verify(now);
    }

    fn drop_unconfirmed(&mut self, now: Now) {
        let mut overdue: Vec<Arc<str>> = Vec::new();
        for place in 0..self.members.roster.len() {
            let Some((identity, member)) = self.members.roster.at(place) else { break };
            let Some(check) = member.check() else { continue };
            match check.open_since {
                None => {
                    if let Some(check) = self.members.roster.at_mut(place).and_then(Member::check_mut) {
                        check.open_since = Some(now.tick);
                    }
                }
                Some(since) if now.tick.since(since) >= CONFIRMED_WITHIN => {
                    overdue.push(Arc::clone(identity))
                }
                Some(_) => {}
            }
        }
        self.members.roster.because(Cause::Silent);
        for identity in overdue {
            self.drop_claim(&identity, now);
        }
    }

    /// What was said of a server counts no longer. A server that has spoken to this one stays as it is.
    fn drop_claim(&mut self, identity: &Arc<str>, now: Now) {
        let Some(member) = self.members.roster.get_mut(identity) else { return };
        if member.refreshed_at.age(now.tick) < CONFIRMED_WITHIN {
            // Somebody has said so again, with a newer stamp.
            if let Some(check) = member.check_mut() {
                check.open_since = None;
            }
            return;
        }
        let is_mere_hearsay =
            member.is_online() && !member.is_native() && !member.has_answered() && !member.has_exchanged();
        member.close_check();
        self.legacy.verification_queue.forget(identity);
        let Some(member) = self.members.roster.get_mut(identity).filter(|_| is_mere_hearsay) else { return };
        if member.is_unconfirmed {
            return self.hide(identity, now);
        }
        // Just enough to outdo the claim, so that the next word of a living server outdoes this.
        let stamp = member.highest_seen().next();
        member.restamp(stamp);
        self.members.roster.transition(identity, Status::Dead, now.tick);
        self.schedule_drop(stamp, now);
    }
}
