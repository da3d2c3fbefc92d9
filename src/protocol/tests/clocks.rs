//! Servers whose clocks were wrong, or are.

use std::time::Duration;

use super::native_rig::{machine, native, now, word_of};
use crate::protocol::claim::Claim;
use crate::protocol::extension::Extension;
use crate::protocol::machine::Machine;
use crate::protocol::member::Status;
use crate::protocol::time::Incarnation;

const ME: &str = "http://me/";
const A: &str = "http://a/";

fn native_machine() -> Machine {
    machine(Some(Duration::from_secs(1)), [native(A)].into_iter())
}

/// A claim about the machine itself, relayed by a peer; returns the machine's word about itself.
fn hear_of_myself(machine: &mut Machine, tick: u64, status: Status, incarnation: Incarnation) -> Claim {
    let claim = Claim { incarnation, status, ..native(ME) };
    let request = Extension { claims: vec![claim], ..word_of(A) };
    machine.handle_native_request(now(tick), &request).me
}

fn own(machine: &Machine) -> Claim {
    machine.claim(ME, now(0)).unwrap()
}

#[test]
fn a_drained_server_outdoes_an_earlier_life_whose_clock_was_ahead() {
    let mut machine = native_machine();
    machine.handle_control(now(1_000), false);
    let earlier = Incarnation(own(&machine).incarnation.0 + 5_000);
    let word = hear_of_myself(&mut machine, 2_000, Status::Online, earlier);
    assert_eq!((word.status, word.incarnation), (Status::Left, earlier));
    // A third life, from before that one, is no news.
    let word = hear_of_myself(&mut machine, 60_000, Status::Online, Incarnation(earlier.0 - 7));
    assert_eq!((word.status, word.incarnation), (Status::Left, earlier));
    machine.handle_control(now(70_000), true);
    assert!(own(&machine).incarnation > earlier);
}

#[test]
fn a_drained_server_does_not_argue_without_end_with_one_that_shares_its_url() {
    let mut machine = native_machine();
    machine.handle_control(now(1_000), false);
    let mut takeovers = 0;
    // The other process refutes every drain that it hears of.
    for tick in (2_000..602_000).step_by(200) {
        let before = own(&machine).incarnation;
        let word = hear_of_myself(&mut machine, tick, Status::Online, before.next());
        assert_eq!(word.status, Status::Left);
        takeovers += u32::from(word.incarnation > before);
    }
    assert!((5..=16).contains(&takeovers), "{takeovers} in ten minutes");
}
