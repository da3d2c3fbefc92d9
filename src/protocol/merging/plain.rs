//! Rules R3, R5 and R8: the effect of plain claims.
//!
//! The version of a server known from plain entries alone is `lastUpdate`: strictly newer wins, a
//! tie changes nothing. News takes effect at once and is verified afterwards. If this server itself
//! found the contrary within the last minute, it verifies the news first.

use std::sync::Arc;

use crate::protocol::context::Context;
use crate::protocol::context::effect::{CheckReason, Comeback, Effect};
use crate::protocol::exchanges::Exchanges;
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::members::member::check::YOUNG;
use crate::protocol::members::member::proof::Verdict;
use crate::protocol::merging::intake::{self, Known, ListEntry};
use crate::protocol::merging::{Merging, clocks, hints};
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::ids::Source;
use crate::protocol::types::limits::TOMBSTONE_LIFETIME;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Now, Stamp};

/// The source of a plain claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum PlainSource {
    /// Another server, which may not have verified it.
    Peer,
    /// The master list alone.
    MasterList,
    /// A native server, which has verified it or received it from one that has.
    Native,
}

/// An admitted claim about a legacy peer, or from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) struct PlainClaim {
    /// Online or dead; left if a native server claims that the subject's answer did not list the
    /// subject.
    pub(in crate::protocol) status: Status,
    pub(in crate::protocol) monitor: bool,
    pub(in crate::protocol) stamp: Stamp,
    pub(in crate::protocol) source: PlainSource,
}

impl PlainClaim {
    #[inline]
    pub(in crate::protocol) fn says_online(self) -> bool {
        self.status.is_online()
    }

    fn is_expired_tombstone(self, now: Now) -> bool {
        !self.says_online() && self.stamp.age(now.wall) >= TOMBSTONE_LIFETIME
    }
}

impl Member {
    /// Merges a claim that agrees with this member's status. Only its stamp may be newer.
    #[inline]
    pub(in crate::protocol) fn merge_agreement(&mut self, claim: PlainClaim, now: Now) {
        let is_newer = claim.stamp > self.stamp();
        // The shown stamp of a native server's tombstone comes from native claims only.
        if is_newer && (claim.says_online() || !self.is_native()) {
            self.renew(claim.stamp, now);
        } else {
            self.record_stamp(claim.stamp);
        }
        if is_newer && claim.says_online() && !self.is_native() {
            self.set_monitor(claim.monitor);
        }
    }
}

/// Merges an entry of a request if it repeats the status of the member in this slot, and returns
/// whether it does.
#[inline]
pub(in crate::protocol) fn merge_repeated(
    members: &mut Members,
    slot: usize,
    said: ListEntry<'_>,
    now: Now,
) -> bool {
    let ListEntry { source, listed, entry } = said;
    if source != Source::Request {
        return false;
    }
    let Ok(stamp) = intake::check_stamp(entry.last_update, now) else { return false };
    let (status, monitor) = (listed.status(), entry.monitor);
    merge_repeated_at(members, slot, PlainClaim { status, monitor, stamp, source: PlainSource::Peer }, now)
}

/// Like [`merge_repeated`], for a claim about the member in a slot.
#[inline]
pub(in crate::protocol) fn merge_repeated_at(
    members: &mut Members,
    slot: usize,
    claim: PlainClaim,
    now: Now,
) -> bool {
    let Some((_, member)) = members.roster.at(slot) else { return false };
    if member.is_online() != claim.says_online() || member.is_unconfirmed() {
        return false;
    }
    // Most entries are known already and change nothing.
    if claim.stamp > member.stamp()
        && let Some(member) = members.roster.at_mut(slot)
    {
        member.merge_agreement(claim, now);
    }
    true
}

/// Merges a plain claim about a member.
#[inline]
pub(in crate::protocol) fn merge_known(
    members: &mut Members,
    exchanges: &Exchanges,
    cx: &mut Context,
    known: &Known<'_>,
    claim: PlainClaim,
    now: Now,
) {
    let Some(member) = members.roster.at_mut(known.slot()) else { return };
    if member.is_online() == claim.says_online() {
        let is_vouched_for = member.is_unconfirmed() && claim.vouches_for(member);
        member.merge_agreement(claim, now);
        if is_vouched_for {
            members.roster.confirm(known);
        }
        return;
    }
    merge_contradiction(members, exchanges, cx, known, claim, now);
}

/// Merges a plain claim that an offline member is online, or an online one offline.
fn merge_contradiction(
    members: &mut Members,
    exchanges: &Exchanges,
    cx: &mut Context,
    identity: &Arc<str>,
    claim: PlainClaim,
    now: Now,
) {
    let Some(member) = members.roster.get_mut(identity) else { return };
    if member.is_native() {
        return hints::merge(members, cx, identity, claim, now);
    }
    let is_newer = claim.stamp > member.stamp();
    let is_held_far_ahead = member.stamp().is_far_ahead(now);
    member.record_stamp(claim.stamp);
    match (is_newer, claim.says_online()) {
        (true, false) => merge_death(members, exchanges, cx, identity, claim, now),
        (true, true) => merge_return(members, exchanges, cx, identity, claim, now),
        (false, _) if is_held_far_ahead => {
            clocks::check_far_ahead(members, cx, identity, claim.status, now);
        }
        (false, true) => {
            cx.effects.push(Effect::HastenDeathNotices);
            // Rule R8: a peer still lists a dead server as online. It is sent the tombstone with
            // the answer; the server itself is asked, since the tombstone may be false.
            if member.status() == Status::Dead && !member.is_first_hand(Verdict::Dead, now) {
                cx.effects.push(Effect::Check(Arc::clone(identity), CheckReason::Hearsay));
            }
        }
        (false, false) => {}
    }
}

/// Merges a newer claim that an online member is offline.
fn merge_death(
    members: &mut Members,
    exchanges: &Exchanges,
    cx: &mut Context,
    identity: &Arc<str>,
    claim: PlainClaim,
    now: Now,
) {
    let Some(member) = members.roster.get_mut(identity) else { return };
    if member.is_first_hand(Verdict::Alive, now) {
        let reason = CheckReason::Accusation(claim.stamp);
        return cx.effects.push(Effect::Check(Arc::clone(identity), reason));
    }
    if claim.is_expired_tombstone(now) {
        return members.forget(cx, identity, now);
    }
    member.renew(claim.stamp, now);
    member.dispute(exchanges.in_flight.last_to(identity));
    members.roster.transition(identity, claim.status, now);
    cx.effects.push(Effect::WatchAbsence(Arc::clone(identity)));
    cx.effects.push(Effect::ScheduleDrop(claim.stamp));
    request_check_of_hearsay(cx, identity, claim);
}

/// Merges a newer claim that an offline member is online.
fn merge_return(
    members: &mut Members,
    exchanges: &Exchanges,
    cx: &mut Context,
    identity: &Arc<str>,
    claim: PlainClaim,
    now: Now,
) {
    let Some(member) = members.roster.get_mut(identity) else { return };
    let PlainClaim { stamp, monitor, .. } = claim;
    if member.is_first_hand(Verdict::Dead, now) {
        let reason = CheckReason::Comeback(Comeback { stamp, monitor });
        return cx.effects.push(Effect::Check(Arc::clone(identity), reason));
    }
    member.renew(stamp, now);
    member.set_monitor(monitor);
    member.dispute(exchanges.in_flight.last_to(identity));
    members.roster.transition(identity, Status::Online, now);
    request_check_of_hearsay(cx, identity, claim);
}

fn request_check_of_hearsay(cx: &mut Context, identity: &Arc<str>, claim: PlainClaim) {
    if claim.source != PlainSource::Native {
        cx.effects.push(Effect::Check(Arc::clone(identity), CheckReason::Hearsay));
    }
}

impl Merging {
    /// Merges a plain claim about a server that is not a member.
    pub(in crate::protocol) fn merge_new(
        &mut self,
        members: &mut Members,
        exchanges: &Exchanges,
        cx: &mut Context,
        url: &BaseUrl,
        claim: PlainClaim,
        now: Now,
    ) {
        let identity = url.identity();
        if self.outsiders.has(identity) {
            if claim.says_online() {
                self.outsiders.try_later(cx, url, now);
            }
            return;
        }
        if members.hidden.blocks(identity, claim.stamp) {
            return;
        }
        let incarnation = members.archive.incarnation_of(identity);
        if let Some(archived) = members.archive.stamp_of(identity, now).filter(|held| claim.stamp <= *held) {
            // A clock that was ahead for a while has dropped the tombstone too early. Back on the
            // lists, its server is contacted now and then.
            let is_kept = archived.age(now.wall) < TOMBSTONE_LIFETIME;
            if claim.says_online() && is_kept && !members.roster.is_full() {
                revive(members, exchanges, cx, url, claim, now);
            }
        } else if claim.is_expired_tombstone(now) {
            members.archive.insert(identity, claim.stamp, Incarnation::NONE);
        } else if !self.newcomers.admit(members, cx, now) {
            // The next message may name it again.
        } else if claim.says_online() && incarnation != Incarnation::NONE {
            revive(members, exchanges, cx, url, claim, now);
        } else {
            members.archive.remove(identity);
            members.supersede_hidden(cx, identity);
            add(members, cx, url, incarnation, claim, now);
        }
    }
}

/// Makes a server a member.
fn add(
    members: &mut Members,
    cx: &mut Context,
    url: &BaseUrl,
    incarnation: Incarnation,
    claim: PlainClaim,
    now: Now,
) {
    let identity = url.identity();
    let mut member =
        Member::new(url, claim.status, claim.monitor, claim.stamp, now).with_incarnation(incarnation);
    let is_listed = claim.says_online() && claim.source == PlainSource::MasterList;
    if is_listed {
        member.mark_unconfirmed();
    }
    members.roster.insert(Arc::clone(identity), member, now);
    if !claim.says_online() {
        cx.effects.push(Effect::ScheduleDrop(claim.stamp));
    }
    // A young server may not listen yet: rule "Grace".
    let is_old = claim.stamp.age(now.wall) >= YOUNG;
    let peer = Arc::clone(identity);
    cx.effects.push(if is_listed && is_old {
        Effect::AskListing(peer)
    } else {
        Effect::Check(peer, CheckReason::Hearsay)
    });
}

/// Restores an archived tombstone, and merges a legacy peer's claim that its server is online.
fn revive(
    members: &mut Members,
    exchanges: &Exchanges,
    cx: &mut Context,
    url: &BaseUrl,
    claim: PlainClaim,
    now: Now,
) {
    let identity = url.identity();
    let stamp = members.archive.stamp_of(identity, now).unwrap_or_default();
    let incarnation = members.archive.incarnation_of(identity);
    let member = Member::new(url, Status::Dead, claim.monitor, stamp, now).with_incarnation(incarnation);
    members.archive.remove(identity);
    // A claim that is already expired archives the tombstone of a server that stays hidden.
    members.supersede_hidden(cx, identity);
    members.roster.insert(Arc::clone(identity), member, now);
    cx.effects.push(Effect::ScheduleDrop(stamp));
    if let Some(known) = Known::of(members, identity) {
        merge_known(members, exchanges, cx, &known, claim, now);
    }
}

impl PlainClaim {
    /// Whether this claim confirms that an unconfirmed member exists.
    fn vouches_for(self, member: &Member) -> bool {
        match self.source {
            PlainSource::MasterList => false,
            PlainSource::Peer => self.stamp > member.stamp(),
            PlainSource::Native => true,
        }
    }
}
