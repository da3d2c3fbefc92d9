//! Rules of start and leave: greetings, doubts about its own reachability, retention, reconnects.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::protocol::context::RunState;
use crate::protocol::context::config::LegacyPolicy;
use crate::protocol::context::effect::Effect;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::in_flight::{Exchange, Purpose};
use crate::protocol::lifecycle::Lifecycle;
use crate::protocol::lifecycle::own_url::OwnUrl;
use crate::protocol::lifecycle::retention::Due;
use crate::protocol::lifecycle::{reconnect, retention, revision};
use crate::protocol::members::member::proof::Proof;
use crate::protocol::tests::support::parts::{Parts, at};
use crate::protocol::tests::support::world::config;
use crate::protocol::types::accusers::Accusers;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::Tick;
use crate::protocol::wire::document::Document;
use crate::protocol::wire::message::Reply;

const A: &str = "http://a/";
const B: &str = "http://b/";
const HOUR: u64 = 60 * 60 * 1_000;

/// The claim that these native servers suspect this server.
fn accusation(parts: &Parts, accusers: &[u32]) -> Claim {
    let accusers: Accusers = accusers.iter().copied().collect();
    Claim { status: Status::Suspect, accusers, ..parts.members.local.claim() }
}

/// The parts of a native server and the state of its own URL. It is running and was last reached at
/// 1 s.
fn running() -> (Parts, OwnUrl) {
    let mut parts = Parts::native();
    parts.cx.run_state = RunState::Running;
    let mut own_url = OwnUrl::default();
    own_url.record_request(&mut parts.members, &mut parts.exchanges, &mut parts.cx, at(1_000));
    assert_eq!(parts.effects(), []);
    (parts, own_url)
}

/// Whether the server does not refute an accusation at once.
fn awaits_check(parts: &mut Parts, own_url: &mut OwnUrl, accusers: &[u32], tick: u64) -> bool {
    let claim = accusation(parts, accusers);
    own_url.begin_check_if_accused(&mut parts.members, &mut parts.exchanges, &mut parts.cx, &claim, at(tick))
}

/// The id of the request to its own URL in flight.
fn asked(parts: &Parts) -> Option<ExchangeId> {
    let is_asked = |exchange: &Exchange| exchange.purpose == Purpose::OwnUrl;
    parts.exchanges.in_flight.iter().find(|(_, exchange)| is_asked(exchange)).map(|(id, _)| id)
}

#[test]
fn two_accusers_make_a_server_ask_its_own_url() {
    let (mut parts, mut own_url) = running();
    assert!(!awaits_check(&mut parts, &mut own_url, &[1], 2_000));
    assert!(!awaits_check(&mut parts, &mut own_url, &[1, 2], 1_000), "a request just now may disprove it");
    assert_eq!(asked(&parts), None);
    assert!(awaits_check(&mut parts, &mut own_url, &[1, 2], 2_000));
    assert!(asked(&parts).is_some());
    assert!(awaits_check(&mut parts, &mut own_url, &[1], 3_000), "until the check is over");
}

#[test]
fn a_server_that_was_never_reached_refutes_at_once() {
    let (mut parts, _) = running();
    assert!(!awaits_check(&mut parts, &mut OwnUrl::default(), &[1, 2], 2_000));
}

#[test]
fn an_unreachable_server_refutes_when_it_is_reached() {
    let (mut parts, mut own_url) = running();
    assert!(awaits_check(&mut parts, &mut own_url, &[1, 2], 2_000));
    let id = asked(&parts).unwrap();
    let reply = Reply::NoListener("refused".into());
    let Parts { members, exchanges, cx, .. } = &mut parts;
    own_url.record_answer(members, exchanges, cx, ExchangeId(0), &reply, at(9_000));
    assert!(!own_url.is_unreachable(), "an answer to another request");
    own_url.record_answer(members, exchanges, cx, id, &reply, at(9_000));
    assert!(own_url.is_unreachable());
    let held = members.local.incarnation();
    own_url.record_request(members, exchanges, cx, at(10_000));
    assert!(!own_url.is_unreachable());
    assert_eq!(members.local.incarnation(), held.next());
    assert_eq!(parts.effects(), [Parts::spread("http://me/"), Effect::PushToFew]);
}

#[test]
fn a_start_waits_for_its_greetings_and_less_for_overdue_entries() {
    let mut parts = Parts::plain();
    let peer = parts.add(A, Status::Online, 0);
    let old = parts.add(B, Status::Online, 0);
    parts.member(B).mark_unconfirmed();
    let now = at(HOUR);
    let greetings = [parts.ask(&peer, Purpose::Greeting), parts.ask(&old, Purpose::Greeting)];
    let mut lifecycle = Lifecycle::new(&config("http://me/"));
    let Parts { members, exchanges, cx, .. } = &mut parts;
    lifecycle.begin_greeting(members, exchanges, cx, BTreeSet::from(greetings), now);
    assert_eq!(cx.timers.get(Timer::Bootstrap), Some(Tick(HOUR + 1_500)));
    assert_eq!(lifecycle.take_overdue(members, exchanges, now), Some(vec![greetings[1]]));
    assert_eq!(lifecycle.take_overdue(members, exchanges, now), None, "once");
    assert!(!lifecycle.end_greetings(&[greetings[1]]));
    assert!(lifecycle.end_greetings(&[greetings[0]]));
}

#[test]
fn tombstones_expire_and_online_servers_grow_stale_after_a_day() {
    let mut parts = Parts::plain();
    parts.add(A, Status::Dead, 0);
    parts.add(B, Status::Online, 0);
    let [a, b] = [A, B].map(|identity| parts.members.roster.key_of(identity));
    let mut find_due = |tick| {
        let Due { expired, stale } = retention::find_due(&mut parts.members, &mut parts.cx, at(tick));
        [expired, stale].map(Vec::from_iter)
    };
    assert_eq!(find_due(23 * HOUR), [vec![], vec![]]);
    assert_eq!(find_due(24 * HOUR), [vec![a], vec![b]]);
}

#[test]
fn only_dead_servers_are_retried() {
    let mut parts = Parts::plain();
    let tried = |parts: &mut Parts| -> BTreeSet<Arc<str>> {
        (0..50).filter_map(|_| reconnect::pick(&parts.members, &mut parts.cx, Tick(0))).collect()
    };
    parts.add(B, Status::Left, 0);
    assert_eq!(tried(&mut parts), BTreeSet::new());
    let dead = parts.add(A, Status::Dead, 0);
    assert_eq!(tried(&mut parts), BTreeSet::from([dead]));
}

#[test]
fn hearsay_gets_onto_the_master_list_only_under_allow() {
    for (policy, urls) in [(LegacyPolicy::Allow, 3), (LegacyPolicy::Known, 2), (LegacyPolicy::Off, 2)] {
        let mut parts = Parts::native();
        parts.cx.config.legacy = policy;
        parts.add_native(A, Status::Online, 1);
        parts.add_native(B, Status::Online, 1);
        parts.member(B).prove(Proof::Exchange);
        let document = Document::read(200, None, br#"{"online":[]}"#).unwrap();
        let entries = revision::revise(&parts.members, &parts.cx, &document, at(0)).unwrap();
        assert_eq!(entries.len(), urls, "{policy:?}");
    }
}
