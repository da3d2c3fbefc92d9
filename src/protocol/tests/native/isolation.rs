//! Rule "Isolation": if a server alone would declare many others dead, the fault is more likely its
//! own.

use std::sync::Arc;

use crate::protocol::machine::Machine;
use crate::protocol::tests::support::native_rig::{
    extension_of, machine, native, now, status_of, take_messages, urls,
};
use crate::protocol::types::status::Status;
use crate::protocol::wire::message::Reply;

use std::time::Duration;

fn among(count: usize) -> Machine {
    machine(Some(Duration::from_secs(1)), urls(count).map(|url| native(&url)))
}

/// Records the burial of this member, which no other server accuses, unless isolation holds it
/// back. Returns whether it does.
fn bury_or_hold_back(machine: &mut Machine, index: usize, tick: u64) -> bool {
    let url: Arc<str> = format!("http://n{index}/").into();
    let (members, _, cx) = machine.parts();
    if members.hold_back_burial(cx, &url, now(tick)) {
        return true;
    }
    members.isolation.record_burial(&url, now(tick).tick);
    false
}

#[test]
fn the_third_member_buried_within_a_minute_is_held_back() {
    let mut machine = among(9);
    assert!(!bury_or_hold_back(&mut machine, 0, 1_000));
    // Repeated burials of the same member count once.
    (2..20).for_each(|second| assert!(!bury_or_hold_back(&mut machine, 0, second * 1_000)));
    assert!(!bury_or_hold_back(&mut machine, 1, 21_000));
    assert!(bury_or_hold_back(&mut machine, 2, 22_000));
}

#[test]
fn any_answer_clears_the_count() {
    let mut machine = among(9);
    assert!(!bury_or_hold_back(&mut machine, 0, 1_000));
    assert!(!bury_or_hold_back(&mut machine, 1, 2_000));
    machine.handle_timeout(now(2_500));
    let asked = take_messages(&mut machine).remove(0);
    machine.handle_reply(now(2_600), asked.id, &Reply::Native(Box::new(extension_of(&asked.to))));
    assert!(!bury_or_hold_back(&mut machine, 2, 3_000));
    assert!(!bury_or_hold_back(&mut machine, 3, 4_000));
    assert!(bury_or_hold_back(&mut machine, 4, 5_000));
    assert_eq!(status_of(&machine, "http://n4/"), Status::Online);
}

#[test]
fn the_rule_does_not_apply_with_only_one_other_member() {
    let mut machine = among(1);
    (1..50).for_each(|second| assert!(!bury_or_hold_back(&mut machine, 0, second * 1_000)));
}
