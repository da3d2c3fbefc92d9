//! Which legacy peers a server contacts: in rounds, with news, and with death notices.

use crate::protocol::context::timers::Timer;
use crate::protocol::context::{Context, RunState};
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::legacy::death_notices::{Contact, DeathNotices};
use crate::protocol::legacy::push::{LegacyPush, Reach};
use crate::protocol::legacy::rounds::{RoundFailure, Rounds};
use crate::protocol::tests::support::parts::{Parts, at};
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::Tick;

const A: &str = "http://a/";
const B: &str = "http://b/";
/// Maximum requests of a native server in flight to legacy peers.
const ROOM: usize = 16;

fn running(mut parts: Parts) -> Parts {
    parts.cx.run_state = RunState::Running;
    parts
}

#[test]
fn a_round_goes_to_an_online_peer_that_is_not_busy() {
    let mut parts = running(Parts::plain());
    let a = parts.add(A, Status::Online, 0);
    parts.add("http://dead/", Status::Dead, 0);
    let mut rounds = Rounds::default();
    let mut choose = |parts: &Parts| {
        let mut cx = Context::new(parts.cx.config.clone(), 1);
        rounds.choose_peer(&parts.members, &parts.exchanges, &mut cx, Tick(0))
    };
    assert_eq!(choose(&parts), Some(a.clone()));
    parts.ask(&a, Purpose::Push);
    assert_eq!(choose(&parts), None);
}

#[test]
fn the_second_failure_of_a_round_counts_as_silence() {
    let mut parts = running(Parts::plain());
    let [a, b] = [A, B].map(|url| parts.add(url, Status::Online, 0));
    let mut rounds = Rounds::default();
    rounds.begin(a.clone());
    let failures =
        [&b, &a, &a].map(|peer| rounds.record_failure(&mut parts.members, &mut parts.cx, peer, at(0)));
    assert_eq!(failures, [RoundFailure::Stale, RoundFailure::First, RoundFailure::Second]);
    assert!(parts.member(A).check().is_some() && parts.member(B).check().is_none());
    assert_eq!(parts.cx.timers.get(Timer::SecondTry), Some(Tick(3_000)));
}

#[test]
fn a_busy_peer_is_sent_news_after_its_exchange() {
    let mut parts = running(Parts::plain());
    let [a, b] = [A, B].map(|url| parts.add(url, Status::Online, 0));
    parts.ask(&a, Purpose::Round);
    let mut push = LegacyPush::default();
    push.request(&mut parts.cx, Reach::Many, Tick(0));
    assert_eq!(parts.cx.timers.get(Timer::Push), Some(Tick(15)));
    let targets = push.take_targets(&parts.members, &mut parts.exchanges, &mut parts.cx, Tick(15));
    assert_eq!(targets, std::slice::from_ref(&b));
    assert!(push.take_deferred(&parts.members, &a) && !push.take_deferred(&parts.members, &a));
    assert!(!push.take_deferred(&parts.members, &b));
}

/// Leaves room for this number of requests to legacy peers.
fn leave_room(parts: &mut Parts, room: usize) -> Vec<ExchangeId> {
    let ask = |number| {
        let peer = parts.add(&format!("http://busy-{number}/"), Status::Dead, 0);
        parts.ask(&peer, Purpose::Inquiry)
    };
    (0..ROOM - room).map(ask).collect()
}

#[test]
fn a_native_server_pushes_only_to_legacy_peers_and_within_the_limit() {
    let mut parts = running(Parts::native());
    let legacies = [A, B].map(|url| parts.add(url, Status::Online, 0));
    parts.add_native("http://native/", Status::Online, 7);
    let requests = leave_room(&mut parts, 1);
    let mut push = LegacyPush::default();
    push.request(&mut parts.cx, Reach::Many, Tick(0));
    let mut targets = push.take_targets(&parts.members, &mut parts.exchanges, &mut parts.cx, Tick(15));
    assert_eq!(targets.len(), 1);
    requests.into_iter().for_each(|id| drop(parts.exchanges.in_flight.end(id)));
    targets.extend(push.take_targets(&parts.members, &mut parts.exchanges, &mut parts.cx, Tick(165)));
    targets.sort_unstable();
    assert_eq!(targets, legacies);
}

/// The contact after a death, or without one.
fn contact(mut parts: Parts, notices: &mut DeathNotices) -> Option<Contact> {
    notices.choose_contact(&parts.members, &parts.exchanges, &mut parts.cx, Tick(5_000))
}

#[test]
fn a_death_notice_is_sent_to_a_legacy_peer_if_there_is_room() {
    let among_legacies = || {
        let mut parts = running(Parts::native());
        parts.add(A, Status::Online, 0);
        parts
    };
    let mut notices = DeathNotices::default();
    assert_eq!(contact(among_legacies(), &mut notices), None, "there is no news");
    notices.record_missed(Tick(0));
    assert_eq!(contact(among_legacies(), &mut notices), None, "an old claim alone is no news");
    let mut parts = among_legacies();
    notices.record_death(&parts.members, &mut parts.cx, Tick(0));
    assert!(parts.cx.timers.get(Timer::DeathNotices) < Some(Tick(1_000)));
    leave_room(&mut parts, 0);
    assert_eq!(contact(parts, &mut notices), None, "there is no room");
    assert_eq!(contact(among_legacies(), &mut notices), Some(Contact::Notify(A.into())));
}

#[test]
fn without_news_a_native_server_among_many_legacy_peers_asks_for_their_lists() {
    let mut parts = running(Parts::native());
    for number in 0..200 {
        parts.add(&format!("http://legacy-{number}/"), Status::Online, 0);
    }
    let contact = contact(parts, &mut DeathNotices::default());
    assert!(matches!(contact, Some(Contact::Check(_))), "{contact:?}");
}
