//! Drops claims that stay unconfirmed for too long, so that one message cannot cause hours of
//! requests.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::context::Context;
use crate::protocol::context::effect::Effect;
use crate::protocol::legacy::verification::Verification;
use crate::protocol::members::Members;
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::members::roster::names::keys::KeyList;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Tick};

/// Time from the first request about a claim until it is dropped. At 10 requests a second, a
/// message with 100,000 claims costs 3,000 requests instead of hours of them.
const CONFIRMATION_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// Pause between two searches for such claims.
const EXPIRY_CHECK_INTERVAL: Duration = Duration::from_secs(10);

impl Verification {
    /// Returns the members whose claims have stayed unconfirmed for too long. Searches every
    /// `EXPIRY_CHECK_INTERVAL`.
    pub(in crate::protocol) fn take_expired(&mut self, members: &mut Members, now: Tick) -> KeyList {
        let mut expired = KeyList::default();
        if now < self.next_expiry {
            return expired;
        }
        self.next_expiry = now + EXPIRY_CHECK_INTERVAL;
        for slot in 0..members.roster.len() {
            let Some((identity, member)) = members.roster.at(slot) else { break };
            if member.check().is_none() {
                continue;
            }
            match member.check_age(now) {
                None => {
                    if let Some(member) = members.roster.at_mut(slot) {
                        member.date_check(now);
                    }
                }
                Some(age) if age >= CONFIRMATION_TIMEOUT => expired.push(members.roster.key_of(identity)),
                Some(_) => {}
            }
        }
        members.roster.set_cause(Cause::Silent);
        expired
    }

    /// Drops a claim about a server. A server that has exchanged with this one stays as it is.
    pub(in crate::protocol) fn drop_claim(
        &mut self,
        members: &mut Members,
        cx: &mut Context,
        identity: &Arc<str>,
        now: Now,
    ) {
        let Some(member) = members.roster.get_mut(identity) else { return };
        if member.refreshed_at().age(now.tick) < CONFIRMATION_TIMEOUT {
            // A peer has repeated the claim with a newer stamp.
            return member.restart_check();
        }
        let is_mere_hearsay =
            member.is_online() && !member.is_native() && !member.has_answered() && !member.has_exchanged();
        member.close_check();
        self.queue.forget(&members.roster, identity);
        let Some(member) = members.roster.get_mut(identity).filter(|_| is_mere_hearsay) else { return };
        if member.is_unconfirmed() {
            return cx.effects.push(Effect::Hide(Arc::clone(identity), Tick(0)));
        }
        // Just enough to beat the claim, so that the next message of a running server beats this
        // stamp.
        let stamp = member.highest_seen().next();
        member.restamp(stamp);
        members.roster.transition(identity, Status::Dead, now);
        cx.effects.push(Effect::ScheduleDrop(stamp));
    }
}
