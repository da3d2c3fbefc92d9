//! Servers of another cluster on the same master list.

use std::time::Duration;

use crate::protocol::context::output::Severity;
use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::rig::{A, B, Listed, ME, entry};
use crate::protocol::tests::support::world::World;
use crate::protocol::wire::message::Lists;

fn stranger(fake: Fake) -> World {
    let mut world = World::with(|config| config.gossip_interval = Duration::from_secs(1));
    world.set_fake(A, fake);
    let wall = world.wall();
    world.receive(&[(A, wall)], &[]);
    world
}

fn first_gossip(world: &World) -> u64 {
    world.gossip_to(A).first().expect("its secret is tried").0
}

#[test]
fn a_stranger_that_rejects_the_secret_is_left_out_whatever_its_list_contains() {
    for fake in [Fake::OtherSecret, Fake::Status(401, "no")] {
        let mut world = stranger(fake.clone());
        world.run_for(10_000);
        let rejected_at = first_gossip(&world);
        world.run_for(rejected_at + 15_000 - world.tick);
        assert!(world.is_online(A), "{fake:?}: it may still call");
        world.run_for(10_000);
        assert_eq!(world.listed(A), Listed::Unknown, "{fake:?}: without a tombstone");
        let warnings = world.logs(Severity::Warning);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("shares its master list") && warnings[0].contains(A));
    }
}

#[test]
fn hearsay_does_not_revive_an_outsider_which_is_rarely_asked() {
    let mut world = stranger(Fake::OtherSecret);
    world.run_for(25_000);
    world.sent.clear();
    for _ in 0..300 {
        let wall = world.wall();
        world.receive(&[(A, wall)], &[]);
        world.receive(&[], &[(A, wall)]);
        world.run_for(1_000);
        assert_eq!(world.listed(A), Listed::Unknown);
    }
    assert!(world.gossip_to(A).len() <= 10, "{}", world.gossip_to(A).len());
    assert!(
        world.gossip_to(A).iter().all(|(_, lists)| lists.online.len() == 1),
        "it is sent no other servers"
    );
    assert_eq!(world.logs(Severity::Warning).len(), 1, "one warning is logged");
}

#[test]
fn an_outsider_that_adopts_the_secret_becomes_a_member() {
    let mut world = stranger(Fake::OtherSecret);
    world.run_for(60_000);
    world.set_fake(A, Fake::Online);
    let wall = world.wall();
    world.receive(&[(A, wall)], &[]);
    world.run_for(2_000);
    assert!(world.is_online(A));
}

#[test]
fn an_outsider_stays_on_the_master_list() {
    let mut world = stranger(Fake::OtherSecret);
    world.run_for(25_000);
    let wall = world.wall();
    let body = Lists { online: vec![entry(A, wall), entry(B, wall - 5)], offline: vec![] };
    world.store.body = Some(String::from_utf8(body.to_gossip_json(None)).unwrap());
    world.run_for(1_000_000);
    let (body, _) = world.uploads()[0];
    assert!(body.contains(A) && body.contains(ME), "{body}");
}

#[test]
fn a_stranger_that_accepts_the_secret_in_time_is_not_left_out() {
    let mut world = stranger(Fake::Status(401, "starting"));
    world.run_for(10_000);
    world.set_fake(A, Fake::Online);
    world.run_for(120_000);
    assert!(world.is_online(A));
}
