//! Servers that nobody has met: dead entries of the master list, and servers that somebody made up.

use super::{agree_within, natives, no_violations};
use crate::protocol::message::{Entry, Lists};
use crate::protocol::time::Stamp;
use crate::sim::clock::{EPOCH, Millis};
use crate::sim::host::Port;
use crate::sim::process::Stage;
use crate::sim::setup::{Kind, Spec};
use crate::sim::wire::{HostId, ProcessId};
use crate::sim::world::World;

const HOUR: Millis = 3_600_000;

/// A world in which so many addresses lead nowhere.
fn nowhere(world: &mut World, count: usize, port: Port) -> Vec<HostId> {
    (0..count)
        .map(|_| {
            let host = world.add_host();
            world.hosts[host.index()].port = port;
            host
        })
        .collect()
}

/// Has the master list name these hosts, with stamps that old.
fn list(world: &mut World, hosts: &[HostId], age: Millis) {
    let stamp = Stamp((EPOCH + world.time).saturating_sub(age));
    let entry = |host: &HostId| Entry {
        base_url: world.hosts[host.index()].url.clone(),
        monitor: false,
        last_update: stamp,
    };
    let entries: Vec<Entry> = hosts.iter().map(entry).collect();
    world.store.fill(&entries);
}

fn lists(world: &World, id: ProcessId) -> Lists {
    world.processes[id.index()].machine().unwrap().lists(true)
}

fn shows(world: &World, id: ProcessId) -> usize {
    lists(world, id).online.len()
}

/// Lets time pass until a server shows only so many online, at most so long.
#[track_caller]
fn shows_within(world: &mut World, id: ProcessId, wanted: usize, patience: Millis) {
    let begin = world.time;
    while shows(world, id) != wanted {
        assert!(world.time < begin + patience, "{} are shown after {patience} ms", shows(world, id));
        world.run_for(100);
    }
}

fn listed(world: &mut World) -> usize {
    match world.store.download() {
        crate::sim::store::Download::List(version) => version.lists.online.len(),
        _ => 0,
    }
}

#[test]
fn dead_entries_of_the_list_are_gone_soon_but_not_buried_by_a_server_that_nobody_answers() {
    for (count, port, patience) in
        [(60, Port::Vanished, 15_000), (200, Port::Vanished, 25_000), (200, Port::Closed, 25_000)]
    {
        for age in [HOUR, 120_000] {
            let mut world = World::new(1);
            let dead = nowhere(&mut world, count, port);
            list(&mut world, &dead, age);
            let host = world.add_host();
            let id = world.start(host, Spec::of(Kind::Native));
            world.run_for(2_000);
            if age == HOUR {
                assert_eq!(world.processes[id.index()].stage, Stage::Running);
            }
            shows_within(&mut world, id, 1, patience - 2_000);
            world.run_for(1_200_000);
            assert_eq!(lists(&world, id).offline.len(), 0, "it may be its own network that is broken");
            assert_eq!(listed(&mut world), count + 1);
            no_violations(&world);
        }
    }
}

#[test]
fn dead_entries_of_the_list_are_buried_once_somebody_else_on_it_has_answered() {
    for (count, patience) in [(60, 15_000), (200, 25_000)] {
        for kind in [Kind::Native, Kind::Plain] {
            let mut world = natives(0);
            let dead = nowhere(&mut world, count, Port::Vanished);
            let first = world.add_host();
            let living = [world.add_host(), world.add_host()];
            list(&mut world, &[&dead[..], &[first]].concat(), HOUR);
            world.start(first, Spec::of(kind));
            let ids = living.map(|host| {
                world.run_for(500);
                world.start(host, Spec::of(kind))
            });
            for id in ids {
                shows_within(&mut world, id, 3, patience);
            }
            agree_within(&mut world, 5_000);
            world.run_for(15_000);
            for id in ids {
                assert_eq!(lists(&world, id).offline.len(), count, "{kind:?}");
            }
            world.run_for(1_000_000);
            assert_eq!(listed(&mut world), 3);
            no_violations(&world);
        }
    }
}

#[test]
fn a_joiner_whose_list_names_only_the_other_side_of_a_partition_finds_its_own() {
    let mut world = natives(6);
    let all: Vec<HostId> = world.host_ids().collect();
    let (own, other) = all.split_at(3);
    list(&mut world, other, 60_000);
    let joiner = world.add_host();
    world.partition(|host| other.contains(&host));
    world.run_for(30_000);
    let id = world.start(joiner, Spec::of(Kind::Native));
    world.run_for(60_000);
    assert_eq!(shows(&world, id), 1, "nobody is within reach that it knows of");
    list(&mut world, &all, 0);
    shows_within(&mut world, id, own.len() + 1, 62_000);
    world.heal();
    agree_within(&mut world, 60_000);
    no_violations(&world);
}
