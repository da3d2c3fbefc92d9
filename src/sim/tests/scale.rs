//! What does not grow with the cluster.

use super::{FIRST, agree_within, natives, no_violations, of};
use crate::sim::clock::Millis;
use crate::sim::spec::{Kind, Spec};
use crate::sim::wire::HostId;
use crate::sim::world::World;

#[test]
fn nobody_is_declared_dead_where_a_quarter_of_the_messages_is_lost() {
    lose_a_quarter(40, 60);
}

#[test]
#[ignore = "takes minutes where the code is not optimised: for campaigns"]
fn nor_is_anybody_among_a_hundred_in_ten_minutes() {
    lose_a_quarter(100, 600);
}

fn lose_a_quarter(count: usize, seconds: u64) {
    let mut world = natives(count);
    world.run_for(30_000);
    world.network.loss = 0.25;
    world.checks.forbids_false_death = true;
    for _ in 0..seconds {
        world.run_for(1_000);
        let dead =
            world.processes.iter().find(|process| process.machine().is_some_and(|m| m.living() < count));
        assert!(dead.is_none(), "{:?} holds somebody for dead at {} ms", dead.map(|p| p.host), world.time);
    }
    no_violations(&world);
}

#[test]
fn a_lone_monitor_among_a_thousand_is_not_overrun() {
    let mut specs = vec![Spec::of(Kind::Native); 1_000];
    specs[0].monitor = true;
    let mut world = of(&specs);
    world.run_for(10_000);
    let before = world.hosts[FIRST.index()].received();
    world.run_for(30_000);
    let rate = (world.hosts[FIRST.index()].received() - before) as f64 / 30.0;
    // Probes, their indirect ones, and at most 4 exchanges a second.
    assert!(rate <= 8.0, "{rate} requests a second");
    no_violations(&world);
}

#[test]
fn the_steady_state_costs_the_same_in_a_large_cluster() {
    let rate = |count: usize| {
        let mut world = natives(count);
        let sent = |world: &World| -> u64 { world.processes.iter().map(|process| process.sent.bytes).sum() };
        let before = sent(&world);
        world.run_for(30_000);
        (sent(&world) - before) as f64 / 30.0 / count as f64
    };
    let (small, large) = (rate(50), rate(400));
    assert!(large <= 2_000.0, "{large} bytes a second");
    assert!(large <= small * 1.25, "{small} bytes a second become {large}");
}

#[test]
fn a_joiner_learns_a_whole_cluster_and_is_learnt_by_it() {
    let mut world = natives(300);
    world.join(Spec::of(Kind::Native));
    agree_within(&mut world, 3_000);
    no_violations(&world);
}

#[test]
fn a_machine_with_too_much_to_do_comes_to_rest_after_a_crash_and_nobody_else_is_declared_dead() {
    // At rest these take from a third of the processor to all of it.
    for (count, cost) in [(50, 2_000), (50, 10_000), (75, 1_300), (100, 1_000), (100, 3_000)] {
        let mut world = natives(count);
        world.run_for(30_000);
        let at_rest = requests_per_second(&mut world, 10_000);
        world.processor.cost = cost;
        world.crash(FIRST);
        for _ in 0..60 {
            world.run_for(1_000);
            assert_eq!(missing(&world), None, "{count} servers at {cost} µs, {} ms", world.time);
        }
        assert_eq!(world.disagreement(), None, "{count} servers at {cost} µs");
        let afterwards = requests_per_second(&mut world, 20_000);
        assert!(
            afterwards < 1.2 * at_rest,
            "{count} servers at {cost} µs: {at_rest} requests a second became {afterwards}"
        );
        no_violations(&world);
    }
}

/// A server that runs and is not online in some view: whose view, and who it is.
fn missing(world: &World) -> Option<(HostId, &str)> {
    let running = || world.processes.iter().filter(|process| process.engine.is_some());
    running().find_map(|viewer| {
        let mut others = world.hosts.iter().filter(|host| host.is_to_be_online);
        others.find(|host| !viewer.sees_online(&host.url)).map(|host| (viewer.host, &*host.url))
    })
}

/// What all servers together make.
fn requests_per_second(world: &mut World, during: Millis) -> f64 {
    let made = |world: &World| -> u64 { world.processes.iter().map(|process| process.sent.requests).sum() };
    let before = made(world);
    world.run_for(during);
    (made(world) - before) as f64 * 1_000.0 / during as f64
}
