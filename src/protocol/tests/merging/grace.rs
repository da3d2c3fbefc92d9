//! Rule "Grace": a server that has just spoken may not listen yet.

use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::rig::{A, B, Listed};
use crate::protocol::tests::support::world::World;

#[test]
fn a_server_that_has_just_spoken_is_retried_after_1_3_9_and_27_seconds() {
    let mut world = World::alone();
    let wall = world.wall();
    world.receive(&[(A, wall)], &[]);
    world.run_for(26_000);
    assert!(world.is_online(A));
    world.run_for(5_000);
    assert!(!world.is_online(A));
    let first = world.inquiries_to(A)[0];
    let tries: Vec<u64> = world.inquiries_to(A).iter().map(|at| (at - first + 500) / 1_000).collect();
    assert_eq!(tries, [0, 1, 3, 9, 27]);
}

#[test]
fn a_server_that_listens_in_time_is_never_offline() {
    let mut world = World::alone();
    let wall = world.wall();
    world.receive(&[(A, wall)], &[]);
    world.run_for(20_000);
    world.set_fake(A, Fake::Online);
    for _ in 0..40 {
        world.run_for(1_000);
        assert!(world.is_online(A));
    }
}

#[test]
fn a_tombstone_from_another_server_counts_during_grace() {
    let mut world = World::alone();
    let wall = world.wall();
    world.receive(&[(A, wall)], &[]);
    world.run_for(2_000);
    world.receive(&[], &[(A, wall + 1_000)]);
    assert_eq!(world.listed(A), Listed::Offline(wall + 1_000));
}

#[test]
fn an_old_claim_has_no_grace() {
    let mut world = World::alone();
    let wall = world.wall();
    world.receive(&[(A, wall - 31_000)], &[]);
    world.run_for(2_900);
    assert!(world.is_online(A));
    world.run_for(500);
    assert!(!world.is_online(A));
    let asked = world.inquiries_to(A);
    assert_eq!(asked.len(), 2);
    assert!((3_000..3_200).contains(&(asked[1] - asked[0])));
}

#[test]
fn a_server_that_has_answered_has_no_grace_whatever_its_clock() {
    for fast in [0, 3_600_000] {
        let mut world = World::among(&[A, B]);
        let wall = world.wall();
        world.receive(&[(A, wall + fast)], &[]);
        world.set_fake(A, Fake::Refuses);
        world.drain();
        world.run_for(4_000);
        assert!(!world.is_online(A), "clock {fast} ms ahead");
    }
}

#[test]
fn a_returning_server_is_shown_when_it_answers() {
    let mut world = World::alone();
    world.find_dead(A);
    world.run_for(10_000);
    let wall = world.wall();
    world.receive(&[(A, wall)], &[]);
    world.run_for(5_000);
    assert!(!world.is_online(A));
    world.set_fake(A, Fake::Online);
    world.run_for(5_000);
    assert!(world.is_online(A));
}
