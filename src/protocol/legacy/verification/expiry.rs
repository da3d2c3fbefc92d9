//! Claims that nobody confirms in time are dropped, so that one message does not keep a server
//! asking for hours.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::context::Context;
use crate::protocol::context::effect::Effect;
use crate::protocol::legacy::verification::Verification;
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Tick};

/// Time from the first question about a claim until it is dropped. At 10 questions a second, a
/// message with 100,000 claims costs 3,000 questions instead of hours of them.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(5 * 60);
/// Pause between two looks for such claims.
const LOOKED_FOR_EVERY: Duration = Duration::from_secs(10);

impl Verification {
    /// The members whose claims nobody has confirmed for too long; looked for now and then.
    pub(in crate::protocol) fn take_expired(&mut self, members: &mut Members, now: Tick) -> Vec<Arc<str>> {
        let mut expired: Vec<Arc<str>> = Vec::new();
        if now < self.next_expiry {
            return expired;
        }
        self.next_expiry = now + LOOKED_FOR_EVERY;
        for slot in 0..members.roster.len() {
            let Some((identity, member)) = members.roster.at(slot) else { break };
            let Some(check) = member.check() else { continue };
            match check.open_since {
                None => {
                    if let Some(check) = members.roster.at_mut(slot).and_then(Member::check_mut) {
                        check.open_since = Some(now);
                    }
                }
                Some(since) if now.since(since) >= CONFIRMED_WITHIN => expired.push(Arc::clone(identity)),
                Some(_) => {}
            }
        }
        members.roster.set_cause(Cause::Silent);
        expired
    }

    /// Drops what was said of a server. A server that has spoken to this one stays as it is.
    pub(in crate::protocol) fn drop_claim(
        &mut self,
        members: &mut Members,
        cx: &mut Context,
        identity: &Arc<str>,
        now: Now,
    ) {
        let Some(member) = members.roster.get_mut(identity) else { return };
        if member.refreshed_at.age(now.tick) < CONFIRMED_WITHIN {
            // Somebody has repeated the claim with a newer stamp.
            if let Some(check) = member.check_mut() {
                check.open_since = None;
            }
            return;
        }
        let is_mere_hearsay =
            member.is_online() && !member.is_native() && !member.has_answered() && !member.has_exchanged();
        member.close_check();
        self.queue.forget(identity);
        if !is_mere_hearsay {
            return;
        }
        if member.is_unconfirmed {
            return cx.effects.push(Effect::Hide(Arc::clone(identity), Tick(0)));
        }
        // Just enough to outdo the claim, so that the next word of a living server outdoes this.
        let stamp = member.highest_seen().next();
        member.restamp(stamp);
        members.roster.transition(identity, Status::Dead, now.tick);
        cx.effects.push(Effect::ScheduleDrop(stamp));
    }
}
