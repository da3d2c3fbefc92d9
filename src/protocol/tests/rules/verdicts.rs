//! Verdicts of verification: how answers and silence change a member, and the effects.

use std::sync::Arc;

use crate::protocol::context::effect::{CheckReason, Effect};
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::legacy::listings::{HiddenReply, Listings};
use crate::protocol::legacy::verification::refusals::{self, Review};
use crate::protocol::legacy::verification::{Verification, answer};
use crate::protocol::members::member::proof::Verdict;
use crate::protocol::members::member::unproved_answers::Route;
use crate::protocol::tests::support::parts::{Parts, at, own_entry};
use crate::protocol::tests::support::world::EPOCH;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Stamp, Tick};
use crate::protocol::wire::extension::Finding;
use crate::protocol::wire::message::Reply;

const A: &str = "http://a/";

fn a() -> Arc<str> {
    A.into()
}

/// The effects of a tombstone with this stamp.
fn death_effects(stamp: u64) -> Vec<Effect> {
    vec![Effect::ScheduleDrop(Stamp(EPOCH + stamp)), Effect::SendDeathNotices, Parts::spread(A)]
}

/// The outcome of an answer of A that it is online, with this stamp: A's status and stamp, and the
/// effects.
fn answered(parts: &mut Parts, stamp: u64) -> ((Status, u64), Vec<Effect>) {
    let id = parts.ask(&a(), Purpose::Inquiry);
    answer::mark_alive(&mut parts.members, &mut parts.cx, &a(), id, &own_entry(A, stamp), at(100));
    (parts.status_and_stamp(A), parts.effects())
}

#[test]
fn an_answer_of_an_online_member_has_no_effects() {
    let mut parts = Parts::plain();
    parts.add(A, Status::Online, 10);
    assert_eq!(answered(&mut parts, 10), ((Status::Online, 10), vec![]));
    assert_eq!(answered(&mut parts, 20), ((Status::Online, 20), vec![]));
    assert!(parts.member(A).is_first_hand(Verdict::Alive, at(100)));
}

#[test]
fn an_answer_refutes_an_accusation_with_a_newer_stamp() {
    let mut parts = Parts::plain();
    parts.add(A, Status::Online, 10);
    parts.member(A).open_check().add(CheckReason::Accusation(Stamp(EPOCH + 30)));
    parts.member(A).record_stamp(Stamp(EPOCH + 30));
    assert_eq!(answered(&mut parts, 20), ((Status::Online, 31), vec![Effect::PushToFew, Parts::spread(A)]));
    assert_eq!(parts.member(A).check(), None);
}

#[test]
fn an_answer_to_an_earlier_request_does_not_disprove_a_claim() {
    let mut parts = Parts::plain();
    parts.add(A, Status::Online, 10);
    let id = parts.ask(&a(), Purpose::Inquiry);
    parts.member(A).open_check().add(CheckReason::Accusation(Stamp(EPOCH + 30)));
    parts.member(A).dispute(Some(id));
    answer::mark_alive(&mut parts.members, &mut parts.cx, &a(), id, &own_entry(A, 20), at(100));
    assert_eq!(
        (parts.status_and_stamp(A), parts.effects()),
        ((Status::Online, 10), vec![Effect::CheckAgain(a())])
    );
}

#[test]
fn a_dead_legacy_peer_that_answers_is_contacted_at_once() {
    let mut parts = Parts::native();
    parts.add(A, Status::Dead, 10);
    let expected = vec![Effect::PushToFew, Parts::spread(A), Effect::PushTo(a())];
    assert_eq!(answered(&mut parts, 5), ((Status::Online, 11), expected));
}

#[test]
fn an_answer_of_a_native_suspect_refutes_its_suspicion() {
    let mut parts = Parts::native();
    parts.add_native(A, Status::Suspect, 7);
    assert_eq!(answered(&mut parts, 5), ((Status::Online, 5), vec![Parts::spread(A)]));
    assert_eq!(parts.member(A).incarnation(), Incarnation(8));
}

#[test]
fn an_answer_without_its_own_entry_makes_a_member_absent() {
    let mut parts = Parts::plain();
    parts.add(A, Status::Online, 10);
    let id = parts.ask(&a(), Purpose::Inquiry);
    answer::mark_absent(&mut parts.members, &mut parts.cx, &a(), id, None, at(100));
    let mut expected = death_effects(11);
    expected.push(Effect::WatchAbsence(a()));
    assert_eq!((parts.status_and_stamp(A), parts.effects()), ((Status::Left, 11), expected));
}

#[test]
fn an_absent_member_keeps_the_stamp_of_its_own_tombstone() {
    let mut parts = Parts::plain();
    parts.add(A, Status::Online, 10);
    let id = parts.ask(&a(), Purpose::Inquiry);
    answer::mark_absent(&mut parts.members, &mut parts.cx, &a(), id, Some(Stamp(EPOCH + 40)), at(100));
    assert_eq!(parts.status_and_stamp(A), (Status::Left, 40));
}

#[test]
fn a_tombstone_beats_every_stamp_seen() {
    let mut parts = Parts::plain();
    parts.add(A, Status::Online, 10);
    parts.member(A).record_stamp(Stamp(EPOCH + 500));
    parts.members.bury(&mut parts.cx, &a(), at(100));
    let mut expected = death_effects(501);
    expected.push(Effect::PushToFew);
    assert_eq!((parts.status_and_stamp(A), parts.effects()), ((Status::Dead, 501), expected));
    assert!(parts.member(A).is_first_hand(Verdict::Dead, at(100)));
}

/// The outcome of a missing answer of A: A's status and stamp, and the effects.
fn silent(parts: &mut Parts) -> ((Status, u64), Vec<Effect>) {
    let mut verification = Verification::default();
    verification.handle_silence(&mut parts.members, &mut parts.cx, &a(), at(100_000));
    (parts.status_and_stamp(A), parts.effects())
}

#[test]
fn a_member_is_dead_after_its_second_silence() {
    let mut parts = Parts::plain();
    parts.add(A, Status::Online, 10);
    parts.member(A).record_answered();
    assert_eq!(silent(&mut parts), ((Status::Online, 10), vec![]));
    let mut expected = death_effects(100_000);
    expected.push(Effect::PushToFew);
    assert_eq!(silent(&mut parts), ((Status::Dead, 100_000), expected));
}

#[test]
fn an_accused_member_is_dead_after_one_silence_with_the_stamp_of_the_accusation() {
    let mut parts = Parts::plain();
    parts.add(A, Status::Online, 10);
    parts.member(A).open_check().add(CheckReason::Accusation(Stamp(EPOCH + 30)));
    assert_eq!(silent(&mut parts), ((Status::Dead, 30), death_effects(30)));
}

#[test]
fn a_silent_entry_of_the_master_list_is_hidden() {
    let mut parts = Parts::plain();
    parts.add(A, Status::Online, 10);
    parts.member(A).mark_unconfirmed();
    assert_eq!(silent(&mut parts), ((Status::Online, 10), vec![Effect::Hide(a(), Tick(0))]));
}

#[test]
fn an_absent_server_counts_as_dead_after_three_missing_answers() {
    let mut parts = Parts::plain();
    parts.add(A, Status::Left, 10);
    parts.member(A).begin_absence();
    let stands = [silent(&mut parts), silent(&mut parts), silent(&mut parts)];
    assert_eq!(stands.map(|((status, _), _)| status), [Status::Left, Status::Left, Status::Dead]);
}

#[test]
fn a_refusal_of_a_native_server_excuses_its_probe() {
    let mut parts = Parts::native();
    parts.add_native(A, Status::Online, 7);
    let mut verification = Verification::default();
    verification.record_unproved_answer(&mut parts.members, &mut parts.cx, &a(), Route::Gossip, at(100));
    let expected = [Effect::ExcuseProbe(a()), Effect::ReportFinding(a(), Finding::Unproved)];
    assert_eq!(parts.effects(), expected);
}

#[test]
fn a_server_that_refuses_on_both_routes_is_dead_at_its_deadline() {
    let mut parts = Parts::native();
    parts.add_native(A, Status::Online, 7);
    let mut verification = Verification::default();
    for (second, route) in [(0, Route::Gossip), (15, Route::List), (30, Route::Gossip)] {
        verification.record_unproved_answer(
            &mut parts.members,
            &mut parts.cx,
            &a(),
            route,
            at(second * 1_000),
        );
    }
    let mut review =
        |second: u64| refusals::review(&mut parts.members, &mut parts.cx, &a(), at(second * 1_000));
    let asked = |second: u64| Some(Review { route: Some(Route::List), next: Tick(second * 1_000) });
    assert_eq!([review(30), review(59)], [asked(45), asked(60)]);
    assert_eq!(review(60), None);
    assert_eq!(parts.status_and_stamp(A), (Status::Dead, 60_000));
}

#[test]
fn a_claim_that_nobody_confirms_is_dropped_after_five_minutes() {
    let mut parts = Parts::plain();
    parts.add(A, Status::Online, 10);
    let key = parts.members.roster.key_of(A);
    let mut verification = Verification::default();
    verification.open_check(&mut parts.members, &parts.exchanges, &a(), CheckReason::Hearsay);
    let mut expired = |tick| Vec::from_iter(verification.take_expired(&mut parts.members, Tick(tick)));
    assert_eq!(expired(10_000), []);
    assert_eq!(expired(310_000), [key]);
    verification.drop_claim(&mut parts.members, &mut parts.cx, &a(), at(310_000));
    assert_eq!(
        (parts.status_and_stamp(A), parts.effects()),
        ((Status::Dead, 11), vec![Effect::ScheduleDrop(Stamp(EPOCH + 11))])
    );
    assert_eq!(verification.lengths(), [0; 4]);
}

#[test]
fn a_hidden_server_is_buried_after_a_second_silence_if_another_server_has_answered() {
    let mut parts = Parts::plain();
    parts.add(A, Status::Online, 10);
    let mut listings = Listings::default();
    listings.hide(&mut parts.members, &parts.exchanges, &mut parts.cx, &a(), Tick(0), at(0));
    assert_eq!(parts.effects(), [Effect::Forget(a())]);
    assert!(parts.members.roster.get(A).is_none());

    let id = parts.ask(&a(), Purpose::Inquiry);
    let exchange = parts.exchanges.in_flight.end(id).unwrap();
    let silence = Reply::Failure("timeout".into());
    let mut reply = |parts: &mut Parts| {
        listings.handle_reply(&mut parts.members, &mut parts.cx, &exchange, &silence, at(3_000))
    };
    assert_eq!(reply(&mut parts), HiddenReply::Settled);
    assert!(parts.members.hidden.blocks(A, Stamp(EPOCH + 10)), "this server's own network may be broken");

    parts.members.isolation.record_answer(Tick(2_000));
    assert_eq!(reply(&mut parts), HiddenReply::Settled);
    let mut expected = vec![Effect::ForgetHidden(a())];
    expected.append(&mut death_effects(3_000));
    expected.push(Effect::PushToFew);
    assert_eq!((parts.status_and_stamp(A), parts.effects()), ((Status::Dead, 3_000), expected));
}
