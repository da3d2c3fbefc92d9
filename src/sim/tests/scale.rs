//! Properties that do not grow with the cluster.

use super::{FIRST, assert_agreement_within, assert_no_violations, native_world, world_of};
use crate::sim::clock::Millis;
use crate::sim::spec::{Kind, Spec};
use crate::sim::wire::HostId;
use crate::sim::world::World;

#[test]
fn losing_a_quarter_of_the_messages_causes_no_death() {
    run_with_quarter_loss(40, 60);
}

#[test]
#[ignore = "takes minutes in debug builds: for campaigns"]
fn losing_a_quarter_of_the_messages_causes_no_death_among_a_hundred() {
    run_with_quarter_loss(100, 600);
}

fn run_with_quarter_loss(count: usize, seconds: u64) {
    let mut world = native_world(count);
    world.run_for(30_000);
    world.network.loss = 0.25;
    world.checks.forbids_false_death = true;
    for _ in 0..seconds {
        world.run_for(1_000);
        let dead =
            world.processes.iter().find(|process| process.machine().is_some_and(|m| m.living() < count));
        assert!(dead.is_none(), "{:?} declared a server dead at {} ms", dead.map(|p| p.host), world.time);
    }
    assert_no_violations(&world);
}

#[test]
fn a_single_monitor_among_a_thousand_servers_is_not_overloaded() {
    let mut specs = vec![Spec::of(Kind::Native); 1_000];
    specs[0].monitor = true;
    let mut world = world_of(&specs);
    world.run_for(10_000);
    let before = world.hosts[FIRST.index()].received();
    world.run_for(30_000);
    let rate = (world.hosts[FIRST.index()].received() - before) as f64 / 30.0;
    // Probes, indirect probes, and at most 4 exchanges per second.
    assert!(rate <= 8.0, "{rate} requests per second");
    assert_no_violations(&world);
}

#[test]
fn the_steady_state_costs_the_same_in_a_large_cluster() {
    let rate = |count: usize| {
        let mut world = native_world(count);
        let sent = |world: &World| -> u64 { world.processes.iter().map(|process| process.sent.bytes).sum() };
        let before = sent(&world);
        world.run_for(30_000);
        (sent(&world) - before) as f64 / 30.0 / count as f64
    };
    let (small, large) = (rate(50), rate(400));
    assert!(large <= 2_000.0, "{large} bytes per second");
    assert!(large <= small * 1.25, "{small} bytes per second become {large}");
}

#[test]
fn a_joiner_and_a_large_cluster_learn_of_each_other() {
    let mut world = native_world(300);
    world.join(Spec::of(Kind::Native));
    assert_agreement_within(&mut world, 3_000);
    assert_no_violations(&world);
}

#[test]
fn an_overloaded_machine_recovers_from_a_crash_without_false_deaths() {
    // In the steady state, these use from a third of the processor to all of it.
    for (count, cost) in [(50, 2_000), (50, 10_000), (75, 1_300), (100, 1_000), (100, 3_000)] {
        let mut world = native_world(count);
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
            "{count} servers at {cost} µs: {at_rest} requests per second became {afterwards}"
        );
        assert_no_violations(&world);
    }
}

/// Returns a running server that some view does not list as online, with that view's host.
fn missing(world: &World) -> Option<(HostId, &str)> {
    let running = || world.processes.iter().filter(|process| process.engine.is_some());
    running().find_map(|viewer| {
        let mut others = world.hosts.iter().filter(|host| host.should_be_online);
        others.find(|host| !viewer.sees_online(&host.url)).map(|host| (viewer.host, &*host.url))
    })
}

/// The request rate of all servers together.
fn requests_per_second(world: &mut World, during: Millis) -> f64 {
    let made = |world: &World| -> u64 { world.processes.iter().map(|process| process.sent.requests).sum() };
    let before = made(world);
    world.run_for(during);
    (made(world) - before) as f64 * 1_000.0 / during as f64
}
