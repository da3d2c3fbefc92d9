//! Rules R3 and R6: only a claim newer than the tombstone revives a server.

use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::rig::{A, B, Listed, ME, entries};
use crate::protocol::tests::support::world::{EPOCH, World};
use crate::protocol::wire::message::Lists;

#[test]
fn a_request_that_is_not_newer_revives_nobody_and_gets_the_tombstone() {
    let mut world = World::alone();
    world.receive(&[], &[(A, EPOCH)]);
    for stamp in [EPOCH - 1, EPOCH] {
        let answer = world.receive(&[(A, stamp)], &[]);
        assert_eq!(answer.offline, entries(&[(A, EPOCH)]));
        assert_eq!(world.listed(A), Listed::Offline(EPOCH));
    }
    world.receive(&[(A, EPOCH + 1)], &[]);
    assert_eq!(world.listed(A), Listed::Online(EPOCH + 1), "a newer claim counts at once");
}

#[test]
fn an_answer_that_is_not_newer_revives_nobody() {
    let mut world = World::among(&[B]);
    world.receive(&[], &[(A, EPOCH)]);
    world.set_fake(
        B,
        Fake::Says(Lists { online: entries(&[(B, EPOCH + 5_000), (A, EPOCH)]), offline: vec![] }),
    );
    world.run_for(70_000);
    assert!(!world.gossip_to(B).is_empty());
    assert!(!world.is_online(A));
}

#[test]
fn a_master_list_that_is_not_newer_revives_nobody() {
    let mut world = World::new(1);
    world.store.body = Some(format!(r#"{{"online":[{{"baseUrl":"{A}","lastUpdate":{EPOCH}}}]}}"#));
    world.start(crate::protocol::tests::support::world::config(ME), 0);
    world.receive(&[], &[(A, EPOCH)]);
    world.run_for(10_000);
    assert_eq!(world.listed(A), Listed::Offline(EPOCH));
}

#[test]
fn of_two_equal_claims_in_one_message_the_tombstone_wins() {
    let mut world = World::alone();
    world.receive(&[(A, EPOCH)], &[(A, EPOCH)]);
    assert_eq!(world.listed(A), Listed::Offline(EPOCH));
}

#[test]
fn a_tie_changes_nothing() {
    let mut world = World::alone();
    world.receive(&[(A, EPOCH)], &[]);
    world.receive(&[], &[(A, EPOCH)]);
    assert_eq!(world.listed(A), Listed::Online(EPOCH));
}

#[test]
fn a_first_hand_tombstone_beats_a_fast_clock() {
    let mut world = World::among(&[A]);
    let fast = world.wall() + 3_600_000;
    world.receive(&[(A, fast)], &[]);
    world.set_fake(A, Fake::Refuses);
    world.run_for(60_000);
    assert_eq!(world.listed(A), Listed::Offline(fast + 1));
}

#[test]
fn the_return_of_an_absent_server_beats_its_tombstone() {
    let mut world = World::among(&[A]);
    world.set_fake(A, Fake::Says(Lists::default()));
    let wall = world.wall();
    world.receive(&[], &[(A, wall - 100_000)]);
    world.receive(&[], &[(A, wall + 50_000)]);
    world.run_for(1_000);
    let Listed::Offline(tombstone) = world.listed(A) else { panic!("still online") };
    world.set_fake(A, Fake::Online);
    world.receive(&[(A, tombstone + 1)], &[]);
    world.run_for(1_000);
    assert!(world.is_online(A));
    assert!(world.stamp(A) > tombstone);
}

#[test]
fn only_a_newer_claim_revives_an_archived_server() {
    let mut world = World::alone();
    world.receive(&[], &[(A, EPOCH)]);
    world.run_for(25 * 3_600_000);
    assert_eq!(world.listed(A), Listed::Unknown, "no merge was needed for that");
    world.receive(&[(A, EPOCH)], &[]);
    assert_eq!(world.listed(A), Listed::Unknown);
    world.receive(&[(A, EPOCH + 1)], &[]);
    assert_eq!(world.listed(A), Listed::Online(EPOCH + 1));
}

#[test]
fn an_answer_requested_before_a_leave_does_not_undo_it() {
    for has_found_it_alive in [false, true] {
        let mut world = World::alone();
        if has_found_it_alive {
            world.find_alive(A);
            world.set_fake(A, Fake::Held);
            world.drain();
        } else {
            world.set_fake(A, Fake::Held);
            let wall = world.wall();
            world.receive(&[(A, wall)], &[]);
        }
        world.run_for(200);
        let id = world.last_to(A);
        let left_at = world.wall();
        world.receive(&[], &[(A, left_at)]);
        world.set_fake(A, Fake::Refuses);
        world.answer(id, &[(A, left_at - 5)], &[]);
        world.run_for(300);
        assert_eq!(world.listed(A), Listed::Offline(left_at));
    }
}

#[test]
fn an_answer_requested_before_a_return_does_not_undo_it() {
    let mut world = World::alone();
    world.find_dead(A);
    world.set_fake(A, Fake::Held);
    world.nodes.get_mut(ME).unwrap().machine.request_check(&A.into());
    world.receive(&[], &[]);
    world.run_for(200);
    let id = world.last_to(A);
    let claim = world.stamp(A) + 1;
    world.set_fake(A, Fake::Online);
    world.receive(&[(A, claim)], &[]);
    world.answer(id, &[], &[]);
    world.run_for(300);
    assert!(world.is_online(A));
    assert!(world.stamp(A) < claim + 1_000_000);
}
