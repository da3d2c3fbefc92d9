//! Rule R5: claims about this server itself.
//!
//! This server is the only authority on itself: no claim replaces its own entry, and it refutes
//! every claim that is not older.

use crate::protocol::context::effect::Effect;
use crate::protocol::context::{Context, RunState};
use crate::protocol::exchanges::Exchanges;
use crate::protocol::members::Members;
use crate::protocol::members::local_server::{AnswersSoFar, Contradiction};
use crate::protocol::types::claim::Claim;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Now, Stamp};

/// Merges a plain claim about this server.
pub(in crate::protocol) fn merge_plain(
    members: &mut Members,
    cx: &mut Context,
    said: Status,
    stamp: Stamp,
    now: Now,
) {
    if members.local.merge_plain(said, stamp, now) == Contradiction::Outdone {
        cx.effects.push(Effect::AnnounceRefutation);
    }
}

/// Merges a native server's claim about this one.
pub(in crate::protocol) fn merge_native(
    members: &mut Members,
    exchanges: &mut Exchanges,
    cx: &mut Context,
    claim: &Claim,
    now: Now,
) {
    if claim.incarnation == Incarnation::NONE {
        return merge_plain(members, cx, claim.status, claim.last_update, now);
    }
    let answers = if cx.run_state == RunState::Starting { AnswersSoFar::None } else { AnswersSoFar::Some };
    let held = members.local.incarnation();
    let is_higher = claim.status == Status::Online && claim.incarnation > held;
    if is_higher && !members.local.is_about_earlier_process(claim, answers) {
        cx.effects.push(Effect::RecordSibling);
    }
    if members.local.merge_native(claim, answers, now) == Contradiction::None {
        return;
    }
    let has_refuted = members.local.is_online() && claim.status != Status::Online;
    if has_refuted && members.local.incarnation() > held {
        exchanges.health.worsen();
    }
    cx.effects.push(Effect::Spread(members.local_key()));
    cx.effects.push(Effect::PushToFew);
}
