//! Drained legacy peers: their lists show whether they have returned.

use std::time::Duration;

use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::rig::{A, Listed, lists};
use crate::protocol::tests::support::world::World;

/// A was online, and has been drained.
fn drained() -> World {
    let mut world = World::with(|config| config.gossip_interval = Duration::from_secs(86_400));
    world.find_alive(A);
    world.set_fake(A, Fake::Drained);
    let wall = world.wall();
    world.receive(&[], &[(A, wall)]);
    world.run_for(1_000);
    assert!(!world.is_online(A));
    world.sent.clear();
    world
}

#[test]
fn a_drained_legacy_peer_that_returns_is_online_after_a_minute() {
    let mut world = drained();
    world.run_for(300_000);
    assert!((28..=32).contains(&world.inquiries_to(A).len()), "{:?}", world.inquiries_to(A));
    assert!(!world.is_online(A) && world.gossip_to(A).is_empty());
    world.set_fake(A, Fake::Online);
    world.run_for(59_000);
    assert!(!world.is_online(A));
    world.run_for(13_000);
    assert!(world.is_online(A));
}

#[test]
fn a_legacy_peer_with_a_slow_clock_is_online_once_its_list_shows_it() {
    let mut world = World::with(|config| config.gossip_interval = Duration::from_secs(86_400));
    world.find_alive(A);
    world.set_fake(A, Fake::Drained);
    let ahead = world.wall() + 3 * 3_600_000;
    world.receive(&[], &[(A, ahead)]);
    world.run_for(20_000);
    assert_eq!(world.listed(A), Listed::Offline(ahead));
    // Other servers keep sending it that tombstone, so its list never shows it for a minute.
    world.set_fake(A, Fake::Says(lists(&[(A, world.wall())], &[])));
    world.run_for(15_000);
    assert_eq!(world.listed(A), Listed::Online(ahead + 1));
    // The return is sent to other servers and to the server itself.
    assert!(!world.gossip_to(A).is_empty());
}

#[test]
fn a_legacy_peer_that_lists_itself_beside_its_tombstone_is_online() {
    // A legacy peer that has received its tombstone, and has begun a round since.
    for ahead in [1, 3 * 3_600_000, 9 * 86_400_000] {
        let mut world = World::among(&[A]);
        let wall = world.wall() + 60_000;
        world.set_fake(A, Fake::Says(lists(&[(A, wall)], &[(A, wall + ahead)])));
        for _ in 0..300 {
            world.run_for(1_000);
            assert!(world.is_online(A), "{ahead}");
        }
        assert!(!world.gossip_to(A).is_empty());
    }
}

#[test]
fn an_answer_without_its_entry_or_no_answer_interrupts_the_minute() {
    for pause in [Fake::Drained, Fake::Refuses, Fake::Status(429, ""), Fake::NoList(404)] {
        let mut world = drained();
        for _ in 0..10 {
            world.set_fake(A, Fake::Online);
            world.run_for(50_000);
            world.set_fake(A, pause.clone());
            world.run_for(11_000);
            assert!(!world.is_online(A), "{pause:?}");
        }
        assert!(world.gossip_to(A).is_empty(), "{pause:?}: gossip would end a drain");
        world.set_fake(A, Fake::Online);
        world.run_for(72_000);
        assert!(world.is_online(A), "{pause:?}");
    }
}

#[test]
fn an_absent_server_that_stops_answering_is_asked_as_rarely_as_the_dead() {
    let mut world = drained();
    world.set_fake(A, Fake::Refuses);
    world.run_for(60_000);
    world.sent.clear();
    world.run_for(600_000);
    assert!(world.inquiries_to(A).len() <= 40, "{}", world.inquiries_to(A).len());
}
