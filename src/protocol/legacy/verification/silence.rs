//! The effect of a member's silence. An accused member is dead at once; another one is asked again
//! first.

use std::sync::Arc;

use crate::protocol::context::Context;
use crate::protocol::context::effect::Effect;
use crate::protocol::legacy::verification::{Verification, absence};
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::members::member::check::{Check, YOUNG};
use crate::protocol::members::member::proof::Verdict;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Tick};

impl Verification {
    /// Decides about a member that has not answered.
    pub(in crate::protocol) fn handle_silence(
        &mut self,
        members: &mut Members,
        cx: &mut Context,
        peer: &Arc<str>,
        now: Now,
    ) {
        let Some(member) = members.roster.get_mut(peer) else { return };
        if is_to_be_hidden(member, now) {
            return cx.effects.push(Effect::Hide(Arc::clone(peer), Tick(0)));
        }
        let mut check = member.close_check().unwrap_or_else(Check::new);
        let accusation = check.standing_accusation(member.stamp());
        let has_tombstone = !member.is_online() && check.comeback().is_none();
        if has_tombstone {
            member.record_verdict(Verdict::Dead, now);
            absence::count_silence(members, peer, now);
        } else if let Some(accusation) = accusation.filter(|_| member.is_online()) {
            member.record_verdict(Verdict::Dead, now);
            // An online claim may have the same stamp as the accusation: the tombstone must beat
            // it.
            member.restamp(if accusation > member.stamp() {
                accusation
            } else {
                member.tombstone_stamp(members.local.read_clock(now))
            });
            members.mark_offline(cx, peer, Status::Dead, now);
        } else if let Some(again) = check.record_failure(member, now) {
            check.wait_until(again);
            member.leave_check_open(check);
            self.queue.wait(peer, again);
        } else if member.is_unconfirmed() {
            cx.effects.push(Effect::Hide(Arc::clone(peer), Tick(0)));
        } else {
            members.bury(cx, peer, now);
        }
    }

    /// Counts the failure of an exchange other than a verification, unless a check is open already.
    pub(in crate::protocol) fn record_failed_exchange(
        &mut self,
        members: &mut Members,
        cx: &mut Context,
        peer: &Arc<str>,
        now: Now,
    ) {
        let is_wanted = |member: &Member| {
            member.is_contacted_as_legacy() && member.is_online() && member.check().is_none()
        };
        if members.roster.get(peer).is_some_and(is_wanted) {
            self.handle_silence(members, cx, peer, now);
        }
    }
}

/// Whether a silent member is an unconfirmed entry of the master list that should listen by now.
fn is_to_be_hidden(member: &Member, now: Now) -> bool {
    let has_grace = member.check().is_some_and(Check::has_grace);
    member.is_unconfirmed() && !has_grace && member.stamp().age(now.wall) >= YOUNG
}
