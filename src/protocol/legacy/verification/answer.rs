//! The effect of a member's answer: it is online, or it does not list itself as online.
//!
//! Legacy peers never refute claims about themselves. So an answer that disproves a claim is shown
//! with a newer stamp than the claim. An answer to a request sent before the claim arrived proves
//! nothing: the member is asked again.

use std::sync::Arc;

use crate::protocol::context::Context;
use crate::protocol::context::effect::Effect;
use crate::protocol::exchanges::in_flight::OwnEntry;
use crate::protocol::members::Members;
use crate::protocol::members::member::proof::Verdict;
use crate::protocol::members::member::unproved_answers::Absence;
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Stamp};

/// Marks a member online because its answer lists it as online.
pub(in crate::protocol) fn mark_alive(
    members: &mut Members,
    cx: &mut Context,
    peer: &Arc<str>,
    id: ExchangeId,
    own: &OwnEntry,
    now: Now,
) {
    let Some(member) = members.roster.get_mut(peer) else { return };
    let answered = own.stamp;
    let accusation = member.check().and_then(|check| check.standing_accusation(member.stamp()));
    let was_offline = !member.is_online();
    let must_refute = member.is_native() && member.status() != Status::Online;
    let refutation = member.incarnation().outdone(now);
    let disproved =
        if was_offline { Some(member.stamp().max(accusation.unwrap_or_default())) } else { accusation };
    let is_older = disproved.is_some_and(|disproved| answered <= disproved);
    if is_older && member.is_disputed_since(id) {
        return cx.effects.push(Effect::CheckAgain(Arc::clone(peer)));
    }
    member.record_verdict(Verdict::Alive, now);
    member.record_news(own.monitor, now);
    member.record_stamp(answered);
    member.close_check();
    member.restamp(if is_older { member.highest_seen().next() } else { member.stamp().max(answered) });
    members.roster.set_cause(Cause::Answered);
    members.roster.set_spelling(peer, &own.spelling, now);
    members.roster.transition(peer, Status::Online, now);
    if let Some(member) = members.roster.get_mut(peer) {
        member.record_answered();
    }
    members.roster.clear_suspicion(peer);
    if must_refute {
        // It answers as a legacy peer and cannot refute among native servers, so this server
        // refutes for it.
        members.roster.adopt_incarnation(peer, refutation);
    }
    if disproved.is_some() {
        cx.effects.push(Effect::PushToFew);
    }
    if disproved.is_some() || must_refute {
        cx.effects.push(Effect::Spread(members.roster.key_of(peer)));
    }
    if was_offline && !members.is_contacted_natively(cx, peer) {
        cx.effects.push(Effect::PushTo(Arc::clone(peer)));
    }
}

/// Marks a member absent because its answer does not list it as online.
///
/// It was drained, it leaves, or another server has its address now. `own_stamp` is that of its own
/// tombstone, if its answer has one.
pub(in crate::protocol) fn mark_absent(
    members: &mut Members,
    cx: &mut Context,
    peer: &Arc<str>,
    id: ExchangeId,
    own_stamp: Option<Stamp>,
    now: Now,
) {
    let Some(member) = members.roster.get_mut(peer) else { return };
    let accusation = member.check().and_then(|check| check.standing_accusation(member.stamp()));
    let comeback = member.check().and_then(|check| check.comeback()).map(|comeback| comeback.stamp);
    let is_said_online = comeback.is_some() || (member.is_online() && accusation.is_none());
    let claimed = comeback.map_or(member.stamp(), |stamp| stamp.max(member.stamp()));
    if is_said_online && member.is_disputed_since(id) && own_stamp.unwrap_or_default() <= claimed {
        return cx.effects.push(Effect::CheckAgain(Arc::clone(peer)));
    }
    member.record_verdict(Verdict::Dead, now);
    member.close_check();
    if let Some(own_stamp) = own_stamp {
        member.record_stamp(own_stamp);
    }
    member.restamp(if member.is_online() || comeback.is_some() {
        // The claim's own stamp, if there is one, so that all servers that receive it hold the same
        // tombstone.
        let claimed_offline = own_stamp.max(accusation).filter(|stamp| *stamp > claimed);
        claimed_offline.unwrap_or_else(|| member.highest_seen().next())
    } else {
        member.stamp().max(own_stamp.unwrap_or_default())
    });
    member.absence_mut().map(Absence::record_missing);
    members.roster.set_cause(if own_stamp.is_some() { Cause::SelfReported } else { Cause::Absent });
    members.mark_offline(cx, peer, Status::Left, now);
    cx.effects.push(Effect::WatchAbsence(Arc::clone(peer)));
}
