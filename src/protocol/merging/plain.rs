//! Rules R3, R5 and R8: how hearsay changes what is known.
//!
//! Servers that are known from plain entries alone have `lastUpdate` as their version: strictly newer wins, a tie changes
//! nothing. News counts at once and is verified afterwards, except where this server found out the contrary itself within
//! the last minute: then it is verified first.

use std::sync::Arc;

use crate::protocol::context::effect::Comeback;
use crate::protocol::exchanges::in_flight::{OwnWord, Purpose};
use crate::protocol::machine::Machine;
use crate::protocol::members::local_server::Contradiction;
use crate::protocol::members::member::Member;
use crate::protocol::merging::intake::{Subject, check_stamp};
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::ids::Source;
use crate::protocol::types::limits::{Rejection, TOMBSTONE_KEPT};
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Now, Stamp};
use crate::protocol::wire::message::ReceivedEntry;

/// One claim about a legacy peer, or by way of one, checked.
#[derive(Debug, Clone, Copy)]
pub(in crate::protocol) struct LegacyClaim {
    pub(in crate::protocol) says_online: bool,
    pub(in crate::protocol) monitor: bool,
    pub(in crate::protocol) stamp: Stamp,
    /// Whether a native server vouches for it.
    pub(in crate::protocol) is_verified: bool,
    /// Where a native server says that it is offline: whether it has answered without itself.
    pub(in crate::protocol) is_absent: bool,
}

impl LegacyClaim {
    fn is_expired_tombstone(self, now: Now) -> bool {
        !self.says_online && self.stamp.age(now.wall) >= TOMBSTONE_KEPT
    }
}

impl Member {
    /// A claim that agrees with where it stands: at most a newer stamp.
    pub(in crate::protocol) fn hear_agreement(&mut self, claim: LegacyClaim, now: Now) {
        let is_newer = claim.stamp > self.stamp;
        // A native server's tombstone is shown as native servers tell it.
        if is_newer && (claim.says_online || !self.is_native()) {
            self.renew(claim.stamp, now);
        } else {
            self.saw(claim.stamp);
        }
        if is_newer && claim.says_online && !self.is_native() {
            self.monitor = claim.monitor;
        }
    }
}

impl Machine {
    pub(in crate::protocol) fn hear(
        &mut self,
        now: Now,
        source: Source,
        says_online: bool,
        entry: &ReceivedEntry<'_>,
    ) {
        let stamp = match check_stamp(entry.last_update, now) {
            Ok(stamp) => stamp,
            Err(Rejection::FarAhead) => {
                return self.hear_far_ahead(source, says_online, entry, now);
            }
            Err(rejection) => return self.cx.log_rejection(rejection),
        };
        let subject = match self.identify(&entry.base_url) {
            Ok(subject) => subject,
            Err(rejection) => return self.cx.log_rejection(rejection),
        };
        let claim =
            LegacyClaim { says_online, monitor: entry.monitor, stamp, is_verified: false, is_absent: false };
        if let Source::Exchange(id) = source {
            let Some(exchange) = self.exchanges.in_flight.get_mut(id) else { return };
            if subject.identity() == Some(&exchange.peer) {
                let Ok(url) = BaseUrl::parse(&entry.base_url) else { return };
                let spelling = Arc::clone(url.spelling());
                return exchange.hear_own_word(OwnWord {
                    online: says_online,
                    spelling,
                    monitor: claim.monitor,
                    stamp,
                });
            }
            if exchange.purpose == Purpose::Inquiry {
                return;
            }
        }
        if source == Source::MasterList && !matches!(subject, Subject::Me) {
            self.merging.rejected.let_in_from_list();
        }
        match subject {
            Subject::Me => self.hear_about_myself(says_online, stamp, now),
            Subject::Known(identity) => {
                let is_repeated = source == Source::MasterList && says_online;
                if !(is_repeated && self.repeat_listing(&identity, claim, now)) {
                    self.hear_about_known(identity, claim, now);
                }
            }
            Subject::New(url) => self.hear_about_new(source, &url, claim, now),
        }
    }

    pub(in crate::protocol) fn hear_about_myself(&mut self, says_online: bool, stamp: Stamp, now: Now) {
        let is_outdone = self.members.me.hear(says_online, stamp, now) == Contradiction::Outdone;
        if is_outdone && !self.lifecycle.own_url.is_unreachable() {
            self.push_to_few(now.tick);
            self.spread_myself(now);
        }
    }

    fn hear_about_new(&mut self, source: Source, url: &BaseUrl, claim: LegacyClaim, now: Now) {
        if self.merging.outsiders.has(url.identity()) {
            return if claim.says_online {
                self.hear_of_outsider(url, now)
            };
        }
        if self.members.hidden.blocks(url.identity(), claim.stamp) {
            return;
        }
        if let Some(archived) =
            self.members.archive.stamp_of(url.identity(), now).filter(|archived| claim.stamp <= *archived)
        {
            // A clock that was ahead for a while has dropped it too early. Back on the lists, its server is tried now and then.
            if claim.says_online && archived.age(now.wall) < TOMBSTONE_KEPT && !self.members.roster.is_full()
            {
                self.revive(url, claim, self.members.archive.incarnation_of(url.identity()), now);
            }
            return;
        }
        if claim.is_expired_tombstone(now) {
            return self.members.archive.insert(Arc::clone(url.identity()), claim.stamp, Incarnation::NONE);
        }
        if self.members.roster.is_full() {
            return self.cx.log_rejection(Rejection::RosterFull);
        }
        let incarnation = self.members.archive.incarnation_of(url.identity());
        if claim.says_online && incarnation != Incarnation::NONE {
            return self.revive(url, claim, incarnation, now);
        }
        self.members.archive.remove(url.identity());
        self.members.supersede_hidden(&mut self.cx, url.identity());
        self.apply(now);
        if claim.says_online && source == Source::MasterList {
            return self.hear_listed(url, claim, now);
        }
        let status = if claim.says_online { Status::Online } else { Status::Dead };
        let mut member = Member::new(url, status, claim.monitor, claim.stamp, now);
        member.incarnation = incarnation;
        self.members.roster.insert(Arc::clone(url.identity()), member);
        self.schedule_retention(claim, now);
        self.request_check(url.identity());
    }

    /// A legacy peer says that a server is back whose tombstone has left the lists: heard as if it were still there.
    fn revive(&mut self, url: &BaseUrl, claim: LegacyClaim, incarnation: Incarnation, now: Now) {
        let stamp = self.members.archive.stamp_of(url.identity(), now).unwrap_or_default();
        self.members.archive.remove(url.identity());
        let mut member = Member::new(url, Status::Dead, claim.monitor, stamp, now);
        member.incarnation = incarnation;
        self.members.roster.insert(Arc::clone(url.identity()), member);
        self.schedule_drop(stamp, now);
        self.hear_about_known(Arc::clone(url.identity()), claim, now);
    }

    pub(in crate::protocol) fn hear_about_known(&mut self, identity: Arc<str>, claim: LegacyClaim, now: Now) {
        let Some(member) = self.members.roster.get_mut(&identity) else { return };
        if member.is_online() == claim.says_online {
            let is_vouched_for = member.is_unconfirmed && (claim.is_verified || claim.stamp > member.stamp);
            member.hear_agreement(claim, now);
            if is_vouched_for {
                self.members.roster.confirm(&identity);
            }
            return;
        }
        if member.is_native() {
            return self.hear_hint(&identity, claim, now);
        }
        let is_newer = claim.stamp > member.stamp;
        let is_held_far_ahead = member.stamp.is_far_ahead(now);
        member.saw(claim.stamp);
        if is_held_far_ahead && !is_newer {
            return self.verify_far_ahead(&identity, claim.says_online, now);
        }
        if claim.says_online && !member.is_online() && !is_newer {
            self.legacy.death_notices.record_missed(now.tick);
        }
        match (member.is_online(), claim.says_online) {
            (true, false) if is_newer => {
                if member.is_first_hand(true, now) {
                    return self.accuse(&identity, claim.stamp);
                }
                if claim.is_expired_tombstone(now) {
                    return self.forget(&identity, now);
                }
                member.renew(claim.stamp, now);
                member.dispute(self.exchanges.in_flight.last());
                let status = if claim.is_absent { Status::Left } else { Status::Dead };
                self.members.roster.transition(&identity, status, now.tick);
                self.watch_absence(&identity, now);
                self.schedule_retention(claim, now);
                self.question_hearsay(&identity, claim);
            }
            (false, true) if is_newer => {
                if member.is_first_hand(false, now) {
                    let comeback = Comeback { stamp: claim.stamp, monitor: claim.monitor };
                    return self.hear_comeback(&identity, comeback);
                }
                member.renew(claim.stamp, now);
                member.monitor = claim.monitor;
                member.dispute(self.exchanges.in_flight.last());
                self.members.roster.transition(&identity, Status::Online, now.tick);
                self.question_hearsay(&identity, claim);
            }
            // Rule R8: somebody holds a buried one for online. The tombstone goes out with the answer; whether it is
            // false is asked of the subject itself.
            (false, true) if member.status == Status::Dead && !member.is_first_hand(false, now) => {
                self.request_check(&identity);
            }
            _ => {}
        }
    }

    fn question_hearsay(&mut self, identity: &Arc<str>, claim: LegacyClaim) {
        if !claim.is_verified {
            self.request_check(identity);
        }
    }

    fn schedule_retention(&mut self, claim: LegacyClaim, now: Now) {
        if !claim.says_online {
            self.schedule_drop(claim.stamp, now);
        }
    }
}
