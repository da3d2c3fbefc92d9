//! Investigations: what this server and its helpers find about a server that did not answer.

use std::sync::Arc;

use crate::protocol::context::effect::Effect;
use crate::protocol::context::output::Transmit;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::members::member::proof::Proof;
use crate::protocol::native::detection::helpers::HelperReport;
use crate::protocol::tests::support::parts::{Parts, at};
use crate::protocol::tests::support::world::EPOCH;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Stamp, Tick};
use crate::protocol::wire::extension::{Finding, Kind};

const TARGET: &str = "http://target/";

fn target() -> Arc<str> {
    TARGET.into()
}

/// A server with the target and this many helpers, all added a minute ago. All have answered.
fn among(helpers: usize) -> Parts {
    let mut parts = Parts::native();
    let urls = (0..helpers).map(|number| format!("http://n{number}/")).chain([TARGET.to_owned()]);
    for url in urls {
        let identity = parts.add_native(&url, Status::Online, 1);
        parts.member(&identity).record_answered();
        parts.member(&identity).prove(Proof::Exchange);
    }
    parts
}

/// A probe of the target fails.
fn fail(parts: &mut Parts, finding: Finding, tick: u64) {
    let Parts { detection, members, exchanges, cx, .. } = parts;
    detection.probe_failed(members, exchanges, cx, &target(), finding, at(tick));
}

/// Answers the requests sent since the last call, and returns their receivers and kinds.
fn sent(parts: &mut Parts) -> Vec<(Arc<str>, Kind)> {
    let mut sent = Vec::new();
    while let Some(transmit) = parts.cx.transmits.pop_front() {
        if let Transmit::Gossip { id, base_url, extension: Some(extension), .. } = transmit {
            parts.exchanges.in_flight.end(id);
            sent.push((base_url, extension.kind.clone()));
        }
    }
    sent
}

/// The helpers that were asked.
fn helpers(parts: &mut Parts) -> Vec<Arc<str>> {
    let is_asked = |(_, kind): &(Arc<str>, Kind)| *kind == Kind::ProbeFor(target());
    sent(parts).into_iter().filter(is_asked).map(|(helper, _)| helper).collect()
}

fn report(parts: &mut Parts, helper: &Arc<str>, finding: Finding, tick: u64) {
    let Parts { detection, members, exchanges, cx, .. } = parts;
    let report = HelperReport { helper, target: &target(), finding };
    detection.handle_finding(members, exchanges, cx, report, at(tick));
}

/// Lets time pass until then.
fn wait(parts: &mut Parts, tick: u64) {
    let Parts { detection, members, exchanges, cx, .. } = parts;
    for peer in detection.investigations.due(Tick(tick)) {
        detection.continue_investigation(members, exchanges, cx, &peer, at(tick));
    }
    detection.investigations.schedule(cx, Tick(tick));
}

/// The status of the target, and the effects.
fn outcome(parts: &mut Parts) -> (Status, Vec<Effect>) {
    (parts.status_and_stamp(TARGET).0, parts.effects())
}

fn death_effects(stamp: u64) -> Vec<Effect> {
    vec![
        Effect::ScheduleDrop(Stamp(EPOCH + stamp)),
        Effect::SendDeathNotices,
        Parts::spread(TARGET),
        Effect::PushToFew,
    ]
}

#[test]
fn three_helpers_are_asked_and_a_silent_target_is_notified() {
    let mut parts = among(9);
    fail(&mut parts, Finding::Silent, 60_000);
    let sent = sent(&mut parts);
    assert_eq!(sent[0], (target(), Kind::Probe));
    assert!(sent[1..].iter().all(|(_, kind)| *kind == Kind::ProbeFor(target())));
    assert_eq!(sent.len(), 4);
    assert_eq!(parts.cx.timers.get(Timer::Investigations), Some(Tick(61_000)));
    assert_eq!(outcome(&mut parts), (Status::Online, vec![]));
}

#[test]
fn a_target_that_refuses_this_server_and_a_helper_is_dead_after_a_second_probe() {
    let mut parts = among(9);
    fail(&mut parts, Finding::PortClosed, 60_000);
    let asked = helpers(&mut parts);
    for (helper, finding) in asked.iter().zip([Finding::Silent, Finding::PortClosed, Finding::Silent]) {
        report(&mut parts, helper, finding, 60_100);
    }
    assert_eq!(parts.cx.timers.get(Timer::Investigations), Some(Tick(60_350)));
    wait(&mut parts, 60_350);
    assert_eq!(sent(&mut parts), [(target(), Kind::Probe)]);
    assert_eq!(outcome(&mut parts), (Status::Online, vec![]));
    fail(&mut parts, Finding::PortClosed, 60_360);
    assert_eq!(outcome(&mut parts), (Status::Dead, death_effects(60_360)));
}

#[test]
fn silence_makes_a_suspect_accused_by_the_helpers_that_found_it_silent() {
    let mut parts = among(9);
    fail(&mut parts, Finding::Silent, 60_000);
    let asked = helpers(&mut parts);
    for (helper, finding) in asked.iter().zip([Finding::Silent, Finding::Unproved, Finding::Silent]) {
        report(&mut parts, helper, finding, 60_100);
    }
    assert_eq!(outcome(&mut parts), (Status::Suspect, vec![]));
    assert_eq!(parts.members.roster.suspicion_of(TARGET).unwrap().accusers.len(), 3);
    assert!(!parts.detection.investigations.is_open(TARGET));
}

#[test]
fn a_helper_that_reaches_it_ends_the_investigation_and_worsens_local_health() {
    let mut parts = among(9);
    fail(&mut parts, Finding::PortClosed, 60_000);
    let asked = helpers(&mut parts);
    report(&mut parts, &asked[0], Finding::Alive, 60_100);
    assert!(!parts.detection.investigations.is_open(TARGET));
    assert_eq!(parts.exchanges.health.stretch(), 2.0);
    assert_eq!(outcome(&mut parts), (Status::Online, vec![]));
}

#[test]
fn only_helpers_that_were_asked_count_and_each_once() {
    let mut parts = among(9);
    fail(&mut parts, Finding::PortClosed, 60_000);
    let asked = helpers(&mut parts);
    report(&mut parts, &"http://stranger/".into(), Finding::Alive, 60_100);
    for _ in 0..3 {
        report(&mut parts, &asked[0], Finding::Silent, 60_100);
    }
    assert!(parts.detection.investigations.is_open(TARGET));
    assert_eq!(outcome(&mut parts), (Status::Online, vec![]));
}

#[test]
fn without_helpers_a_server_trusts_its_own_second_probe() {
    let mut parts = among(0);
    fail(&mut parts, Finding::PortClosed, 60_000);
    assert_eq!(sent(&mut parts), []);
    wait(&mut parts, 63_000);
    assert_eq!(sent(&mut parts), [(target(), Kind::Probe)]);
    fail(&mut parts, Finding::PortClosed, 63_010);
    assert_eq!(outcome(&mut parts), (Status::Dead, death_effects(63_010)));
}

#[test]
fn at_a_high_loss_rate_other_helpers_are_asked_once() {
    let mut parts = among(9);
    (0..64).for_each(|_| parts.exchanges.health.record_loss());
    fail(&mut parts, Finding::Silent, 60_000);
    assert_eq!(helpers(&mut parts).len(), 3);
    wait(&mut parts, 61_000);
    assert_eq!(helpers(&mut parts).len(), 3);
    assert_eq!(outcome(&mut parts), (Status::Online, vec![]));
    wait(&mut parts, 62_000);
    assert_eq!(outcome(&mut parts), (Status::Suspect, vec![]));
}

#[test]
fn a_server_added_recently_is_probed_again_before_helpers_are_asked() {
    let mut parts = among(9);
    parts.member(TARGET).clear_answered();
    fail(&mut parts, Finding::Silent, 2_000);
    assert_eq!(sent(&mut parts), []);
    assert_eq!(parts.cx.timers.get(Timer::Investigations), Some(Tick(3_000)));
}

#[test]
fn a_new_incarnation_ends_an_investigation() {
    let mut parts = among(9);
    fail(&mut parts, Finding::Silent, 60_000);
    parts.members.roster.adopt_incarnation(TARGET, Incarnation(2));
    wait(&mut parts, 61_000);
    assert!(!parts.detection.investigations.is_open(TARGET));
    assert_eq!(outcome(&mut parts), (Status::Online, vec![]));
}

#[test]
fn the_finding_of_a_relayed_probe_is_reported() {
    let mut parts = among(3);
    let asker: Arc<str> = "http://n0/".into();
    let Parts { detection, members, exchanges, cx, .. } = &mut parts;
    detection.relays.probe(members, exchanges, cx, &asker, &target(), at(60_000));
    assert_eq!(exchanges.in_flight.count(|purpose| purpose == Purpose::Relay), 1);
    assert_eq!(sent(&mut parts), [(target(), Kind::Probe)]);
    fail(&mut parts, Finding::Silent, 60_400);
    assert_eq!(sent(&mut parts), [(asker, Kind::Push)]);
    assert!(!parts.detection.investigations.is_open(TARGET), "the asker continues the investigation");
}
