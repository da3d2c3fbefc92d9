//! Anti-entropy: rosters that differ for longer than news need to spread are compared, and made equal.
//!
//! ```text
//! A ── probe, count and hash ──▶ B            equal: nothing more, whatever the size of the cluster
//! A ── sync, 64 bucket hashes ──▶ B           they have differed for a second
//! A ◀── the entries of the buckets that differ, B's 64 bucket hashes ── B
//! A ── push, what B lacks ──▶ B
//! ```

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::exchanges::native_message::NativeMessage;
use crate::protocol::machine::Machine;
use crate::protocol::members::member::{Member, Wire};
use crate::protocol::members::roster::digest::bucket_of;
use crate::protocol::merging::intake::Subject;
use crate::protocol::native::detection::PeerSearch;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::limits::{MAX_CLAIM_BYTES, TOMBSTONE_TOLD};
use crate::protocol::types::time::{Incarnation, Now, Tick};
use crate::protocol::wire::extension::{BUCKETS, Extension, Kind};

/// News that are under way need no comparison.
pub(crate) const NEWS_NEED: Duration = Duration::from_secs(1);
/// So many whole rosters are handed out in a second; others are named to whoever asks for one more.
pub(in crate::protocol) const MAX_WHOLE: usize = 4;
const WHOLE_WINDOW: Duration = Duration::from_secs(1);
/// So many others are named.
const NAMED: usize = 5;

#[derive(Debug, Default)]
pub(in crate::protocol) struct AntiEntropy {
    differs_since: Option<Tick>,
    /// The bucket hashes that were sent with the comparison under way.
    asked: Option<Box<[u64; BUCKETS]>>,
    /// When whole rosters were handed out.
    handed_out: VecDeque<Tick>,
    /// How many servers may still be asked for a whole roster, after a start.
    pub(in crate::protocol) whole_tries_left: u8,
    /// Nobody was free to be asked for a whole roster; the next one that answers a greeting is.
    pub(in crate::protocol) awaits_greeting: bool,
}

impl AntiEntropy {
    pub(in crate::protocol) fn handed_out_count(&self) -> usize {
        self.handed_out.len()
    }
}

impl Machine {
    /// The answer to a probe tells whether rosters are equal.
    pub(in crate::protocol) fn compare(&mut self, peer: &Arc<str>, heard: &Extension, now: Now) {
        if heard.hash == self.members.digest().total()
            && heard.living as usize == self.members.confirmed_count()
        {
            self.native.anti_entropy.differs_since = None;
            return;
        }
        let since = *self.native.anti_entropy.differs_since.get_or_insert(now.tick);
        if now.tick.since(since) < NEWS_NEED
            || self.exchanges.in_flight.count(|purpose| purpose == Purpose::Sync) > 0
        {
            return;
        }
        let buckets = Box::new(*self.members.digest().buckets());
        self.native.anti_entropy.asked = Some(buckets.clone());
        let message = NativeMessage::new(Kind::Sync(Some(buckets)), Purpose::Sync);
        self.exchanges.send_native(&mut self.members, &mut self.cx, peer, message, now);
    }

    /// What somebody asks for who compares rosters, or has none yet.
    pub(in crate::protocol) fn answer_sync(
        &mut self,
        theirs: Option<&[u64; BUCKETS]>,
        mut claims: Vec<Claim>,
        now: Now,
    ) -> Extension {
        let mine = *self.members.digest().buckets();
        if theirs.is_none() && !self.may_hand_out(now.tick) {
            let mut answer = self.exchanges.extension(&self.members, Kind::Push, claims);
            let others = self.native.detection.free_peers(
                &self.members,
                &self.exchanges,
                &mut self.cx,
                PeerSearch::for_any(NAMED),
                now.tick,
            );
            answer.elsewhere = others.iter().map(|id| self.members.roster.spelling(id)).collect();
            return answer;
        }
        for (identity, member) in self.members.roster.iter() {
            let is_wanted = theirs.is_none_or(|theirs| {
                let bucket = bucket_of(identity);
                theirs.get(bucket) != mine.get(bucket)
            });
            if is_wanted && member.is_told_unasked(now.tick) {
                claims.push(member.claim(identity, now));
            }
        }
        self.exchanges.extension(&self.members, Kind::Sync(Some(Box::new(mine))), claims)
    }

    fn may_hand_out(&mut self, now: Tick) -> bool {
        let handed_out = &mut self.native.anti_entropy.handed_out;
        while handed_out.front().is_some_and(|at| now.since(*at) >= WHOLE_WINDOW) {
            handed_out.pop_front();
        }
        let may = handed_out.len() < MAX_WHOLE;
        if may {
            handed_out.push_back(now);
        }
        may
    }

    /// The entries asked for have come and are merged; the other side is told what it lacks.
    pub(in crate::protocol) fn conclude_sync(&mut self, peer: &Arc<str>, heard: &Extension, now: Now) {
        self.native.anti_entropy.differs_since = None;
        let (Some(mine), Kind::Sync(Some(theirs))) = (self.native.anti_entropy.asked.take(), &heard.kind)
        else {
            return;
        };
        let told: IndexMap<&str, &Claim, FixedState> =
            heard.claims.iter().map(|claim| (&*claim.base_url, claim)).collect();
        let mut room = MAX_CLAIM_BYTES;
        let lacking: Vec<Claim> = self
            .members
            .roster
            .iter()
            .filter(|(identity, member)| {
                let bucket = bucket_of(identity);
                let theirs_is = told.get(&**member.spelling(identity));
                let contradicts = theirs_is.is_some_and(|claim| claim.status.is_online());
                mine.get(bucket) != theirs.get(bucket)
                    && (member.is_told_unasked(now.tick) || contradicts)
                    && theirs_is.is_none_or(|claim| member.is_newer_than(claim, now))
            })
            .map(|(identity, member)| member.claim(identity, now))
            .map_while(|claim| {
                room = room.checked_sub(claim.bytes())?;
                Some(claim)
            })
            .collect();
        if !lacking.is_empty() {
            let message = NativeMessage::new(Kind::Push, Purpose::Push).with_claims(lacking);
            self.exchanges.send_native(&mut self.members, &mut self.cx, peer, message, now);
        }
    }

    /// The clock is right again: what was rejected of others' rosters may be let in now.
    pub(in crate::protocol) fn ask_again_for_whole_roster(&mut self, now: Now) {
        self.native.anti_entropy.whole_tries_left = 1;
        self.ask_for_whole_roster("", &[], now);
    }

    /// A newcomer asks one server for its whole roster; where that one fails or is too busy another, one that was named if may be.
    pub(in crate::protocol) fn ask_for_whole_roster(&mut self, in_vain: &str, named: &[Arc<str>], now: Now) {
        if !self.is_native() || self.native.anti_entropy.whole_tries_left == 0 {
            return;
        }
        self.native.anti_entropy.whole_tries_left -= 1;
        let identities = named.iter().filter_map(|base_url| match self.identify(base_url) {
            Ok(Subject::Known(identity)) => Some(identity),
            _ => None,
        });
        let may_have_one = |identity: &Arc<str>| {
            &**identity != in_vain
                && self.members.roster.get(identity).is_some_and(|member| member.wire != Wire::Legacy)
        };
        let named = identities.into_iter().find(may_have_one);
        let peer = named.map_or_else(
            || {
                self.native.detection.free_peers(
                    &self.members,
                    &self.exchanges,
                    &mut self.cx,
                    PeerSearch::except(1, in_vain),
                    now.tick,
                )
            },
            |identity| vec![identity],
        );
        self.native.anti_entropy.asked = None;
        let exchanges = self.exchanges.send_natives(
            &mut self.members,
            &mut self.cx,
            peer,
            NativeMessage::new(Kind::Sync(None), Purpose::Sync),
            now,
        );
        self.native.anti_entropy.awaits_greeting = exchanges.is_empty();
        self.wait_for_greeting(exchanges);
    }
}

impl Member {
    /// Living ones are, and tombstones for a while.
    fn is_told_unasked(&self, now: Tick) -> bool {
        if self.is_online() { !self.is_unconfirmed } else { self.changed_at.age(now) < TOMBSTONE_TOLD }
    }

    /// Whether what is held is newer than a claim: for a legacy peer by its stamp, for a native server by its incarnation.
    fn is_newer_than(&self, claim: &Claim, now: Now) -> bool {
        if self.is_native() || claim.incarnation != Incarnation::NONE {
            (self.incarnation.counted(now), self.status) > (claim.incarnation, claim.status)
        } else {
            self.stamp > claim.last_update && self.is_online() != claim.status.is_online()
        }
    }
}
