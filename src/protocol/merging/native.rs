//! Rules R2, R5 and R8: the effect of native servers' claims.
//!
//! The version of a native server is its incarnation, which only the server itself raises. Claims
//! with the same incarnation are ordered by status.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::context::Context;
use crate::protocol::context::effect::Effect;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::members::Members;
use crate::protocol::members::member::{Member, Wire};
use crate::protocol::merging::Merging;
use crate::protocol::merging::intake::{self, Known, Subject};
use crate::protocol::merging::plain::{self, PlainClaim, PlainSource};
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::ids::Origin;
use crate::protocol::types::limits::TOMBSTONE_LIFETIME;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Now};
use crate::protocol::types::version::{Precedence, Version};
use crate::protocol::wire::extension::Extension;

/// The effect of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Worth {
    /// It changed the roster.
    News,
    /// It was known already.
    Known,
    /// This server knows a newer claim, and should send it.
    Outdated,
}

/// Objections in one answer, to bound its size.
const MAX_OBJECTIONS: usize = 100;

/// The effects of the claims of a message.
#[derive(Debug, Default)]
pub(in crate::protocol) struct MergeOutcome {
    /// The indices of the claims that were news.
    pub(in crate::protocol) fresh: Vec<u32>,
    /// This server's newer claims about the same subjects.
    pub(in crate::protocol) objections: Vec<Claim>,
}

impl MergeOutcome {
    /// Adds the worth of the claim with this index. `held` returns this server's own claim about
    /// its subject.
    #[inline]
    pub(in crate::protocol) fn add(
        &mut self,
        index: usize,
        worth: Worth,
        held: impl FnOnce() -> Option<Claim>,
    ) {
        match worth {
            Worth::News => self.fresh.extend(u32::try_from(index)),
            Worth::Outdated if self.objections.len() < MAX_OBJECTIONS => self.objections.extend(held()),
            Worth::Outdated | Worth::Known => {}
        }
    }
}

/// An admitted claim, and its origin.
#[derive(Debug, Clone, Copy)]
pub(in crate::protocol) struct NativeClaim<'a> {
    pub(in crate::protocol) claim: &'a Claim,
    pub(in crate::protocol) origin: Origin,
}

/// Returns the corrected form of a claim; `None` if it needs no correction. A legacy peer is never
/// a suspect, and no stamp is too far ahead.
#[inline]
pub(in crate::protocol) fn correct(claim: &Claim, now: Now) -> Option<Claim> {
    let is_suspected_legacy = claim.incarnation == Incarnation::NONE && claim.status == Status::Suspect;
    if !is_suspected_legacy && !claim.last_update.is_far_ahead(now) {
        return None;
    }
    let status = if is_suspected_legacy { Status::Online } else { claim.status };
    Some(Claim { status, last_update: claim.last_update.clamped(now), ..claim.clone() })
}

impl Merging {
    /// Whether a native server's claim about this subject is admitted.
    #[inline]
    pub(in crate::protocol) fn admits_native(
        &mut self,
        members: &Members,
        cx: &mut Context,
        subject: &Subject<'_>,
        said: Incarnation,
        now: Now,
    ) -> bool {
        if let Subject::New(url) = subject {
            self.mistakes.warn_about(cx, url);
        }
        !self.rejected.reject_incarnation(members, cx, subject, said, now)
    }

    /// Merges a native server's claim about a server that is not a member.
    pub(in crate::protocol) fn merge_new_native(
        &mut self,
        members: &mut Members,
        cx: &mut Context,
        url: &BaseUrl,
        said: NativeClaim<'_>,
        now: Now,
    ) -> Worth {
        let NativeClaim { claim, origin } = said;
        let identity = url.identity();
        if self.outsiders.has(identity) {
            if claim.status.is_online() {
                self.outsiders.try_later(cx, url, now);
            }
            return Worth::Known;
        }
        let was_native = members.archive.incarnation_of(identity) != Incarnation::NONE;
        let is_hint = was_native && claim.incarnation == Incarnation::NONE;
        if is_hint || members.archive.blocks(identity, claim, now) {
            return Worth::Known;
        }
        let is_expired = Duration::from_secs(claim.age.into()) >= TOMBSTONE_LIFETIME;
        if !claim.status.is_online() && is_expired {
            members.archive.insert(identity, claim.last_update, claim.incarnation);
            return Worth::Known;
        }
        if !self.newcomers.admit(members, cx, now) {
            return Worth::Known;
        }
        let hidden = members.supersede_hidden(cx, identity);
        let highest = members.archive.stamp_of(identity, now).max(hidden).unwrap_or_default();
        members.archive.remove(identity);
        let mut member = Member::new(url, claim.status, claim.monitor, claim.last_update, now)
            .with_incarnation(claim.incarnation);
        member.record_stamp(highest);
        members.roster.insert(Arc::clone(identity), member, now);
        if claim.incarnation != Incarnation::NONE && claim.status == Status::Online {
            cx.effects.push(Effect::GatherStranger(Arc::clone(identity), origin));
        }
        let Some(known) = Known::of(members, identity) else { return Worth::Known };
        merge_news(members, cx, &known, said, now)
    }
}

/// Merges a native server's claim about a member.
#[inline]
pub(in crate::protocol) fn merge_known(
    members: &mut Members,
    exchanges: &Exchanges,
    cx: &mut Context,
    known: &Known<'_>,
    said: NativeClaim<'_>,
    now: Now,
) -> Worth {
    let NativeClaim { claim, origin } = said;
    if claim.incarnation == Incarnation::NONE {
        return merge_about_legacy(members, exchanges, cx, known, said, now);
    }
    let accusers = members.roster.accusers_at(known.slot());
    let Some(member) = members.roster.at_mut(known.slot()) else { return Worth::Known };
    if !member.is_native() {
        member.record_stamp(claim.last_update);
        return merge_upgrade(members, cx, known, said, now);
    }
    let mut version = member.version(accusers);
    if claim.incarnation != version.incarnation {
        version.incarnation = version.incarnation.counted(now);
    }
    match version.join(&Version::from(claim)) {
        Precedence::Newer => merge_news(members, cx, known, said, now),
        Precedence::Confirms => {
            member.record_stamp(claim.last_update);
            member.set_monitor(version.monitor);
            // An accuser that only replaces another is not news. Otherwise, a suspicion by many
            // servers would spread again for each smaller hash.
            if !members.roster.accuse_at(known.slot(), &version.accusers) {
                return Worth::Known;
            }
            cx.effects.push(Effect::ScheduleSuspicion(Arc::clone(known)));
            if origin.is_passed_on() {
                cx.effects.push(Effect::Spread(members.roster.key_at(known.slot())));
            }
            Worth::News
        }
        Precedence::Same => {
            member.set_monitor(version.monitor);
            // A drained server renews its own tombstone. Servers that found a death must not raise
            // each other's stamps.
            if member.status() != Status::Dead && version.last_update > member.stamp() {
                member.renew(version.last_update, now);
            } else {
                member.record_stamp(claim.last_update);
            }
            Worth::Known
        }
        Precedence::Older => {
            member.record_stamp(claim.last_update);
            if claim.status.is_online() && member.status() == Status::Dead {
                cx.effects.push(Effect::DisputeDeath(Arc::clone(known)));
            }
            let is_of_an_earlier_life = claim.incarnation < member.incarnation();
            if is_of_an_earlier_life || claim.status.is_online() { Worth::Outdated } else { Worth::Known }
        }
    }
}

/// Merges a claim that a server known as a legacy peer is native: it was upgraded, or the claim is
/// old.
fn merge_upgrade(
    members: &mut Members,
    cx: &mut Context,
    known: &Known<'_>,
    said: NativeClaim<'_>,
    now: Now,
) -> Worth {
    let NativeClaim { claim, origin } = said;
    let Some((_, member)) = members.roster.at(known.slot()) else { return Worth::Known };
    // The subject's own claim outweighs any stamp. A stamp too far ahead, from a wrong clock,
    // proves no order.
    let may_be_outdated = origin != Origin::Subject && !member.stamp().is_far_ahead(now);
    let has_spoken_since = may_be_outdated && claim.last_update < member.stamp();
    if member.is_online() && !claim.status.is_online() && has_spoken_since {
        // It was native, left, and came back as a legacy peer. After the objection, a peer that
        // lists it as dead asks it.
        return Worth::Outdated;
    }
    let is_stale = !member.is_online() && claim.status.is_online() && claim.last_update <= member.stamp();
    if is_stale {
        // Its tombstone is newer than this claim: it stays dead until it sends a message itself.
        members.roster.raise_incarnation(known, claim.incarnation);
        cx.effects.push(Effect::DisputeDeath(Arc::clone(known)));
        return Worth::Outdated;
    }
    merge_news(members, cx, known, said, now)
}

/// Merges a native server's claim about a legacy peer, verified by that server or by another native
/// one.
#[inline]
fn merge_about_legacy(
    members: &mut Members,
    exchanges: &Exchanges,
    cx: &mut Context,
    known: &Known<'_>,
    said: NativeClaim<'_>,
    now: Now,
) -> Worth {
    let NativeClaim { claim, origin } = said;
    let Claim { status, monitor, last_update: stamp, .. } = *claim;
    let Some((_, member)) = members.roster.at(known.slot()) else { return Worth::Known };
    let was_online = member.is_online();
    let plain = PlainClaim { status, monitor, stamp, source: PlainSource::Native };
    plain::merge_known(members, exchanges, cx, known, plain, now);
    if was_online == status.is_online() {
        return Worth::Known;
    }
    // It may have been forgotten.
    let after = members.roster.get(known).map(|member| (member.is_online(), member.stamp()));
    if after.is_none_or(|(is_online, _)| is_online != was_online) {
        if origin.is_passed_on() {
            cx.effects.push(Effect::Spread(members.roster.key_of(known)));
        }
        return Worth::News;
    }
    match after {
        Some((is_online, held)) if is_online != status.is_online() && held > stamp => Worth::Outdated,
        _ => Worth::Known,
    }
}

fn merge_news(
    members: &mut Members,
    cx: &mut Context,
    known: &Known<'_>,
    said: NativeClaim<'_>,
    now: Now,
) -> Worth {
    let NativeClaim { claim, origin } = said;
    let was_offline = members.roster.at(known.slot()).is_some_and(|(_, member)| !member.is_online());
    adopt(members, cx, known, claim, now);
    if was_offline && members.roster.at(known.slot()).is_some_and(|(_, member)| member.is_native_stranger()) {
        cx.effects.push(Effect::GatherStranger(Arc::clone(known), origin));
    }
    if origin.is_passed_on() {
        cx.effects.push(Effect::Spread(members.roster.key_at(known.slot())));
    }
    Worth::News
}

/// Adopts a claim that is newer than the known version.
fn adopt(members: &mut Members, cx: &mut Context, known: &Known<'_>, claim: &Claim, now: Now) {
    let slot = known.slot();
    let Some((_, member)) = members.roster.at(slot) else { return };
    let held = member.incarnation();
    members.roster.adopt_incarnation_at(slot, claim.incarnation);
    members.roster.clear_suspicion_at(slot);
    let Some(member) = members.roster.at_mut(slot) else { return };
    // A refutation has the next incarnation. One far above belongs to a process that has just
    // started and may not listen yet.
    let is_same_life = held != Incarnation::NONE && claim.incarnation <= held.next();
    let has_answered = member.has_answered() && is_same_life;
    let was_shown_offline = !member.is_online();
    member.close_check();
    member.record_news(claim.monitor, now);
    let highest = member.highest_seen();
    match claim.status {
        Status::Online => {
            // A legacy peer that holds the tombstone accepts only a newer stamp.
            let is_outdone =
                was_shown_offline && claim.last_update <= member.stamp() && claim.last_update < highest;
            member.restamp(if is_outdone { highest.next() } else { claim.last_update });
            members.roster.transition_at(slot, Status::Online, now);
            if let Some(member) = members.roster.at_mut(slot) {
                if has_answered {
                    member.record_answered();
                } else {
                    member.clear_answered();
                }
                if !is_same_life {
                    member.record_new_process(now);
                }
                if member.was_port_closed() {
                    cx.effects.push(Effect::RecordMessage(Arc::clone(known)));
                }
            }
        }
        Status::Suspect => {
            member.record_stamp(claim.last_update);
            members.roster.begin_suspicion_at(slot, claim.accusers, now);
            cx.effects.push(Effect::ScheduleSuspicion(Arc::clone(known)));
        }
        Status::Dead | Status::Left => {
            member.restamp(if claim.last_update < highest { highest.next() } else { claim.last_update });
            members.roster.transition_at(slot, claim.status, now);
            let age = Duration::from_secs(claim.age.into());
            if let Some(member) = members.roster.at_mut(slot) {
                member.backdate(age, now);
                cx.effects.push(Effect::ScheduleDrop(member.stamp()));
            }
            cx.effects.push(Effect::WatchAbsence(Arc::clone(known)));
            cx.effects.push(Effect::SendDeathNotices);
        }
    }
}

/// Records the wire and the spelling of the sender of a native message. Returns its identity, or
/// `None` if it is not a member.
pub(in crate::protocol) fn record_sender(
    members: &mut Members,
    cx: &mut Context,
    message: &Extension,
    held: Incarnation,
    now: Now,
) -> Option<Arc<str>> {
    let base_url = &message.me.base_url;
    let Ok(Subject::Known(known)) = intake::identify_shared(members, cx, base_url) else { return None };
    let identity = known.into_identity();
    let member = members.roster.get(&identity)?;
    match member.wire() {
        Wire::Unknown => members.roster.set_wire(&identity, Wire::Native),
        // It may be upgraded, or a proxy may remove the extension: only its answer shows which.
        Wire::Legacy if member.incarnation() > held => {
            members.roster.get_mut(&identity)?.skip_extension_until(now.tick);
            cx.effects.push(Effect::ProbeSoon(Arc::clone(&identity)));
        }
        _ => {}
    }
    // Its own spelling wins; other servers may use another one.
    if members.roster.spelling(&identity) != *base_url
        && let Ok(url) = BaseUrl::parse_shared(base_url)
    {
        members.roster.set_spelling(&identity, url.spelling(), now);
    }
    Some(identity)
}
