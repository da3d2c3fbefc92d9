//! The parts of native messages other than their claims, and the servers that ignore the native
//! extension.

use std::time::Duration;

use crate::protocol::context::Context;
use crate::protocol::context::effect::Effect;
use crate::protocol::members::Members;
use crate::protocol::members::member::Wire;
use crate::protocol::members::member::proof::{Proof, Verdict};
use crate::protocol::merging::intake::{Subject, identify_shared};
use crate::protocol::types::claim::Claim;
use crate::protocol::types::limits::Rejection;
use crate::protocol::types::time::Now;
use crate::protocol::wire::extension::Extension;

/// Pause before the native extension is offered again to a server that ignored it.
const OFFER_INTERVAL: Duration = Duration::from_secs(10 * 60);

/// Logs that a message contains malformed claims, if it does.
#[inline]
pub(in crate::protocol) fn log_malformed(cx: &mut Context, received: &Extension) {
    if received.malformed > 0 {
        cx.log_rejections(Rejection::MalformedClaim, received.malformed);
    }
}

/// Returns the archived claim about an earlier life of a server, if that claim blocks the server's
/// own.
pub(in crate::protocol) fn archived_objection(
    members: &Members,
    cx: &Context,
    own_claim: &Claim,
    now: Now,
) -> Option<Claim> {
    match identify_shared(members, cx, &own_claim.base_url).ok()? {
        Subject::New(url) => members.archive.objection_to(url.identity(), own_claim, now),
        _ => None,
    }
}

/// Marks a native server alive because it has answered itself. Returns false if it is not a member.
pub(in crate::protocol) fn record_answer(
    members: &mut Members,
    cx: &mut Context,
    peer: &str,
    now: Now,
) -> bool {
    members.roster.set_wire(peer, Wire::Native);
    let Some(member) = members.roster.get_mut(peer) else { return false };
    member.record_answered();
    member.prove(Proof::Exchange);
    member.close_check();
    member.record_verdict(Verdict::of(member.is_online()), now);
    if member.is_online() && member.highest_seen() > member.stamp() {
        // Legacy peers have claimed otherwise, and accept only a newer stamp.
        member.restamp(member.highest_seen().next());
        cx.effects.push(Effect::PushToFew);
    }
    true
}

/// Records that a server has ignored the offered native extension.
pub(in crate::protocol) fn record_legacy_wire(members: &mut Members, cx: &Context, peer: &str, now: Now) {
    if cx.is_native() && members.roster.get(peer).is_some_and(|member| !member.ignores_extension(now.tick)) {
        members.roster.set_wire(peer, Wire::Legacy);
        if let Some(member) = members.roster.get_mut(peer) {
            member.skip_extension_until(now.tick + OFFER_INTERVAL);
        }
    }
}
