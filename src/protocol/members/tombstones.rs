//! Tombstones of members that have died or left.

use std::sync::Arc;

use crate::protocol::context::Context;
use crate::protocol::context::effect::Effect;
use crate::protocol::members::Members;
use crate::protocol::members::member::proof::Verdict;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::Now;

impl Members {
    /// Declares a member dead because this server itself has found it dead.
    pub(in crate::protocol) fn bury(&mut self, cx: &mut Context, peer: &Arc<str>, now: Now) {
        let Some(member) = self.roster.get_mut(peer) else { return };
        member.record_verdict(Verdict::Dead, now);
        member.close_check();
        member.restamp(member.tombstone_stamp(self.local.read_clock(now)));
        self.mark_offline(cx, peer, Status::Dead, now);
        cx.effects.push(Effect::PushToFew);
    }

    /// Takes a member off the lists. The archive keeps the version that a claim has to beat to
    /// bring it back.
    pub(in crate::protocol) fn forget(&mut self, cx: &mut Context, peer: &Arc<str>, now: Now) {
        if let Some(member) = self.roster.remove(peer, now) {
            self.archive.insert(peer, member.highest_seen(), member.incarnation);
            cx.effects.push(Effect::Forget(Arc::clone(peer)));
        }
    }

    /// Marks a member as dead or left, with its current stamp, and spreads that.
    pub(in crate::protocol) fn mark_offline(
        &mut self,
        cx: &mut Context,
        peer: &Arc<str>,
        status: Status,
        now: Now,
    ) {
        self.roster.transition(peer, status, now);
        self.roster.clear_suspicion(peer);
        if let Some(member) = self.roster.get_mut(peer) {
            cx.effects.push(Effect::ScheduleDrop(member.stamp));
        }
        cx.effects.push(Effect::SendDeathNotices);
        cx.effects.push(Effect::Spread(self.roster.key_of(peer)));
    }
}
