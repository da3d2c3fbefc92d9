//! Rule R7: how long knowledge is kept.

use std::time::Duration;

use crate::protocol::members::archive::Archive;
use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::rig::{A, B, Listed, ME};
use crate::protocol::tests::support::world::{EPOCH, World, config};
use crate::protocol::types::time::{Incarnation, Now, Stamp, Tick};

const HOUR: u64 = 3_600_000;

fn with_rare_rounds() -> World {
    World::with(|config| config.gossip_interval = Duration::from_secs(86_400))
}

#[test]
fn tombstones_leave_the_lists_a_day_after_their_stamp_without_a_merge() {
    let mut world = with_rare_rounds();
    let wall = world.wall();
    world.receive(&[], &[(A, wall - 23 * HOUR)]);
    world.run_for(HOUR - 1_000);
    assert!(matches!(world.listed(A), Listed::Offline(_)));
    world.run_for(3_000);
    assert_eq!(world.listed(A), Listed::Unknown);
}

#[test]
fn tombstones_of_fast_clocks_leave_a_day_after_they_arrived() {
    let mut world = with_rare_rounds();
    let wall = world.wall();
    world.receive(&[], &[(A, wall + 20 * HOUR)]);
    world.run_for(24 * HOUR - 61_000);
    assert!(matches!(world.listed(A), Listed::Offline(_)));
    world.run_for(122_000);
    assert_eq!(world.listed(A), Listed::Unknown);
}

#[test]
fn a_tombstone_that_is_renewed_stays() {
    let mut world = with_rare_rounds();
    for _ in 0..30 {
        let wall = world.wall();
        world.receive(&[], &[(A, wall)]);
        world.run_for(HOUR);
    }
    assert!(matches!(world.listed(A), Listed::Offline(_)));
}

#[test]
fn expired_tombstones_are_archived_but_not_shown_in_any_order() {
    let old = EPOCH - 25 * HOUR;
    for tombstone_first in [false, true] {
        let mut world = with_rare_rounds();
        if tombstone_first {
            world.receive(&[], &[(A, old)]);
            world.receive(&[(A, old - 1)], &[]);
        } else {
            world.receive(&[(A, old - 1)], &[]);
            world.receive(&[], &[(A, old)]);
        }
        assert_eq!(world.listed(A), Listed::Unknown, "tombstone first: {tombstone_first}");
    }
}

#[test]
fn a_drained_server_renews_its_tombstone_every_hour() {
    let mut world = with_rare_rounds();
    world.drain();
    let first = world.stamp(ME);
    world.run_for(26 * HOUR);
    let Listed::Offline(last) = world.listed(ME) else { panic!("online") };
    assert!(last - first >= 25 * HOUR);
}

#[test]
fn an_online_server_without_news_for_a_day_is_verified_and_then_dropped() {
    let mut world = World::new(2);
    let mut config = config(ME);
    config.gossip_interval = Duration::from_secs(86_400);
    world.start(config, 0);
    world.find_alive(A);
    world.set_fake(B, Fake::Online);
    let wall = world.wall();
    world.receive(&[(B, wall)], &[]);
    world.run_for(HOUR);
    world.set_fake(A, Fake::Refuses);
    world
        .nodes
        .get_mut(ME)
        .unwrap()
        .machine
        .parts()
        .2
        .timers
        .stop(crate::protocol::context::timers::Timer::Round);
    world.run_for(24 * HOUR);
    assert!(!world.is_online(A) && world.is_online(B));
}

#[test]
fn the_archive_is_bounded_and_drops_the_oldest() {
    let mut archive = Archive::new(1);
    for index in 0..5_000 {
        archive.insert(&format!("http://p{index}/"), Stamp(index), Incarnation::NONE);
    }
    let now = Now { tick: Tick(0), wall: Stamp(5_000) };
    assert_eq!(archive.stamp_of("http://p4999/", now), Some(Stamp(4_999)));
    assert_eq!(archive.stamp_of("http://p0/", now), None);
}
