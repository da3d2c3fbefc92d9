//! Suspicions: the time that a silent server has to refute, and its death afterwards.

use std::sync::Arc;

use crate::protocol::context::effect::Effect;
use crate::protocol::context::timers::Timer;
use crate::protocol::members::roster::digest::short_name;
use crate::protocol::tests::support::parts::{Parts, at};
use crate::protocol::tests::support::world::EPOCH;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Stamp, Tick};

const A: &str = "http://a/";

fn a() -> Arc<str> {
    A.into()
}

/// A server among this many others, including A, all of which have answered.
fn among(others: usize) -> Parts {
    let mut parts = Parts::native();
    let urls = (1..others).map(|number| format!("http://n{number}/")).chain([A.to_owned()]);
    for url in urls {
        let identity = parts.add_native(&url, Status::Online, 1);
        parts.member(&identity).record_answered();
    }
    parts
}

fn suspect(parts: &mut Parts, helpers: &[&str], tick: u64) {
    let helpers: Vec<Arc<str>> = helpers.iter().map(|helper| Arc::from(*helper)).collect();
    let Parts { detection, members, exchanges, cx, .. } = parts;
    detection.suspect(members, exchanges, cx, &a(), &helpers, at(tick));
}

/// Ends the suspicions that are due; returns the status of A, and the effects.
fn review(parts: &mut Parts, tick: u64) -> (Status, Vec<Effect>) {
    let Parts { detection, members, exchanges, cx, .. } = parts;
    for identity in members.roster.take_due_suspects(Tick(tick)) {
        detection.review_suspicion(members, exchanges, cx, &identity, at(tick));
    }
    (parts.status_and_stamp(A).0, parts.effects())
}

/// The effects of a death with this stamp.
fn death_effects(stamp: u64) -> Vec<Effect> {
    vec![
        Effect::ScheduleDrop(Stamp(EPOCH + stamp)),
        Effect::SendDeathNotices,
        Parts::spread(A),
        Effect::PushToFew,
    ]
}

#[test]
fn a_suspect_is_notified_and_dies_at_its_deadline() {
    let mut parts = among(9);
    suspect(&mut parts, &[], 1_000);
    assert_eq!((parts.status_and_stamp(A).0, parts.effects()), (Status::Suspect, vec![]));
    assert_eq!((parts.exchanges.rumours.len(), parts.cx.transmits.len()), (1, 1));
    assert_eq!(parts.cx.timers.get(Timer::Suspicion), Some(Tick(13_000)));
    assert_eq!(review(&mut parts, 12_999), (Status::Suspect, vec![]));
    assert_eq!(review(&mut parts, 13_000), (Status::Dead, death_effects(13_000)));
}

#[test]
fn confirmations_shorten_a_suspicion() {
    let mut parts = among(9);
    suspect(&mut parts, &[], 1_000);
    suspect(&mut parts, &["http://n1/", "http://n2/"], 2_000);
    assert_eq!(parts.cx.timers.get(Timer::Suspicion), Some(Tick(3_000)));
}

#[test]
fn a_known_confirmation_changes_nothing() {
    let mut parts = among(9);
    suspect(&mut parts, &["http://n1/"], 1_000);
    let before = (parts.cx.transmits.len(), parts.cx.timers.get(Timer::Suspicion));
    suspect(&mut parts, &["http://n1/"], 2_000);
    assert_eq!((parts.cx.transmits.len(), parts.cx.timers.get(Timer::Suspicion)), before);
}

#[test]
fn a_fourth_accuser_notifies_the_suspect_but_is_no_news() {
    let mut parts = among(9);
    let accusers = [u32::MAX - 2, u32::MAX - 1, u32::MAX].into_iter().collect();
    let slot = parts.members.roster.slot_of(A).unwrap();
    parts.members.roster.begin_suspicion_at(slot, accusers, at(1_000));
    suspect(&mut parts, &[], 2_000);
    let own_name = short_name("http://me/");
    assert_eq!(parts.members.roster.suspicion_of(A).unwrap().accusers.iter().next(), Some(own_name));
    assert_eq!((parts.exchanges.rumours.len(), parts.cx.timers.get(Timer::Suspicion)), (0, None));
    assert_eq!(parts.cx.transmits.len(), 1);
}

#[test]
fn a_server_that_has_become_slow_gives_its_suspects_more_time() {
    let mut parts = among(9);
    suspect(&mut parts, &[], 1_000);
    parts.exchanges.health.worsen();
    assert_eq!(review(&mut parts, 13_000), (Status::Suspect, vec![]));
    assert_eq!(review(&mut parts, 25_000), (Status::Dead, death_effects(25_000)));
}

#[test]
fn a_refutation_in_time_ends_the_suspicion() {
    let mut parts = among(9);
    suspect(&mut parts, &[], 1_000);
    parts.members.roster.transition(A, Status::Online, at(2_000));
    parts.members.roster.clear_suspicion(A);
    assert_eq!(review(&mut parts, 13_000), (Status::Online, vec![]));
    assert_eq!(parts.members.roster.review_count(), 0);
}

#[test]
fn the_third_unconfirmed_death_is_held_back() {
    let mut parts = among(9);
    for buried in ["http://n1/", "http://n2/"] {
        parts.members.isolation.record_burial(&buried.into(), Tick(12_000));
    }
    suspect(&mut parts, &[], 1_000);
    assert_eq!(review(&mut parts, 13_000), (Status::Suspect, vec![]));
    parts.members.isolation.end();
    assert_eq!(review(&mut parts, 14_000), (Status::Dead, death_effects(14_000)));
}
