//! Rules R2, R4, R5 and R8: what native servers say, and what legacy peers say of native servers.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::machine::Machine;
use crate::protocol::members::local_server::Contradiction;
use crate::protocol::members::member::{Member, Wire};
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::merging::intake::{self, Subject};
use crate::protocol::merging::plain::LegacyClaim;
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::ids::Origin;
use crate::protocol::types::limits::{Rejection, TOMBSTONE_KEPT};
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Now};
use crate::protocol::types::version::{Precedence, Version};
use crate::protocol::wire::extension::Extension;

/// What a claim was worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Worth {
    /// It changed what is known.
    News,
    /// It was known.
    Known,
    /// What is known here is newer, and should be told.
    Outdated,
}

/// What comes of the claims of a message.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Heard {
    /// The indices of those that were news.
    pub(in crate::protocol) fresh: Vec<u32>,
    /// What is known better here.
    pub(in crate::protocol) objections: Vec<Claim>,
}

/// So many objections fit into an answer.
const MAX_OBJECTIONS: usize = 100;

impl Machine {
    /// What a native server says of itself, in a request or an answer; its identity, unless it can't be one.
    pub(in crate::protocol) fn hear_sender(
        &mut self,
        extension: &Extension,
        knew: Incarnation,
        now: Now,
    ) -> Option<Arc<str>> {
        self.members.roster.because(Cause::OwnWord);
        self.hear_native(&extension.me, Origin::Subject, now);
        let Ok(Subject::Known(identity)) = self.identify(&extension.me.base_url) else { return None };
        match self.members.roster.get(&identity)?.wire {
            Wire::Unknown => self.members.roster.hear_language(&identity, Wire::Native),
            // It may be upgraded; or a proxy may stand before it, so that only its answer tells.
            Wire::Legacy if self.members.roster.get(&identity)?.incarnation > knew => {
                self.members.roster.get_mut(&identity)?.skip_until(now.tick);
                self.native.probes.hurry(&identity);
            }
            _ => {}
        }
        // How it spells itself counts; others may have heard otherwise.
        if self.members.roster.spelling(&identity) != extension.me.base_url
            && let Ok(url) = BaseUrl::parse_shared(&extension.me.base_url)
        {
            self.members.roster.spell(&identity, url.spelling());
        }
        Some(identity)
    }

    /// Merges what a native server says of others.
    pub(in crate::protocol) fn hear_natives(&mut self, claims: &[Claim], origin: Origin, now: Now) -> Heard {
        let mut heard = Heard::default();
        self.members.roster.because(Cause::Hearsay);
        for (index, claim) in claims.iter().enumerate() {
            match self.hear_native(claim, origin, now) {
                Worth::News => heard.fresh.extend(u32::try_from(index)),
                Worth::Outdated if heard.objections.len() < MAX_OBJECTIONS => {
                    heard.objections.extend(intake::claim_about(
                        &self.members,
                        &self.cx,
                        &claim.base_url,
                        now,
                    ));
                }
                _ => {}
            }
        }
        heard
    }

    fn hear_native(&mut self, claim: &Claim, origin: Origin, now: Now) -> Worth {
        // Nobody suspects a legacy peer.
        if claim.incarnation == Incarnation::NONE && claim.status == Status::Suspect {
            return self.hear_native(&Claim { status: Status::Online, ..claim.clone() }, origin, now);
        }
        if claim.last_update.is_far_ahead(now) {
            let last_update = claim.last_update.clamped(now);
            return self.hear_native(&Claim { last_update, ..claim.clone() }, origin, now);
        }
        let subject = match self.identify_shared(&claim.base_url) {
            Ok(subject) => subject,
            Err(rejection) => {
                self.cx.log_rejection(rejection);
                return Worth::Known;
            }
        };
        if self.rejects_for_clock(&subject, claim.incarnation, now) {
            return Worth::Known;
        }
        match subject {
            Subject::Me => self.hear_native_about_myself(claim, now),
            Subject::Known(identity) if claim.incarnation == Incarnation::NONE => {
                self.hear_about_legacy(&identity, claim, origin, now)
            }
            Subject::Known(identity) => self.hear_native_about_known(&identity, claim, origin, now),
            Subject::New(url) => self.hear_native_about_new(&url, claim, origin, now),
        }
    }

    fn hear_native_about_myself(&mut self, claim: &Claim, now: Now) -> Worth {
        if claim.incarnation == Incarnation::NONE {
            self.hear_about_myself(claim.status.is_online(), claim.last_update, now);
            return Worth::Known;
        }
        if self.doubts_itself(claim, now) {
            return Worth::Known;
        }
        let is_newcomer = self.lifecycle.phase.is_starting();
        let is_higher = claim.status == Status::Online && claim.incarnation > self.members.me.incarnation();
        self.lifecycle.own_url.has_sibling |= is_higher && !is_newcomer;
        let had = self.members.me.incarnation();
        if self.members.me.hear_native(claim, is_newcomer, now) == Contradiction::Outdone {
            if self.members.me.is_online()
                && claim.status != Status::Online
                && self.members.me.incarnation() > had
            {
                self.exchanges.health.worsen();
            }
            self.spread_myself(now);
            self.push_to_few(now.tick);
        }
        Worth::Known
    }

    fn hear_native_about_new(&mut self, url: &BaseUrl, claim: &Claim, origin: Origin, now: Now) -> Worth {
        if self.merging.outsiders.has(url.identity()) {
            if claim.status.is_online() {
                self.hear_of_outsider(url, now);
            }
            return Worth::Known;
        }
        let was_native = self.members.archive.incarnation_of(url.identity()) != Incarnation::NONE;
        let is_hint = was_native && claim.incarnation == Incarnation::NONE;
        if is_hint || self.members.archive.blocks(url.identity(), claim, now) {
            return Worth::Known;
        }
        let is_expired = Duration::from_secs(claim.age.into()) >= TOMBSTONE_KEPT;
        if !claim.status.is_online() && is_expired {
            self.members.archive.insert(Arc::clone(url.identity()), claim.last_update, claim.incarnation);
            return Worth::Known;
        }
        if self.members.roster.is_full() {
            self.cx.log_rejection(Rejection::RosterFull);
            return Worth::Known;
        }
        let hidden = self.members.supersede_hidden(&mut self.cx, url.identity());
        self.apply(now);
        let highest = self.members.archive.stamp_of(url.identity(), now).max(hidden).unwrap_or_default();
        self.members.archive.remove(url.identity());
        let mut member = Member::new(url, claim.status, claim.monitor, claim.last_update, now);
        member.incarnation = claim.incarnation;
        member.saw(highest);
        self.members.roster.insert(Arc::clone(url.identity()), member);
        if claim.incarnation != Incarnation::NONE && claim.status == Status::Online {
            self.native.strangers.arrive(url.identity(), origin, now.tick);
        }
        self.hear_news(url.identity(), claim, origin, now)
    }

    fn hear_native_about_known(
        &mut self,
        identity: &Arc<str>,
        claim: &Claim,
        origin: Origin,
        now: Now,
    ) -> Worth {
        let Some(member) = self.members.roster.get_mut(identity) else { return Worth::Known };
        if !member.is_native() {
            member.saw(claim.last_update);
            return self.hear_that_legacy_is_native(identity, claim, origin, now);
        }
        let mut version = member.version();
        if claim.incarnation != version.incarnation {
            version.incarnation = version.incarnation.counted(now);
        }
        match version.join(&Version::from(claim)) {
            Precedence::Newer => self.hear_news(identity, claim, origin, now),
            Precedence::Confirms => {
                member.saw(claim.last_update);
                member.monitor = version.monitor;
                if let Some(suspicion) = member.suspicion_mut() {
                    suspicion.accusers = version.accusers;
                }
                self.schedule_suspicion(identity, now);
                if origin.is_passed_on() {
                    self.spread(identity, now);
                }
                Worth::News
            }
            Precedence::Same => {
                member.monitor = version.monitor;
                // A drained server renews its own tombstone; finders of a death must not drive each other up.
                if member.status != Status::Dead && version.last_update > member.stamp {
                    member.renew(version.last_update, now);
                } else {
                    member.saw(claim.last_update);
                }
                Worth::Known
            }
            Precedence::Older => {
                member.saw(claim.last_update);
                if claim.status.is_online() && member.status == Status::Dead {
                    self.native.probes.dispute(identity);
                }
                let is_of_an_earlier_life = claim.incarnation
                    < self.members.roster.get(identity).map_or(Incarnation::NONE, |m| m.incarnation);
                if is_of_an_earlier_life || claim.status.is_online() { Worth::Outdated } else { Worth::Known }
            }
        }
    }

    /// A server that was known as a legacy peer has become native, or is remembered as such by somebody.
    fn hear_that_legacy_is_native(
        &mut self,
        identity: &Arc<str>,
        claim: &Claim,
        origin: Origin,
        now: Now,
    ) -> Worth {
        let Some(member) = self.members.roster.get(identity) else { return Worth::Known };
        // The subject's own word outweighs any stamp. A stamp that a wrong clock took from the future proves no order.
        let may_be_outdated = origin != Origin::Subject && !member.stamp.is_far_ahead(now);
        let has_spoken_since = may_be_outdated && claim.last_update < member.stamp;
        if member.is_online() && !claim.status.is_online() && has_spoken_since {
            // It was native, left, and came back as an original. A peer that lists it as dead asks it then.
            return Worth::Outdated;
        }
        let is_stale = !member.is_online() && claim.status.is_online() && claim.last_update <= member.stamp;
        if is_stale {
            // It was buried later than this was said: it stays so until it speaks itself.
            self.members.roster.raise_incarnation(identity, claim.incarnation);
            self.native.probes.dispute(identity);
            return Worth::Outdated;
        }
        self.hear_news(identity, claim, origin, now)
    }

    /// A native server tells of a legacy peer what it found out or heard from others that did.
    fn hear_about_legacy(&mut self, identity: &Arc<str>, claim: &Claim, origin: Origin, now: Now) -> Worth {
        let says_online = claim.status.is_online();
        let legacy = LegacyClaim {
            says_online,
            monitor: claim.monitor,
            stamp: claim.last_update,
            is_verified: true,
            is_absent: claim.status == Status::Left,
        };
        let before = self.members.roster.get(identity).map(|member| (member.is_online(), member.stamp));
        self.hear_about_known(Arc::clone(identity), legacy, now);
        let after = self.members.roster.get(identity).map(|member| (member.is_online(), member.stamp));
        let is_turned = before.map(|(online, _)| online) != after.map(|(online, _)| online);
        if is_turned {
            if origin.is_passed_on() {
                self.spread(identity, now);
            }
            return Worth::News;
        }
        match after {
            Some((is_online, stamp)) if is_online != says_online && stamp > claim.last_update => {
                Worth::Outdated
            }
            _ => Worth::Known,
        }
    }

    fn hear_news(&mut self, identity: &Arc<str>, claim: &Claim, origin: Origin, now: Now) -> Worth {
        let was_offline = self.members.roster.get(identity).is_some_and(|member| !member.is_online());
        self.adopt(identity, claim, now);
        if was_offline && self.is_stranger(identity) {
            self.native.strangers.arrive(identity, origin, now.tick);
        }
        if origin.is_passed_on() {
            self.spread(identity, now);
        }
        Worth::News
    }

    /// Takes over what a claim says that is newer than all that is held.
    fn adopt(&mut self, identity: &Arc<str>, claim: &Claim, now: Now) {
        let held = self.members.roster.get(identity).map_or(Incarnation::NONE, |member| member.incarnation);
        self.members.roster.adopt_incarnation(identity, claim.incarnation);
        let Some(member) = self.members.roster.get_mut(identity) else { return };
        // A refutation is the next incarnation; one far above is a process that has just started, and may not listen yet.
        let is_same_life = held != Incarnation::NONE && claim.incarnation <= held.next();
        let has_answered = member.has_answered() && is_same_life;
        let was_shown_offline = !member.is_online();
        member.close_check();
        member.acquit();
        member.monitor = claim.monitor;
        member.refreshed_at = now.tick.into();
        let highest = member.highest_seen();
        match claim.status {
            Status::Online => {
                // A legacy peer that holds the tombstone believes only what is newer.
                let is_outdone =
                    was_shown_offline && claim.last_update <= member.stamp && claim.last_update < highest;
                member.restamp(if is_outdone { highest.next() } else { claim.last_update });
                self.members.roster.transition(identity, Status::Online, now.tick);
                if let Some(member) = self.members.roster.get_mut(identity) {
                    member.note_answered(has_answered);
                    member.changed_at = if is_same_life { member.changed_at } else { now.tick.into() };
                }
                self.native.unreached.spoke(identity, now.tick);
            }
            Status::Suspect => {
                member.saw(claim.last_update);
                self.begin_suspicion(identity, claim.accusers, now);
                self.schedule_suspicion(identity, now);
            }
            Status::Dead | Status::Left => {
                member.restamp(if claim.last_update < highest { highest.next() } else { claim.last_update });
                self.members.roster.transition(identity, claim.status, now.tick);
                let age = Duration::from_secs(claim.age.into());
                if let Some(member) = self.members.roster.get_mut(identity) {
                    member.changed_at = now.tick.before(age).into();
                    member.refreshed_at = member.changed_at;
                    let stamp = member.stamp;
                    self.schedule_drop(stamp, now);
                }
                self.watch_absence(identity, now);
                self.hear_death_notices(now);
            }
        }
    }

    /// Rule R4: what comes by way of a legacy peer about a native server is a hint, to be looked into.
    pub(in crate::protocol) fn hear_hint(&mut self, identity: &Arc<str>, claim: LegacyClaim, now: Now) {
        let Some(member) = self.members.roster.get_mut(identity) else { return };
        let is_newer = claim.stamp > member.stamp;
        member.saw(claim.stamp);
        match (member.is_online(), claim.says_online) {
            (true, false) if is_newer => self.request_check(identity),
            // A stamp that equals its tombstone's is no old one: it may be its own, of a clock that runs behind.
            (false, true) if claim.stamp >= member.stamp => self.verify_comeback(identity),
            (false, true) if member.stamp.is_far_ahead(now) => self.verify_far_ahead(identity, true, now),
            (false, true) => self.legacy.death_notices.record_missed(now.tick),
            _ => {}
        }
    }
}
