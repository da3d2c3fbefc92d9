//! What follows where a native server does not answer, as one message that got lost looks the same.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::native_rig::{Said, TARGET, found, machine, native, now, said, status_of, urls, word_of};
use crate::protocol::extension::{Extension, Finding, Kind};
use crate::protocol::machine::Machine;
use crate::protocol::member::Status;
use crate::protocol::message::Reply;

fn cluster() -> Machine {
    machine(Some(Duration::from_secs(1)), urls(9).map(|url| native(&url)).chain([native(TARGET)]))
}

fn answer(machine: &mut Machine, tick: u64, said: &Said) {
    machine.handle_reply(now(tick), said.id, &Reply::Native(Box::new(word_of(&said.to))));
}

fn leave_unanswered(machine: &mut Machine, tick: u64, said: &Said) {
    machine.handle_reply(now(tick), said.id, &Reply::Failure("timed out".to_owned()));
}

/// What is said once the target has not answered its probe, while all others answer.
fn said_once_the_target_is_silent(machine: &mut Machine) -> (u64, Vec<Said>) {
    loop {
        let tick = machine.poll_timeout().unwrap().0;
        machine.handle_timeout(now(tick));
        for message in said(machine) {
            match message {
                Said { ref to, kind: Some(Kind::Probe), .. } if &**to == TARGET => {
                    leave_unanswered(machine, tick, &message);
                    return (tick, said(machine));
                }
                _ => answer(machine, tick, &message),
            }
        }
    }
}

fn helpers_of(said: &[Said]) -> Vec<Arc<str>> {
    let is_helper = |said: &&Said| matches!(said.kind, Some(Kind::ProbeFor(_)));
    said.iter().filter(is_helper).map(|helper| Arc::clone(&helper.to)).collect()
}

#[test]
fn one_that_is_silent_is_asked_once_more_beside_the_helpers() {
    let mut machine = cluster();
    let (tick, said) = said_once_the_target_is_silent(&mut machine);
    let helpers = helpers_of(&said);
    assert_eq!(helpers.len(), 3);
    let again: Vec<&Said> = said.iter().filter(|said| &*said.to == TARGET).collect();
    assert!(matches!(again[..], [Said { kind: Some(Kind::Probe), .. }]));
    answer(&mut machine, tick + 2, again[0]);
    for helper in helpers {
        machine.handle_native_request(now(tick + 3), &found(&helper, Finding::Silent));
    }
    assert_eq!(status_of(&machine, TARGET), Status::Online);
}

#[test]
fn where_many_messages_get_lost_others_are_asked_before_anybody_is_suspected() {
    for are_many_lost in [false, true] {
        let mut machine = cluster();
        let (tick, mut said_now) = said_once_the_target_is_silent(&mut machine);
        if are_many_lost {
            (0..64).for_each(|_| machine.health.losses.missed());
        }
        for is_second_time in [false, true] {
            let status = if is_second_time && !are_many_lost { Status::Suspect } else { Status::Online };
            assert_eq!(status_of(&machine, TARGET), status);
            let helpers = helpers_of(&said_now);
            assert_eq!(helpers.len(), if status == Status::Online { 3 } else { 0 });
            said_now.iter().for_each(|message| leave_unanswered(&mut machine, tick + 2, message));
            said(&mut machine);
            for helper in helpers {
                machine.handle_native_request(now(tick + 3), &found(&helper, Finding::Silent));
            }
            said_now = said(&mut machine);
        }
        assert_eq!(status_of(&machine, TARGET), Status::Suspect);
    }
}

#[test]
fn a_push_that_gets_lost_troubles_no_helpers_and_its_target_is_probed_soon() {
    let mut machine = cluster();
    let news = native("http://news/");
    machine.handle_native_request(now(10), &Extension { claims: vec![news], ..word_of("http://n0/") });
    let mut told = BTreeSet::new();
    let mut probed = BTreeSet::new();
    while let Some(at) = machine.poll_timeout().filter(|at| at.0 < 12_000) {
        machine.handle_timeout(now(at.0));
        for message in said(&mut machine) {
            match message.kind {
                Some(Kind::Push) if told.len() < 3 => {
                    told.insert(Arc::clone(&message.to));
                    leave_unanswered(&mut machine, at.0, &message);
                    assert!(said(&mut machine).is_empty(), "nobody is asked about {}", message.to);
                    continue;
                }
                Some(Kind::Probe) if at.0 < 5_000 => drop(probed.insert(Arc::clone(&message.to))),
                _ => {}
            }
            answer(&mut machine, at.0, &message);
        }
    }
    assert_eq!(told.len(), 3);
    assert!(probed.is_superset(&told), "{told:?} were told, {probed:?} probed");
}
