//! An address is not an identity: other services and other clusters answer at it, and drained originals do.

use std::time::Duration;

use super::{FIRST, agree_throughout, agree_within, natives, no_violations};
use crate::protocol::message::{ReceivedEntry, ReceivedLists, Refusal};
use crate::sim::clock::{EPOCH, Millis};
use crate::sim::host::Squatter;
use crate::sim::process::Engine;
use crate::sim::spec::{Kind, Spec};
use crate::sim::store::Download;
use crate::sim::wire::{HostId, ProcessId};
use crate::sim::world::World;

const SQUATTERS: [Squatter; 5] = [
    Squatter::Refuses(Refusal::Unauthorized),
    Squatter::Refuses(Refusal::TooLarge),
    Squatter::Refuses(Refusal::TooManyRequests(None)),
    Squatter::Refuses(Refusal::TooManyRequests(Some(Duration::from_secs(3_600)))),
    Squatter::EmptyList,
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
fn another_service_at_the_address_of_a_native_server_keeps_it_online_for_a_minute() {
    for squatter in SQUATTERS {
        let mut world = World::new(1);
        announcing_often(&mut world);
        world.populate(&[Spec::of(Kind::Native); 10]);
        world.run_for(60_000);
        world.crash(FIRST);
        world.take_over(FIRST, squatter);
        let took = agree_within(&mut world, 66_000);
        assert!(took >= 18_000, "{squatter:?}: it took {took} ms");
        agree_throughout(&mut world, 60_000);
        let url = world.hosts[FIRST.index()].url.to_string();
        assert!(!listed(&mut world).contains(&url), "{squatter:?}");
        no_violations(&world);
    }
}

#[test]
fn another_service_at_the_address_of_a_legacy_peer_keeps_it_online_for_three_intervals() {
    for squatter in SQUATTERS {
        let mut world = World::new(2);
        let mut specs = [Spec::of(Kind::Native); 6];
        specs[0] = Spec::of(Kind::Legacy);
        specs[1] = Spec::of(Kind::Legacy);
        world.populate(&specs);
        world.run_for(120_000);
        world.crash(FIRST);
        world.take_over(FIRST, squatter);
        agree_within(&mut world, 180_000);
        // The other original may bring it back for a moment, and natives ask.
        world.run_for(60_000);
        agree_within(&mut world, 30_000);
        no_violations(&world);
    }
}

#[test]
fn a_server_that_comes_back_to_its_address_is_seen_at_once() {
    let mut world = natives(10);
    world.crash(FIRST);
    world.take_over(FIRST, SQUATTERS[0]);
    world.run_for(90_000);
    world.restart(FIRST, Spec::of(Kind::Native));
    agree_within(&mut world, 3_000);
    no_violations(&world);
}

#[test]
fn clusters_with_different_secrets_share_a_master_list_and_show_their_own() {
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
        agree_throughout(&mut world, 300_000);
        assert_eq!(listed(&mut world).len(), size, "all stay on the list");
        no_violations(&world);
    }
}

/// Eight natives and an original, which has been drained; its rounds are so rare that the drain lasts.
fn drained() -> (World, HostId) {
    let mut world = World::new(4);
    world.template().config.gossip_interval = Duration::from_secs(86_400);
    let mut specs = [Spec::of(Kind::Native); 9];
    specs[8] = Spec::of(Kind::Legacy);
    world.populate(&specs);
    world.run_for(5_000);
    let host = HostId(8);
    world.control(host, false);
    accuse(&mut world, host);
    let all_know = |world: &World| natives_that_see(world, host) == 0;
    assert!(world.run_until(10_000, all_know));
    (world, host)
}

fn natives_that_see(world: &World, host: HostId) -> usize {
    let url = &world.hosts[host.index()].url;
    world.processes[..8].iter().filter(|process| process.sees_online(url)).count()
}

/// Somebody says that a server is offline: the native that hears it asks.
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
fn a_drained_original_is_asked_every_ten_seconds_by_all_natives_together() {
    let (mut world, host) = drained();
    world.run_for(120_000);
    let requests = requests_in(&mut world, host, 1_000_000);
    assert!((70..=130).contains(&requests), "{requests} requests in 1,000 s");
    assert_eq!(natives_that_see(&world, host), 0, "it stays offline");
    no_violations(&world);
}

#[test]
fn a_drained_original_that_was_brought_back_is_online_a_minute_after_it_was_seen() {
    let (mut world, host) = drained();
    world.run_for(300_000);
    world.control(host, true);
    let sees_it = |world: &World| natives_that_see(world, host) > 0;
    assert!(!world.run_until(60_000, sees_it), "not before a minute");
    // The next question, which on average comes within 10 s, and a rumour.
    agree_within(&mut world, 40_000);
    agree_throughout(&mut world, 60_000);
    no_violations(&world);
}

#[test]
fn a_drain_in_between_is_a_break() {
    let (mut world, host) = drained();
    for _ in 0..5 {
        world.control(host, true);
        world.run_for(50_000);
        world.control(host, false);
        for _ in 0..900 {
            world.run_for(100);
            assert_eq!(natives_that_see(&world, host), 0);
        }
    }
    no_violations(&world);
}
