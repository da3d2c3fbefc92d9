//! Clusters of native servers: joins, leaves, crashes, partitions, drains.

use crate::protocol::types::status::Control;
use std::time::Duration;

use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::world::{World, config};
use crate::protocol::types::time::Tick;

fn url(index: usize) -> String {
    format!("http://s{index}/")
}

fn native_config(url: &str) -> crate::protocol::context::config::Config {
    let mut config = config(url);
    config.probe_interval = Some(Duration::from_secs(1));
    config.gossip_interval = Duration::from_secs(2);
    config.master_list.announce_minimum = Duration::from_secs(1);
    config.master_list.announce_interval = Duration::from_secs(1);
    config
}

/// Native servers that have found each other through the master list.
fn cluster(seed: u64, size: usize) -> World {
    let mut world = World::new(seed);
    world.store.has_conditions = true;
    world.latency = 1..=2;
    for index in 0..size {
        world.start(native_config(&url(index)), 0);
        world.run_for(500);
    }
    let within = within(&mut world, 15_000, |world| all_agree(world, size));
    assert!(within.is_some(), "they did not find each other: {:?}", counts(&world));
    world
}

fn counts(world: &World) -> Vec<usize> {
    world.nodes.values().map(|node| node.machine.living()).collect()
}

fn all_agree(world: &World, size: usize) -> bool {
    let mut nodes = world.nodes.values();
    let Some(first) = nodes.next() else { return true };
    let is_right = |living: usize| living == size;
    is_right(first.machine.living())
        && nodes.all(|node| is_right(node.machine.living()) && node.machine.hash() == first.machine.hash())
}

/// The time after which a condition holds, in milliseconds.
fn within(world: &mut World, at_most: u64, holds: impl Fn(&World) -> bool) -> Option<u64> {
    let from = world.tick;
    while world.tick - from <= at_most {
        if holds(world) {
            return Some(world.tick - from);
        }
        world.run_for(10);
    }
    None
}

#[test]
fn a_join_reaches_all_at_once() {
    let mut world = cluster(1, 12);
    world.start(native_config(&url(99)), 0);
    let time = within(&mut world, 5_000, |world| all_agree(world, 13));
    assert!(time.is_some_and(|time| time <= 500), "{time:?}");
}

#[test]
fn a_leave_reaches_all_at_once() {
    let mut world = cluster(2, 12);
    world.act(&url(3), |machine, now| machine.handle_leave(now));
    world.run_for(300);
    world.crash(&url(3));
    let time = within(&mut world, 5_000, |world| all_agree(world, 11));
    assert!(time.is_some_and(|time| time <= 200), "{time:?}");
    world.run_for(60_000);
    assert!(all_agree(&world, 11));
}

#[test]
fn a_closed_port_is_known_to_all_soon() {
    let mut world = cluster(3, 12);
    world.crash(&url(3));
    let time = within(&mut world, 10_000, |world| all_agree(world, 11));
    assert!(time.is_some_and(|time| time <= 5_000), "{time:?}");
    world.run_for(60_000);
    assert!(all_agree(&world, 11));
}

#[test]
fn a_vanished_host_is_known_to_all_after_suspicion() {
    let mut world = cluster(4, 12);
    world.crash(&url(3));
    world.fakes.insert(url(3), Fake::Hangs);
    let time = within(&mut world, 20_000, |world| all_agree(world, 11));
    assert!(time.is_some_and(|time| time <= 11_000), "{time:?}");
}

#[test]
fn a_return_reaches_all_at_once_even_with_a_slow_clock() {
    let mut world = cluster(5, 8);
    world.crash(&url(3));
    assert!(within(&mut world, 10_000, |world| all_agree(world, 7)).is_some());
    world.start(native_config(&url(3)), -3_600_000);
    let time = within(&mut world, 10_000, |world| all_agree(world, 8));
    assert!(time.is_some_and(|time| time <= 1_000), "{time:?} {:?}", counts(&world));
}

#[test]
fn a_drain_lasts_until_it_is_ended() {
    let mut world = cluster(6, 8);
    world.act(&url(3), |machine, now| machine.handle_control(now, Control::Drain));
    assert!(within(&mut world, 1_000, |world| all_agree(world, 7)).is_some());
    world.run_for(60_000);
    assert!(all_agree(&world, 7), "{:?}", counts(&world));
    world.act(&url(3), |machine, now| machine.handle_control(now, Control::Return));
    assert!(within(&mut world, 1_000, |world| all_agree(world, 8)).is_some(), "{:?}", counts(&world));
}

#[test]
fn a_partition_heals() {
    let mut world = cluster(7, 8);
    for (left, right) in (0..4).flat_map(|left| (4..8).map(move |right| (left, right))) {
        world.cut_between(&url(left), &url(right));
    }
    assert!(within(&mut world, 60_000, |world| all_agree_in(world, 4)).is_some(), "{:?}", counts(&world));
    world.cut.clear();
    let time = within(&mut world, 120_000, |world| all_agree(world, 8));
    assert!(time.is_some(), "{:?}", counts(&world));
}

fn all_agree_in(world: &World, size: usize) -> bool {
    counts(world).into_iter().all(|count| count == size)
}

#[test]
fn lost_messages_bury_nobody() {
    let mut world = cluster(8, 12);
    world.loss = 0.25;
    for _ in 0..120 {
        world.run_for(1_000);
        assert!(all_agree_in(&world, 12), "{:?} at {:?}", counts(&world), Tick(world.tick));
    }
}
