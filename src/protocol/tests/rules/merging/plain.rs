//! Merging of plain claims: the change of their subject, and the effects.

use std::sync::Arc;

use crate::protocol::context::RunState;
use crate::protocol::context::effect::{CheckReason, Comeback, Effect};
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::members::member::proof::Verdict;
use crate::protocol::merging::intake::Known;
use crate::protocol::merging::outsiders::LeftOut;
use crate::protocol::merging::plain::{self, PlainClaim, PlainSource};
use crate::protocol::tests::support::parts::{Parts, at};
use crate::protocol::tests::support::world::EPOCH;
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::status::Status::{self, Dead, Left, Online};
use crate::protocol::types::time::{Incarnation, Now, Stamp};

const A: &str = "http://a/";
/// The time of all claims, long after the initial state of the tests.
const NOW: u64 = 100_000;
const DAY: u64 = 24 * 60 * 60 * 1_000;

fn a() -> Arc<str> {
    A.into()
}

fn stamp(stamp: u64) -> Stamp {
    Stamp(EPOCH + stamp)
}

fn claim(status: Status, at: u64, source: PlainSource) -> PlainClaim {
    PlainClaim { status, monitor: false, stamp: stamp(at), source }
}

/// The outcome of a claim about the member A: A's status and stamp, and the effects.
fn merge(parts: &mut Parts, claim: PlainClaim) -> ((Status, u64), Vec<Effect>) {
    merge_at(parts, claim, at(NOW));
    (parts.status_and_stamp(A), parts.effects())
}

fn merge_at(parts: &mut Parts, claim: PlainClaim, now: Now) {
    let a = a();
    let known = Known::of(&parts.members, &a).unwrap();
    plain::merge_known(&mut parts.members, &parts.exchanges, &mut parts.cx, &known, claim, now);
}

/// The effects of a claim about A, which is no member.
fn merge_new(parts: &mut Parts, claim: PlainClaim) -> Vec<Effect> {
    let url = BaseUrl::parse(A).unwrap();
    parts.merging.merge_new(&mut parts.members, &parts.exchanges, &mut parts.cx, &url, claim, at(NOW));
    parts.effects()
}

fn check(reason: CheckReason) -> Effect {
    Effect::Check(a(), reason)
}

fn is_member(parts: &Parts) -> bool {
    parts.members.roster.get(A).is_some()
}

#[test]
fn an_equal_claim_has_no_effect() {
    for status in [Online, Dead] {
        let mut parts = Parts::plain();
        parts.add(A, status, 10);
        let touches = parts.members.roster.revision();
        assert_eq!(merge(&mut parts, claim(status, 10, PlainSource::Peer)), ((status, 10), vec![]));
        assert_eq!(parts.members.roster.revision(), touches);
    }
}

#[test]
fn an_agreeing_claim_renews_only_the_stamp() {
    let mut parts = Parts::plain();
    parts.add(A, Online, 10);
    assert_eq!(merge(&mut parts, claim(Online, 20, PlainSource::Peer)), ((Online, 20), vec![]));
    assert_eq!(merge(&mut parts, claim(Online, 5, PlainSource::Peer)), ((Online, 20), vec![]));
}

#[test]
fn a_newer_death_counts_at_once_and_is_verified_afterwards() {
    let mut parts = Parts::plain();
    parts.add(A, Online, 10);
    let expected =
        vec![Effect::WatchAbsence(a()), Effect::ScheduleDrop(stamp(20)), check(CheckReason::Hearsay)];
    assert_eq!(merge(&mut parts, claim(Dead, 20, PlainSource::Peer)), ((Dead, 20), expected));
}

#[test]
fn a_leave_that_a_native_server_has_verified_is_not_checked() {
    let mut parts = Parts::native();
    parts.add(A, Online, 10);
    let expected = vec![Effect::WatchAbsence(a()), Effect::ScheduleDrop(stamp(20))];
    assert_eq!(merge(&mut parts, claim(Left, 20, PlainSource::Native)), ((Left, 20), expected));
}

#[test]
fn a_tie_declares_nobody_dead() {
    let mut parts = Parts::plain();
    parts.add(A, Online, 10);
    assert_eq!(merge(&mut parts, claim(Dead, 10, PlainSource::Peer)), ((Online, 10), vec![]));
}

#[test]
fn a_death_of_a_server_recently_found_alive_is_verified_first() {
    let mut parts = Parts::plain();
    parts.add(A, Online, 10);
    parts.member(A).record_verdict(Verdict::Alive, at(NOW - 1));
    let expected = vec![check(CheckReason::Accusation(stamp(20)))];
    assert_eq!(merge(&mut parts, claim(Dead, 20, PlainSource::Peer)), ((Online, 10), expected));
    assert_eq!(parts.member(A).highest_seen(), stamp(20));
}

#[test]
fn a_newer_return_counts_at_once_and_is_verified_afterwards() {
    let mut parts = Parts::plain();
    parts.add(A, Dead, 10);
    let expected = vec![check(CheckReason::Hearsay)];
    assert_eq!(merge(&mut parts, claim(Online, 20, PlainSource::Peer)), ((Online, 20), expected));
}

#[test]
fn a_return_of_a_server_recently_found_dead_is_verified_first() {
    let mut parts = Parts::plain();
    parts.add(A, Dead, 10);
    parts.member(A).record_verdict(Verdict::Dead, at(NOW - 1));
    let expected = vec![check(CheckReason::Comeback(Comeback { stamp: stamp(20), monitor: false }))];
    assert_eq!(merge(&mut parts, claim(Online, 20, PlainSource::Peer)), ((Dead, 10), expected));
}

#[test]
fn an_old_online_claim_causes_a_check_of_a_dead_server_but_not_of_a_drained_one() {
    let mut parts = Parts::plain();
    parts.add(A, Dead, 10);
    let expected = vec![Effect::HastenDeathNotices, check(CheckReason::Hearsay)];
    assert_eq!(merge(&mut parts, claim(Online, 10, PlainSource::Peer)), ((Dead, 10), expected));
    let mut parts = Parts::plain();
    parts.add(A, Left, 10);
    let expected = vec![Effect::HastenDeathNotices];
    assert_eq!(merge(&mut parts, claim(Online, 10, PlainSource::Peer)), ((Left, 10), expected));
}

#[test]
fn an_expired_tombstone_moves_a_member_to_the_archive() {
    let mut parts = Parts::plain();
    parts.add(A, Online, 10);
    let late = at(NOW + DAY);
    let dead = claim(Dead, 20, PlainSource::Peer);
    merge_at(&mut parts, dead, late);
    assert_eq!(parts.effects(), [Effect::Forget(a())]);
    assert_eq!(parts.members.archive.stamp_of(A, late), Some(stamp(20)));
    assert!(!is_member(&parts));
}

#[test]
fn plain_claims_about_a_native_server_are_hints() {
    let mut parts = Parts::native();
    parts.add_native(A, Online, 7);
    let expected = vec![check(CheckReason::Hearsay)];
    assert_eq!(merge(&mut parts, claim(Dead, 20, PlainSource::Peer)), ((Online, 0), expected));
    let mut parts = Parts::native();
    parts.add_native(A, Dead, 7);
    let expected = vec![check(CheckReason::NeedsList)];
    assert_eq!(merge(&mut parts, claim(Online, 0, PlainSource::Peer)), ((Dead, 0), expected));
}

#[test]
fn the_master_list_does_not_confirm_its_own_entries() {
    let mut parts = Parts::plain();
    let effects = merge_new(&mut parts, claim(Online, 10, PlainSource::MasterList));
    assert_eq!(effects, [Effect::AskListing(a())]);
    assert_eq!(merge(&mut parts, claim(Online, 20, PlainSource::MasterList)), ((Online, 20), vec![]));
    assert!(parts.member(A).is_unconfirmed());
    assert_eq!(merge(&mut parts, claim(Online, 20, PlainSource::Peer)), ((Online, 20), vec![]));
    assert!(parts.member(A).is_unconfirmed(), "an old claim confirms nothing");
    assert_eq!(merge(&mut parts, claim(Online, 30, PlainSource::Peer)), ((Online, 30), vec![]));
    assert!(!parts.member(A).is_unconfirmed());
}

#[test]
fn a_young_entry_of_the_master_list_is_checked_with_grace() {
    let mut parts = Parts::plain();
    let effects = merge_new(&mut parts, claim(Online, NOW - 1, PlainSource::MasterList));
    assert_eq!(effects, [check(CheckReason::Hearsay)]);
}

#[test]
fn a_new_server_is_checked_dead_or_alive() {
    let mut parts = Parts::plain();
    let effects = merge_new(&mut parts, claim(Online, 10, PlainSource::Peer));
    assert_eq!((parts.status_and_stamp(A), effects), ((Online, 10), vec![check(CheckReason::Hearsay)]));
    let mut parts = Parts::plain();
    let effects = merge_new(&mut parts, claim(Dead, 10, PlainSource::Peer));
    let expected = vec![Effect::ScheduleDrop(stamp(10)), check(CheckReason::Hearsay)];
    assert_eq!((parts.status_and_stamp(A), effects), ((Dead, 10), expected));
}

#[test]
fn a_hidden_server_with_an_archived_tombstone_is_hidden_or_a_member() {
    let mut parts = Parts::plain();
    parts.add(A, Online, 10);
    parts.members.hide(&mut parts.cx, &a(), at(0).tick, at(0));
    parts.members.archive.insert(A, stamp(20), Incarnation::NONE);
    merge_new(&mut parts, claim(Online, 15, PlainSource::Peer));
    assert!(is_member(&parts) && parts.members.hidden.get(A).is_none());
}

#[test]
fn only_a_newer_claim_reveals_a_hidden_server() {
    let mut parts = Parts::plain();
    parts.add(A, Online, 10);
    parts.members.hide(&mut parts.cx, &a(), at(0).tick, at(0));
    assert_eq!(parts.effects(), [Effect::Forget(a())]);
    assert_eq!(merge_new(&mut parts, claim(Online, 10, PlainSource::Peer)), []);
    assert!(!is_member(&parts));
    let effects = merge_new(&mut parts, claim(Online, 11, PlainSource::Peer));
    assert_eq!(effects, [Effect::ForgetHidden(a()), check(CheckReason::Hearsay)]);
    assert_eq!(parts.status_and_stamp(A), (Online, 11));
}

#[test]
fn an_archived_tombstone_blocks_old_claims() {
    let mut parts = Parts::plain();
    parts.members.archive.insert(A, stamp(20), Incarnation::NONE);
    assert_eq!(merge_new(&mut parts, claim(Dead, 20, PlainSource::Peer)), []);
    assert!(!is_member(&parts));
    // A clock that was ahead may have dropped the tombstone too early, so the server is asked.
    let effects = merge_new(&mut parts, claim(Online, 20, PlainSource::Peer));
    let expected =
        vec![Effect::ScheduleDrop(stamp(20)), Effect::HastenDeathNotices, check(CheckReason::Hearsay)];
    assert_eq!((parts.status_and_stamp(A), effects), ((Dead, 20), expected));
}

#[test]
fn an_outsider_claimed_online_is_tried_now_and_then() {
    let mut parts = Parts::plain();
    parts.add(A, Online, 10);
    parts.merging.outsiders.leave_out(&mut parts.members, &mut parts.cx, &a(), LeftOut::OtherSecret, at(0));
    assert_eq!(parts.effects(), [Effect::ExcuseProbe(a()), Effect::Forget(a())]);
    let online = claim(Online, 90, PlainSource::Peer);
    assert_eq!(merge_new(&mut parts, online), [], "before the start is done");
    parts.cx.run_state = RunState::Running;
    let url = BaseUrl::parse(A).unwrap();
    assert_eq!(merge_new(&mut parts, online), [Effect::TryOutsider(Box::new(url))]);
    let Parts { merging, members, cx, .. } = &mut parts;
    assert!(merging.outsiders.try_claim_slot(members, cx, A, at(NOW).tick));
    assert_eq!(merge_new(&mut parts, online), []);
    assert!(!is_member(&parts));
}

#[test]
fn only_the_answer_in_flight_is_too_early_to_settle_a_claim() {
    for (asked, is_early) in [("http://b/", false), (A, true)] {
        let mut parts = Parts::plain();
        parts.add(A, Online, 10);
        let id = parts.ask(&asked.into(), Purpose::Inquiry);
        merge(&mut parts, claim(Dead, 20, PlainSource::Peer));
        assert_eq!(parts.member(A).is_disputed_since(id), is_early, "{asked}");
    }
}
