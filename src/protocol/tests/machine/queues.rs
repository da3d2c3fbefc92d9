//! No queue of the machine grows beyond its cap, however many claims arrive.

use std::time::Duration;

use crate::protocol::machine::Machine;
use crate::protocol::tests::support::native_rig::{extension_of, machine, native, now, urls};
use crate::protocol::types::accusers::Accusers;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Stamp};
use crate::protocol::wire::extension::Extension;
use crate::protocol::wire::message::{ReceivedEntry, ReceivedLists};

use crate::protocol::tests::support::world::EPOCH;

const SUBJECT: &str = "http://n1/";
const MESSAGES: u32 = 100;
const CLAIMS_EACH: u32 = 10_000;

/// The lengths of the queues that are not empty.
fn lengths(machine: &Machine) -> Vec<(&'static str, usize)> {
    let queues = machine.queue_lengths();
    for queue in &queues {
        assert!(queue.length <= queue.cap, "{queue:?}");
    }
    queues.iter().filter(|queue| queue.length > 0).map(|queue| (queue.name, queue.length)).collect()
}

#[track_caller]
fn assert_none_is_longer_than(most: usize, machine: &Machine) {
    for (name, length) in lengths(machine) {
        // No driver empties the queues of requests and events here.
        assert!(length <= most, "{length} {name}");
    }
}

#[test]
fn a_million_claims_of_natives_about_one_subject_leave_one_entry_in_each_queue() {
    let mut machine = machine(Some(Duration::from_secs(1)), urls(3).map(|url| native(&url)));
    for message in 0..MESSAGES {
        let claim = |index: u32| {
            let number = message * CLAIMS_EACH + index;
            let status = match number % 4 {
                0 => Status::Online,
                1 | 2 => Status::Suspect,
                _ => Status::Dead,
            };
            // Each accusation has a different accuser and a different deadline.
            let accusers = if status == Status::Suspect { Some(number) } else { None };
            Claim {
                status,
                incarnation: Incarnation(2_000 + number / 4),
                last_update: Stamp(EPOCH + u64::from(number)),
                accusers: accusers.into_iter().collect::<Accusers>(),
                ..native(SUBJECT)
            }
        };
        let claims = (0..CLAIMS_EACH).map(claim).collect();
        let received = Extension { claims, ..extension_of("http://n0/") };
        machine.handle_native_request(now(u64::from(message) * 5), &received);
    }
    assert_none_is_longer_than(4, &machine);
}

#[test]
fn a_million_plain_claims_about_one_subject_leave_one_entry_in_each_queue() {
    let mut machine = machine(Some(Duration::from_secs(1)), urls(3).map(|url| native(&url)));
    for message in 0..MESSAGES {
        let entry = |index: u32| ReceivedEntry {
            base_url: "http://legacy/".into(),
            monitor: false,
            last_update: (EPOCH + u64::from(message * CLAIMS_EACH + index)) as f64,
        };
        let (offline, online) = (0..CLAIMS_EACH).map(entry).partition(|entry| entry.last_update % 2.0 == 0.0);
        machine.handle_request(now(u64::from(message) * 5), &ReceivedLists { online, offline, malformed: 0 });
    }
    assert_none_is_longer_than(5, &machine);
}

#[test]
fn a_removed_member_leaves_every_queue() {
    const DAY: u64 = 24 * 60 * 60 * 1_000;
    let mut machine = machine(Some(Duration::from_secs(1)), std::iter::empty());
    for round in 0..50 {
        let gone = |index: u64| ReceivedEntry {
            base_url: format!("http://gone{index}/").into(),
            monitor: false,
            last_update: (EPOCH + round) as f64,
        };
        let offline = (round * 100..(round + 1) * 100).map(gone).collect();
        machine.handle_request(now(round), &ReceivedLists { offline, ..ReceivedLists::default() });
    }
    machine.drop_expired(now(2 * DAY));
    let remembered = ["archive", "changed slots"];
    // Those are the rumour about this server itself, and the event that it runs.
    assert!(lengths(&machine).iter().all(|(name, length)| remembered.contains(name) || *length == 1));
}
