//! An address is not an identity: other services, other clusters and drained legacy peers may
//! answer.

use std::time::Duration;

use super::{
    FIRST, assert_agreement_throughout, assert_agreement_within, assert_no_violations, native_world,
};
use crate::protocol::message::{ReceivedEntry, ReceivedLists, Refusal};
use crate::sim::clock::{EPOCH, Millis};
use crate::sim::host::Occupant;
use crate::sim::process::Engine;
use crate::sim::spec::{Kind, Spec};
use crate::sim::store::Download;
use crate::sim::wire::{HostId, ProcessId};
use crate::sim::world::World;

const OCCUPANTS: [Occupant; 5] = [
    Occupant::Refuses(Refusal::Unauthorized),
    Occupant::Refuses(Refusal::TooLarge),
    Occupant::Refuses(Refusal::TooManyRequests(None)),
    Occupant::Refuses(Refusal::TooManyRequests(Some(Duration::from_secs(3_600)))),
    Occupant::EmptyList,
];

fn listed(world: &mut World) -> Vec<String> {
    match world.store.download() {
        Download::List(version) => {
            version.lists.online.iter().map(|entry| entry.base_url.to_string()).collect()
        }
        _ => Vec::new(),
    }
}

fn announcing_often(world: &mut World) {
    let list = &mut world.template().config.master_list;
    (list.announce_minimum, list.announce_interval) = (Duration::from_secs(1), Duration::from_secs(1));
}

#[test]
fn another_service_keeps_a_native_address_online_for_a_minute() {
    for occupant in OCCUPANTS {
        let mut world = World::new(1);
        announcing_often(&mut world);
        world.populate(&[Spec::of(Kind::Native); 10]);
        world.run_for(60_000);
        world.crash(FIRST);
        world.take_over(FIRST, occupant);
        let took = assert_agreement_within(&mut world, 66_000);
        assert!(took >= 18_000, "{occupant:?}: it took {took} ms");
        assert_agreement_throughout(&mut world, 60_000);
        let url = world.hosts[FIRST.index()].url.to_string();
        assert!(!listed(&mut world).contains(&url), "{occupant:?}");
        assert_no_violations(&world);
    }
}

#[test]
fn another_service_keeps_a_legacy_address_online_for_three_intervals() {
    for occupant in OCCUPANTS {
        let mut world = World::new(2);
        let mut specs = [Spec::of(Kind::Native); 6];
        specs[0] = Spec::of(Kind::Legacy);
        specs[1] = Spec::of(Kind::Legacy);
        world.populate(&specs);
        world.run_for(120_000);
        world.crash(FIRST);
        world.take_over(FIRST, occupant);
        assert_agreement_within(&mut world, 180_000);
        // The other legacy peer may bring it back for a moment, and native servers check.
        world.run_for(60_000);
        assert_agreement_within(&mut world, 30_000);
        assert_no_violations(&world);
    }
}

#[test]
fn a_server_that_returns_to_its_address_is_online_at_once() {
    let mut world = native_world(10);
    world.crash(FIRST);
    world.take_over(FIRST, OCCUPANTS[0]);
    world.run_for(90_000);
    world.restart(FIRST, Spec::of(Kind::Native));
    assert_agreement_within(&mut world, 3_000);
    assert_no_violations(&world);
}

#[test]
fn clusters_with_different_secrets_can_share_a_master_list() {
    for size in [2, 8] {
        let mut world = World::new(3);
        announcing_often(&mut world);
        for index in 0..size {
            let host = world.add_host();
            world.hosts[host.index()].cluster = (index % 2) as u8;
            world.start(host, Spec::of(Kind::Native));
            world.run_for(3_000);
        }
        world.run_for(27_000);
        assert_agreement_throughout(&mut world, 300_000);
        assert_eq!(listed(&mut world).len(), size, "all stay on the list");
        assert_no_violations(&world);
    }
}

/// Eight native servers and a drained legacy peer, whose rounds are so rare that the drain lasts.
fn drained() -> (World, HostId) {
    let mut world = World::new(4);
    world.template().config.gossip_interval = Duration::from_secs(86_400);
    let mut specs = [Spec::of(Kind::Native); 9];
    specs[8] = Spec::of(Kind::Legacy);
    world.populate(&specs);
    world.run_for(5_000);
    let host = HostId(8);
    world.drain(host);
    accuse(&mut world, host);
    let all_know = |world: &World| natives_that_see(world, host) == 0;
    assert!(world.run_until(10_000, all_know));
    (world, host)
}

fn natives_that_see(world: &World, host: HostId) -> usize {
    let url = &world.hosts[host.index()].url;
    world.processes[..8].iter().filter(|process| process.sees_online(url)).count()
}

/// Claims that a server is offline; the native server that receives it asks.
fn accuse(world: &mut World, host: HostId) {
    let base_url = world.hosts[host.index()].url.to_string();
    let last_update = (EPOCH + world.time) as f64;
    let offline = vec![ReceivedEntry { base_url: base_url.into(), monitor: false, last_update }];
    let lists = ReceivedLists { offline, ..ReceivedLists::default() };
    world.act(ProcessId(0), |engine, now| {
        if let Engine::Native(machine) = engine {
            machine.handle_request(now, &lists);
        }
    });
}

fn requests_in(world: &mut World, host: HostId, duration: Millis) -> u64 {
    let before = world.hosts[host.index()].received();
    world.run_for(duration);
    world.hosts[host.index()].received() - before
}

#[test]
fn native_servers_together_check_a_drained_legacy_peer_every_ten_seconds() {
    let (mut world, host) = drained();
    world.run_for(120_000);
    let requests = requests_in(&mut world, host, 1_000_000);
    assert!((70..=130).contains(&requests), "{requests} requests in 1,000 s");
    assert_eq!(natives_that_see(&world, host), 0, "it stays offline");
    assert_no_violations(&world);
}

#[test]
fn a_legacy_peer_that_is_brought_back_is_online_after_a_minute() {
    let (mut world, host) = drained();
    world.run_for(300_000);
    world.bring_back(host);
    let sees_it = |world: &World| natives_that_see(world, host) > 0;
    assert!(!world.run_until(60_000, sees_it), "not before a minute");
    // The next question comes within 10 s on average, then a rumour.
    assert_agreement_within(&mut world, 40_000);
    assert_agreement_throughout(&mut world, 60_000);
    assert_no_violations(&world);
}

#[test]
fn another_drain_restarts_the_minute() {
    let (mut world, host) = drained();
    for _ in 0..5 {
        world.bring_back(host);
        world.run_for(50_000);
        world.drain(host);
        for _ in 0..900 {
            world.run_for(100);
            assert_eq!(natives_that_see(&world, host), 0);
        }
    }
    assert_no_violations(&world);
}
