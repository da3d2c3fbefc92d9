//! Anti-entropy: compares and equalises rosters that differ for longer than news takes to spread.
//!
//! ```text
//! A ── probe, count and hash ──▶ B            equal: done, at any cluster size
//! A ── sync, 64 bucket hashes ──▶ B           they have differed for a second
//! A ◀── the entries of the buckets that differ, B's 64 bucket hashes ── B
//! A ── push, what B lacks ──▶ B
//! ```

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use crate::protocol::context::Context;
use crate::protocol::context::effect::Effect;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::exchanges::native_message::NativeMessage;
use crate::protocol::members::Members;
use crate::protocol::members::member::{Member, Wire};
use crate::protocol::merging::intake::{Subject, identify};
use crate::protocol::native::Native;
use crate::protocol::native::detection::PeerSearch;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::limits::{MAX_CLAIM_BYTES, TOMBSTONE_SPREAD};
use crate::protocol::types::time::{Incarnation, Now, Tick};
use crate::protocol::wire::extension::{BUCKETS, Extension, Kind};

/// Time that news takes to spread. Rosters that have differed for less are not compared.
pub(crate) const SYNC_DELAY: Duration = Duration::from_secs(1);
/// Full rosters sent per `FULL_ROSTER_WINDOW`. Further peers are referred to other servers.
pub(in crate::protocol) const MAX_FULL_ROSTERS: usize = 4;
const FULL_ROSTER_WINDOW: Duration = Duration::from_secs(1);
/// Other servers to which such a peer is referred.
const MAX_NAMED_INSTEAD: usize = 5;

/// Answers whose hashes are remembered, one in each bit.
const REMEMBERED_HASHES: u32 = u16::BITS;

/// How many of the latest answers of native servers had another hash than this server.
#[derive(Debug, Default)]
struct Disagreement {
    /// The latest answers, each a bit that is set if its hash was another one.
    latest: u16,
    answers: u32,
}

impl Disagreement {
    fn record(&mut self, is_other: bool) {
        self.latest = self.latest << 1 | u16::from(is_other);
        self.answers = (self.answers + 1).min(REMEMBERED_HASHES);
    }

    fn share(&self) -> f64 {
        f64::from(self.latest.count_ones()) / f64::from(self.answers.max(1))
    }
}

/// The state of the comparisons with other rosters.
#[derive(Debug, Default)]
pub(in crate::protocol) struct AntiEntropy {
    differs_since: Option<Tick>,
    /// The bucket hashes sent with the current comparison.
    asked: Option<Box<[u64; BUCKETS]>>,
    /// The times at which full rosters were sent.
    handed_out: VecDeque<Tick>,
    /// The number of servers that may still be asked for a full roster, after a start.
    full_roster_tries_left: u8,
    /// Whether the next server that answers a greeting is asked for a full roster, because no
    /// server was free.
    awaits_greeting: bool,
    disagreement: Disagreement,
}

impl AntiEntropy {
    /// Records whether the hash in the answer of a native server was another one than here.
    pub(in crate::protocol) fn record_hash(&mut self, is_other: bool) {
        self.disagreement.record(is_other);
    }

    /// The share of the latest answers whose hash was another one.
    pub(in crate::protocol) fn disagreement(&self) -> f64 {
        self.disagreement.share()
    }

    /// Allows this number of requests for a full roster.
    pub(in crate::protocol) fn allow_full_roster_tries(&mut self, tries: u8) {
        self.full_roster_tries_left = tries;
    }

    /// Whether the next server that answers a greeting is asked for a full roster.
    pub(in crate::protocol) fn awaits_greeting(&self) -> bool {
        self.awaits_greeting
    }

    pub(in crate::protocol) fn handed_out_count(&self) -> usize {
        self.handed_out.len()
    }

    /// Compares the rosters, by the digest in the answer to a probe. If they have differed for a
    /// while, requests the entries that differ.
    pub(in crate::protocol) fn compare(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        peer: &Arc<str>,
        received: &Extension,
        now: Now,
    ) {
        let digest = members.digest();
        if received.hash == digest.total() && received.living as usize == members.confirmed_count() {
            self.differs_since = None;
            return;
        }
        let since = *self.differs_since.get_or_insert(now.tick);
        let is_syncing = || exchanges.in_flight.count(|purpose| purpose == Purpose::Sync) > 0;
        if now.tick.since(since) < SYNC_DELAY || is_syncing() {
            return;
        }
        let buckets = Box::new(*digest.buckets());
        self.asked = Some(buckets.clone());
        let message = NativeMessage::new(Kind::Sync(Some(buckets)), Purpose::Sync);
        exchanges.send_native(members, cx, peer, message, now);
    }

    fn try_hand_out(&mut self, now: Tick) -> bool {
        while self.handed_out.front().is_some_and(|at| now.since(*at) >= FULL_ROSTER_WINDOW) {
            self.handed_out.pop_front();
        }
        let may = self.handed_out.len() < MAX_FULL_ROSTERS;
        if may {
            self.handed_out.push_back(now);
        }
        may
    }

    /// Sends a peer the entries that it lacks, after the requested ones have been merged.
    pub(in crate::protocol) fn conclude_sync(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        peer: &Arc<str>,
        received: &Extension,
        now: Now,
    ) {
        self.differs_since = None;
        let (Some(mine), Kind::Sync(Some(theirs))) = (self.asked.take(), &received.kind) else { return };
        let lacking = lacking(members, &mine, theirs, &received.claims, now);
        if !lacking.is_empty() {
            let message = NativeMessage::new(Kind::Push, Purpose::Push).with_claims(lacking);
            exchanges.send_native(members, cx, peer, message, now);
        }
    }
}

/// Returns the claims that a peer with these bucket hashes and claims lacks, up to the size of one
/// message.
fn lacking(
    members: &Members,
    mine: &[u64; BUCKETS],
    theirs: &[u64; BUCKETS],
    claims: &[Claim],
    now: Now,
) -> Vec<Claim> {
    let by_url: IndexMap<&str, &Claim, FixedState> =
        claims.iter().map(|claim| (&*claim.base_url, claim)).collect();
    let is_lacking = |identity: &str, member: &Member| {
        let claimed = by_url.get(member.spelling(identity));
        let contradicts = claimed.is_some_and(|claim| claim.status.is_online());
        (member.is_sent_unrequested(now.tick) || contradicts)
            && claimed.is_none_or(|claim| member.is_newer_than(claim, now))
    };
    let mut room = MAX_CLAIM_BYTES;
    members
        .roster
        .in_buckets(|bucket| mine.get(bucket) != theirs.get(bucket))
        .filter(|(identity, member)| is_lacking(identity, member))
        .map(|(identity, member)| members.roster.claim(identity, member, now))
        .map_while(|claim| {
            room = room.checked_sub(claim.bytes())?;
            Some(claim)
        })
        .collect()
}

impl Native {
    /// Returns the answer to a peer that compares rosters, or asks for a full one.
    pub(in crate::protocol) fn answer_sync(
        &mut self,
        members: &Members,
        exchanges: &Exchanges,
        cx: &mut Context,
        theirs: Option<&[u64; BUCKETS]>,
        mut claims: Vec<Claim>,
        now: Now,
    ) -> Extension {
        if theirs.is_none() && !self.anti_entropy.try_hand_out(now.tick) {
            let mut answer = exchanges.extension(members, Kind::Push, claims);
            let search = PeerSearch::for_any(MAX_NAMED_INSTEAD);
            let others = self.detection.free_peers(members, exchanges, cx, search, now.tick);
            answer.elsewhere = others.iter().map(|identity| members.roster.spelling(identity)).collect();
            return answer;
        }
        let mine = *members.digest().buckets();
        let is_wanted = |bucket: usize| theirs.is_none_or(|theirs| theirs.get(bucket) != mine.get(bucket));
        for (identity, member) in members.roster.in_buckets(is_wanted) {
            if member.is_sent_unrequested(now.tick) {
                claims.push(members.roster.claim(identity, member, now));
            }
        }
        exchanges.extension(members, Kind::Sync(Some(Box::new(mine))), claims)
    }

    /// Asks one server for its full roster, if tries are left: one of those named, or else any but
    /// the one that did not send it.
    pub(in crate::protocol) fn ask_for_full_roster(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        in_vain: &str,
        named: &[Arc<str>],
        now: Now,
    ) {
        if !cx.is_native() || self.anti_entropy.full_roster_tries_left == 0 {
            return;
        }
        self.anti_entropy.full_roster_tries_left -= 1;
        let identities = named.iter().filter_map(|base_url| match identify(members, cx, base_url) {
            Ok(Subject::Known(known)) => Some(known.into_identity()),
            _ => None,
        });
        let may_have_one = |identity: &Arc<str>| {
            &**identity != in_vain
                && members.roster.get(identity).is_some_and(|member| member.wire() != Wire::Legacy)
        };
        let named = identities.into_iter().find(may_have_one);
        let search = PeerSearch::except(1, in_vain);
        let peers = match named {
            Some(identity) => vec![identity],
            None => self.detection.free_peers(members, exchanges, cx, search, now.tick),
        };
        self.anti_entropy.asked = None;
        let message = NativeMessage::new(Kind::Sync(None), Purpose::Sync);
        let asked = exchanges.send_natives(members, cx, peers, message, now).pop_first();
        self.anti_entropy.awaits_greeting = asked.is_none();
        if let Some(id) = asked {
            cx.effects.push(Effect::AwaitAnswer(id));
        }
    }
}

impl Member {
    /// Whether a sync includes this member: confirmed online members are included, tombstones for a
    /// while.
    fn is_sent_unrequested(&self, now: Tick) -> bool {
        if self.is_online() { !self.is_unconfirmed() } else { self.changed_at().age(now) < TOMBSTONE_SPREAD }
    }

    /// Whether this member is newer than a claim: a legacy peer by its stamp, a native server by
    /// its incarnation.
    fn is_newer_than(&self, claim: &Claim, now: Now) -> bool {
        if self.is_native() || claim.incarnation != Incarnation::NONE {
            (self.incarnation().counted(now), self.status()) > (claim.incarnation, claim.status)
        } else {
            self.stamp() > claim.last_update && self.is_online() != claim.status.is_online()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_sixteen_answers_count() {
        let mut disagreement = Disagreement::default();
        assert_eq!(disagreement.share(), 0.0);
        disagreement.record(true);
        assert_eq!(disagreement.share(), 1.0);
        (0..3).for_each(|_| disagreement.record(false));
        assert_eq!(disagreement.share(), 0.25);
        (0..12).for_each(|_| disagreement.record(false));
        assert_eq!(disagreement.share(), 1.0 / 16.0);
        disagreement.record(false);
        assert_eq!(disagreement.share(), 0.0);
    }
}
