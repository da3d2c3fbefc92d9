//! Rule R3: for 60 s, hearsay overturns first-hand knowledge only after a verification.

use crate::protocol::ExchangeId;
use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::rig::{A, B, C, Listed, ME};
use crate::protocol::tests::support::world::World;

#[test]
fn an_accused_server_that_answers_stays_online_and_refutes_the_accusation() {
    let mut world = World::among(&[A, B]);
    let accusation = world.wall() + 10;
    let answer = world.receive(&[], &[(A, accusation)]);
    assert!(answer.online.iter().any(|entry| &*entry.base_url == A), "it counts only once it is verified");
    world.run_for(300);
    assert!(world.is_online(A));
    assert!(world.stamp(A) > accusation);
    assert_eq!(world.inquiries_to(A).len(), 1);
    assert!(!world.gossip_to(B).is_empty(), "the newer stamp is pushed at once");
}

#[test]
fn an_accused_server_that_is_silent_is_offline_within_a_round_trip() {
    let mut world = World::among(&[A]);
    world.set_fake(A, Fake::Refuses);
    let accusation = world.wall() + 10;
    world.receive(&[], &[(A, accusation)]);
    world.run_for(300);
    assert_eq!(world.listed(A), Listed::Offline(accusation), "with the stamp of the claim");
}

#[test]
fn an_accused_server_absent_from_its_list_is_offline_with_the_claims_stamp() {
    let mut world = World::among(&[A]);
    world.set_fake(A, Fake::Drained);
    let accusation = world.wall() + 10;
    world.receive(&[], &[(A, accusation)]);
    world.run_for(300);
    assert_eq!(world.listed(A), Listed::Offline(accusation));
}

#[test]
fn after_a_minute_hearsay_counts_at_once_and_is_verified_afterwards() {
    let mut world = World::with(|config| config.gossip_interval = std::time::Duration::from_secs(86_400));
    world.find_alive(A);
    world.run_for(58_900);
    let accusation = world.wall();
    world.receive(&[], &[(A, accusation)]);
    assert!(world.is_online(A));
    world.run_for(61_000);
    let accusation = world.stamp(A) + 1;
    world.receive(&[], &[(A, accusation)]);
    assert_eq!(world.listed(A), Listed::Offline(accusation));
    world.run_for(300);
    assert!(world.is_online(A));
    assert!(world.stamp(A) > accusation);
}

#[test]
fn a_server_found_dead_returns_only_by_answering() {
    let mut world = World::alone();
    world.find_dead(A);
    let claim = world.stamp(A) + 1;
    world.receive(&[(A, claim)], &[]);
    assert!(!world.is_online(A));
    world.run_for(300);
    assert!(!world.is_online(A), "it does not answer");
    world.set_fake(A, Fake::Online);
    world.run_for(3_000);
    assert!(world.is_online(A), "it answers the next try");
}

#[test]
fn a_comeback_that_fails_its_verification_gets_a_newer_tombstone() {
    let mut world = World::alone();
    world.find_dead(A);
    let claim = world.wall() + 3_600_000;
    world.receive(&[(A, claim)], &[]);
    world.run_for(60_000);
    assert_eq!(world.listed(A), Listed::Offline(claim + 1));
}

#[test]
fn a_comeback_of_a_server_absent_from_its_list_is_refuted() {
    let mut world = World::alone();
    world.find_dead(A);
    world.set_fake(A, Fake::Drained);
    let claim = world.wall() + 3_600_000;
    world.receive(&[(A, claim)], &[]);
    world.run_for(300);
    assert!(!world.is_online(A));
    assert!(world.stamp(A) > claim, "otherwise the same claim would be verified forever");
}

#[test]
fn an_accusation_beats_an_online_claim_with_an_equal_stamp_in_one_message() {
    let mut world = World::among(&[A]);
    world.set_fake(A, Fake::Refuses);
    let stamp = world.wall() + 10;
    world.receive(&[(A, stamp)], &[(A, stamp)]);
    world.run_for(300);
    assert!(!world.is_online(A));
    assert!(world.stamp(A) > stamp, "so that it beats the equal claim everywhere");
}

#[test]
fn an_accusation_after_a_failure_is_verified_at_once() {
    let mut world = World::alone();
    world.find_alive(A);
    world.find_alive(B);
    world.set_fake(A, Fake::Refuses);
    world.drain();
    world.run_for(100);
    let accusation = world.wall() + 10;
    world.receive(&[], &[(A, accusation)]);
    world.run_for(300);
    assert_eq!(world.listed(A), Listed::Offline(accusation));
}

#[test]
fn a_peer_without_a_list_is_asked_by_gossip() {
    let mut world = World::among(&[A]);
    world.set_fake(A, Fake::NoList(404));
    let accusation = world.wall() + 10;
    world.receive(&[], &[(A, accusation)]);
    world.run_for(300);
    assert!(world.is_online(A));
    assert!(world.stamp(A) > accusation);
}

/// A peer without a list is accused while the answer to an exchange with it is outstanding.
fn accused_during_an_exchange() -> (World, ExchangeId, u64) {
    let mut world = World::among(&[A]);
    world.set_fake(A, Fake::Held);
    world.drain();
    world.run_for(50);
    let exchange = world.last_to(A);
    world.set_fake(A, Fake::NoList(404));
    let accusation = world.wall() + 10;
    world.receive(&[], &[(A, accusation)]);
    world.run_for(300);
    (world, exchange, accusation)
}

#[test]
fn a_peer_without_a_list_is_not_buried_while_an_exchange_is_in_flight() {
    let (mut world, exchange, accusation) = accused_during_an_exchange();
    assert!(world.is_online(A), "the exchange will decide");
    let wall = world.wall();
    world.answer(exchange, &[(A, wall)], &[]);
    world.run_for(5_000);
    assert!(world.is_online(A));
    assert!(world.stamp(A) > accusation);
}

#[test]
fn an_accusation_is_verified_again_if_the_exchange_in_flight_proves_nothing() {
    let (mut world, exchange, accusation) = accused_during_an_exchange();
    world.set_fake(A, Fake::Refuses);
    world.answer(exchange, &[], &[]);
    world.run_for(3_000);
    assert_eq!(world.listed(A), Listed::Offline(accusation));
}

#[test]
fn the_answer_to_a_verification_merges_no_hearsay_about_others() {
    let mut world = World::alone();
    let wall = world.wall();
    world.set_fake(
        A,
        Fake::Says(crate::protocol::tests::support::rig::lists(
            &[(A, wall), (C, wall)],
            &[(ME, wall + 99_000)],
        )),
    );
    world.receive(&[(A, wall)], &[]);
    world.run_for(1_000);
    assert_eq!(world.inquiries_to(A).len(), 1);
    assert_eq!(world.listed(C), Listed::Unknown);
    assert!(world.stamp(ME) < wall + 99_000);
}
