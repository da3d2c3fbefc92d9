//! Answers of native servers: what they change, and the effects.

use crate::protocol::context::effect::Effect;
use crate::protocol::members::member::Wire;
use crate::protocol::native::peers::record_answer;
use crate::protocol::tests::support::parts::{Parts, at};
use crate::protocol::types::status::Status;
use crate::protocol::types::time::Stamp;

const A: &str = "http://a/";

fn answered(parts: &mut Parts) -> bool {
    record_answer(&mut parts.members, &mut parts.cx, A, at(20))
}

#[test]
fn an_answer_proves_the_server_native() {
    let mut parts = Parts::native();
    parts.add_native(A, Status::Online, 1);
    assert!(parts.member(A).is_native_stranger());
    assert!(answered(&mut parts));
    assert_eq!(parts.member(A).wire(), Wire::Native);
    assert!(!parts.member(A).is_native_stranger());
    assert_eq!(parts.effects(), []);
}

#[test]
fn legacy_peers_that_claimed_otherwise_are_sent_a_newer_stamp() {
    let mut parts = Parts::native();
    parts.add_native(A, Status::Online, 1);
    let (_, stamp) = parts.status_and_stamp(A);
    let claimed = Stamp(parts.member(A).stamp().0 + 10);
    parts.member(A).record_stamp(claimed);
    assert!(answered(&mut parts));
    assert_eq!(parts.status_and_stamp(A), (Status::Online, stamp + 11));
    assert_eq!(parts.effects(), [Effect::PushToFew]);
}

#[test]
fn an_answer_of_a_server_that_is_no_member_changes_nothing() {
    let mut parts = Parts::native();
    assert!(!answered(&mut parts));
    assert_eq!(parts.effects(), []);
}
