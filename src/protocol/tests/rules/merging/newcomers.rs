//! The limit of new names per sender and minute.

use std::sync::Arc;

use crate::protocol::context::output::Event;
use crate::protocol::merging::newcomers::{JOINING, MAX_ALL_NAMES, MAX_NAMES, MAX_SENDERS, Sender};
use crate::protocol::tests::support::parts::{Parts, at};
use crate::protocol::types::status::Status;
use crate::protocol::types::time::Tick;

const A: &str = "http://a/";
const B: &str = "http://b/";
const MINUTE: u64 = 60_000;
/// A time when the server has joined.
const NOW: u64 = 2 * MINUTE;

/// The parts of a server that started long ago.
fn joined() -> Parts {
    let mut parts = Parts::native();
    parts.merging.newcomers.record_start(Tick(0));
    parts
}

fn asked(url: &str) -> Sender {
    Sender::Asked(url.into())
}

fn claimed(url: &str) -> Sender {
    Sender::Claimed(url.into())
}

/// The number of new names that are admitted, of this many at this time.
fn admitted(parts: &mut Parts, sender: Sender, names: u64, tick: u64) -> u64 {
    parts.merging.newcomers.set_sender(sender);
    let Parts { merging, members, cx, .. } = parts;
    (0..names).map(|_| u64::from(merging.newcomers.admit(members, cx, at(tick)))).sum()
}

fn warnings(parts: &mut Parts) -> Vec<String> {
    let events = std::iter::from_fn(|| parts.cx.events.pop_front());
    let text = |event| match event {
        Event::Log { message, .. } => Some(message),
        _ => None,
    };
    events.filter_map(text).collect()
}

#[test]
fn a_sender_may_name_as_many_new_servers_again_after_a_minute() {
    for sender in [asked(A), claimed(A), Sender::Unnamed] {
        let mut parts = joined();
        assert_eq!(admitted(&mut parts, sender.clone(), MAX_NAMES + 5, NOW), MAX_NAMES);
        assert_eq!(admitted(&mut parts, sender.clone(), 500, NOW + 600), 100);
        assert_eq!(admitted(&mut parts, sender, MAX_NAMES + 5, NOW + 600 + MINUTE), MAX_NAMES);
    }
}

#[test]
fn senders_do_not_use_up_each_others_limit() {
    let mut parts = joined();
    assert_eq!(admitted(&mut parts, asked(A), MAX_NAMES + 5, NOW), MAX_NAMES);
    assert_eq!(admitted(&mut parts, Sender::Unnamed, MAX_NAMES + 5, NOW), MAX_NAMES);
    assert_eq!(admitted(&mut parts, asked(B), 10, NOW), 10);
}

#[test]
fn all_senders_together_have_a_limit() {
    let mut parts = joined();
    let of = |parts: &mut Parts, index| admitted(parts, asked(&format!("http://n{index}/")), MAX_NAMES, NOW);
    let names: u64 = (0..9).map(|index| of(&mut parts, index)).sum();
    assert_eq!(names, MAX_ALL_NAMES);
    assert_eq!(admitted(&mut parts, Sender::Itself, 1, NOW), 0);
    assert_eq!(admitted(&mut parts, Sender::Trusted, 1, NOW), 1, "the master list has no limit");
}

#[test]
fn fabricated_senders_share_one_limit_but_one_that_has_answered_has_its_own() {
    let mut parts = joined();
    parts.add_native(A, Status::Online, 7);
    let fabricated =
        |parts: &mut Parts, index| admitted(parts, claimed(&format!("http://n{index}/")), 100, NOW);
    let names: u64 = (0..1_000).map(|index| fabricated(&mut parts, index)).sum();
    assert_eq!(names, MAX_NAMES);
    assert_eq!(admitted(&mut parts, claimed(A), 10, NOW), 0, "it has not answered");
    parts.member(A).record_answered();
    assert_eq!(admitted(&mut parts, claimed("HTTP://A:80"), 10, NOW), 10);
}

#[test]
fn a_sender_is_admitted_even_if_the_names_in_its_message_exceed_the_limit() {
    let mut parts = joined();
    assert_eq!(admitted(&mut parts, claimed(A), MAX_NAMES + 5, NOW), MAX_NAMES);
    assert_eq!(admitted(&mut parts, Sender::Itself, 1, NOW), 1);
}

#[test]
fn a_joiner_takes_any_number_of_names_from_answers_and_plain_requests() {
    let mut parts = Parts::native();
    let many = 3 * MAX_ALL_NAMES;
    for sender in [asked(A), Sender::Unnamed] {
        assert_eq!(admitted(&mut parts, sender, many, NOW), many, "it is starting");
    }
    assert_eq!(admitted(&mut parts, claimed(A), many, NOW), MAX_NAMES, "nobody asked for these");
    parts.merging.newcomers.record_start(Tick(NOW));
    let end = NOW + u64::try_from(JOINING.as_millis()).unwrap();
    for sender in [asked(A), Sender::Unnamed] {
        assert_eq!(admitted(&mut parts, sender.clone(), many, end - 1), many, "it has just started");
        assert_eq!(admitted(&mut parts, sender, many, end), MAX_NAMES);
    }
}

#[test]
fn a_bucket_in_use_is_never_dropped_and_their_number_is_limited() {
    let mut parts = joined();
    assert_eq!(admitted(&mut parts, asked(A), MAX_NAMES, NOW), MAX_NAMES);
    for index in 0..2 * MAX_SENDERS {
        assert_eq!(admitted(&mut parts, asked(&format!("http://n{index}/")), 2, NOW), 2);
        assert!(parts.merging.newcomers.len() <= MAX_SENDERS);
    }
    assert_eq!(admitted(&mut parts, asked(A), 1, NOW), 0);
    // Most buckets are full again soon.
    assert_eq!(admitted(&mut parts, asked(B), 1, NOW + 1_000), 1);
    assert_eq!(parts.merging.newcomers.len(), 2);
    assert_eq!(admitted(&mut parts, asked(A), MAX_NAMES, NOW + 1_000), 166);
}

#[test]
fn surplus_names_cause_one_warning_a_minute_with_the_sender() {
    let mut parts = joined();
    admitted(&mut parts, asked(A), MAX_NAMES + 5, NOW);
    admitted(&mut parts, Sender::Unnamed, MAX_NAMES + 5, NOW + 1);
    let [warning] = &warnings(&mut parts)[..] else { panic!("one warning") };
    assert!(warning.ends_with("the latest come from http://a/"), "{warning}");
    admitted(&mut parts, Sender::Unnamed, 2 * MAX_NAMES, NOW + MINUTE);
    let [warning] = &warnings(&mut parts)[..] else { panic!("another warning") };
    assert!(warning.ends_with("senders that it does not know"), "{warning}");
}

#[test]
fn a_full_roster_takes_no_new_servers_and_says_so_once_an_hour() {
    let mut parts = Parts::of_at_most(100);
    for index in 0..100 {
        parts.add(&format!("http://n{index}/"), Status::Online, 0);
    }
    for tick in [NOW, NOW + MINUTE, NOW + 59 * MINUTE] {
        assert_eq!(admitted(&mut parts, Sender::Trusted, 50, tick), 0);
    }
    let [warning] = &warnings(&mut parts)[..] else { panic!("one warning") };
    assert!(warning.contains("it knows 100,") && warning.contains("raise SHAZBOT_MAX_SERVERS"), "{warning}");
    assert_eq!(admitted(&mut parts, Sender::Trusted, 1, NOW + 60 * MINUTE), 0);
    assert_eq!(warnings(&mut parts).len(), 1);
    let gone: Arc<str> = "http://n7/".into();
    parts.members.roster.remove(&gone, at(NOW));
    assert_eq!(admitted(&mut parts, Sender::Trusted, 1, NOW), 1);
}
