//! Rule R4: a plain claim about a native server is a hint, which causes a check.

use std::sync::Arc;

use crate::protocol::context::Context;
use crate::protocol::context::effect::{CheckReason, Effect};
use crate::protocol::members::Members;
use crate::protocol::members::member::proof::Verdict;
use crate::protocol::merging::clocks;
use crate::protocol::merging::plain::PlainClaim;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::Now;

/// Merges a plain claim that contradicts the known status of a native server.
pub(in crate::protocol) fn merge(
    members: &mut Members,
    cx: &mut Context,
    identity: &Arc<str>,
    claim: PlainClaim,
    now: Now,
) {
    let Some(member) = members.roster.get_mut(identity) else { return };
    let is_newer = claim.stamp > member.stamp();
    member.record_stamp(claim.stamp);
    match (member.is_online(), claim.says_online()) {
        (true, false) if is_newer => {
            cx.effects.push(Effect::Check(Arc::clone(identity), CheckReason::Hearsay));
        }
        // A stamp equal to its tombstone's is not old: the server itself may have sent it, with a
        // clock that runs behind.
        (false, true) if claim.stamp >= member.stamp() => {
            cx.effects.push(Effect::Check(Arc::clone(identity), CheckReason::NeedsList));
        }
        (false, true) if member.stamp().is_far_ahead(now) => {
            clocks::check_far_ahead(members, cx, identity, claim.status, now);
        }
        (false, true) => {
            cx.effects.push(Effect::HastenDeathNotices);
            // Dead servers are contacted anyway. One that left may be back as a legacy peer whose
            // clock runs behind its tombstone.
            if member.status() == Status::Left && !member.is_first_hand(Verdict::Dead, now) {
                cx.effects.push(Effect::Check(Arc::clone(identity), CheckReason::NeedsList));
            }
        }
        _ => {}
    }
}
