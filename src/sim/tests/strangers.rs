//! Servers that no other server has met: dead entries of the master list, and fabricated servers.

use super::{FIRST, SECOND, assert_agreement_within, assert_no_violations, native_world};
use crate::protocol::claim::Claim;
use crate::protocol::extension::{Extension, Kind as Message};
use crate::protocol::message::{Entry, Lists};
use crate::protocol::status::Status;
use crate::protocol::time::{Incarnation, Stamp};
use crate::sim::clock::{EPOCH, Millis};
use crate::sim::host::Port;
use crate::sim::process::Stage;
use crate::sim::spec::{Kind, Spec};
use crate::sim::wire::{HostId, ProcessId};
use crate::sim::world::World;

const HOUR: Millis = 3_600_000;

/// Adds hosts whose addresses lead nowhere.
fn unreachable_hosts(world: &mut World, count: usize, port: Port) -> Vec<HostId> {
    (0..count)
        .map(|_| {
            let host = world.add_host();
            world.hosts[host.index()].port = port;
            host
        })
        .collect()
}

/// Adds these hosts to the master list, with stamps of this age.
fn list(world: &mut World, hosts: &[HostId], age: Millis) {
    let stamp = Stamp((EPOCH + world.time).saturating_sub(age));
    let entry = |host: &HostId| Entry {
        base_url: world.hosts[host.index()].url.clone().into(),
        monitor: false,
        last_update: stamp,
    };
    let entries: Vec<Entry> = hosts.iter().map(entry).collect();
    world.store.fill(&entries);
}

fn lists(world: &World, id: ProcessId) -> Lists {
    world.processes[id.index()].machine().unwrap().lists()
}

fn shows(world: &World, id: ProcessId) -> usize {
    lists(world, id).online.len()
}

/// Runs the world until a server lists only this many as online; panics after `timeout`.
#[track_caller]
fn assert_shows_within(world: &mut World, id: ProcessId, expected: usize, timeout: Millis) {
    let begin = world.time;
    while shows(world, id) != expected {
        assert!(world.time < begin + timeout, "{} are shown after {timeout} ms", shows(world, id));
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
fn an_isolated_server_drops_dead_entries_of_the_list_without_tombstones() {
    for (count, port, timeout) in
        [(60, Port::Vanished, 15_000), (200, Port::Vanished, 25_000), (200, Port::Closed, 25_000)]
    {
        for age in [HOUR, 120_000] {
            let mut world = World::new(1);
            let dead = unreachable_hosts(&mut world, count, port);
            list(&mut world, &dead, age);
            let host = world.add_host();
            let id = world.start(host, Spec::of(Kind::Native));
            world.run_for(2_000);
            if age == HOUR {
                assert_eq!(world.processes[id.index()].stage, Stage::Running);
            }
            assert_shows_within(&mut world, id, 1, timeout - 2_000);
            world.run_for(1_200_000);
            assert_eq!(lists(&world, id).offline.len(), 0, "its own network may be broken");
            assert_eq!(listed(&mut world), count + 1);
            assert_no_violations(&world);
        }
    }
}

#[test]
fn dead_entries_of_the_list_are_buried_after_another_has_answered() {
    for (count, timeout) in [(60, 15_000), (200, 25_000)] {
        for kind in [Kind::Native, Kind::Plain] {
            let mut world = native_world(0);
            let dead = unreachable_hosts(&mut world, count, Port::Vanished);
            let first = world.add_host();
            let living = [world.add_host(), world.add_host()];
            list(&mut world, &[&dead[..], &[first]].concat(), HOUR);
            world.start(first, Spec::of(kind));
            let ids = living.map(|host| {
                world.run_for(500);
                world.start(host, Spec::of(kind))
            });
            for id in ids {
                assert_shows_within(&mut world, id, 3, timeout);
            }
            assert_agreement_within(&mut world, 5_000);
            world.run_for(15_000);
            for id in ids {
                assert_eq!(lists(&world, id).offline.len(), count, "{kind:?}");
            }
            world.run_for(1_000_000);
            assert_eq!(listed(&mut world), 3);
            assert_no_violations(&world);
        }
    }
}

#[test]
fn a_joiner_with_a_list_of_the_other_partition_finds_its_own_side() {
    let mut world = native_world(6);
    let all: Vec<HostId> = world.host_ids().collect();
    let (own, other) = all.split_at(3);
    list(&mut world, other, 60_000);
    let joiner = world.add_host();
    world.partition(|host| other.contains(&host));
    world.run_for(30_000);
    let id = world.start(joiner, Spec::of(Kind::Native));
    world.run_for(60_000);
    assert_eq!(shows(&world, id), 1, "no server that it knows is reachable");
    list(&mut world, &all, 0);
    assert_shows_within(&mut world, id, own.len() + 1, 62_000);
    world.heal();
    assert_agreement_within(&mut world, 60_000);
    assert_no_violations(&world);
}

/// Sends a message in the name of one server, with claims of native servers that started this long
/// ago.
fn send_fabricated_claims(world: &mut World, hosts: &[HostId], age: Millis) {
    let at = Stamp(EPOCH + world.time - age);
    let claim = |host: &HostId| Claim {
        base_url: world.hosts[host.index()].url.clone(),
        status: Status::Online,
        incarnation: Incarnation::first(at),
        last_update: at,
        monitor: false,
        age: 0,
        accusers: Default::default(),
    };
    let claims = hosts.iter().map(claim).collect();
    let second = world.hosts[SECOND.index()].processes[0];
    let me = world.processes[second.index()]
        .machine()
        .unwrap()
        .claim(&world.hosts[SECOND.index()].url, world.now(second))
        .unwrap();
    let message = Extension {
        epoch: 0,
        me,
        instance: 1,
        kind: Message::Push,
        living: 0,
        hash: 0,
        lag: 0,
        clock: None,
        siblings: Default::default(),
        claims,
        malformed: 0,
        fresh: Vec::new(),
        found: None,
        elsewhere: Vec::new(),
    };
    world.send_message(FIRST, message);
}

/// Returns how many of these hosts some native server lists as online.
fn shown(world: &World, hosts: &[HostId]) -> usize {
    let machines = || world.processes.iter().filter_map(|process| process.machine());
    let is_shown = |host: &&HostId| {
        let url = &world.hosts[host.index()].url;
        machines().any(|machine| {
            machine.claim(url, world.now(ProcessId(0))).is_some_and(|claim| claim.status.is_online())
        })
    };
    hosts.iter().filter(is_shown).count()
}

#[track_caller]
fn assert_removed_within(world: &mut World, timeout: Millis, fabricated: &[HostId]) {
    let servers = world.processes.len();
    let begin = world.time;
    while shown(world, fabricated) > 0 {
        let left = shown(world, fabricated);
        assert!(
            world.time < begin + timeout,
            "{left} of {} are shown by {servers} servers",
            fabricated.len()
        );
        world.run_for(1_000);
    }
    for machine in world.processes.iter().filter_map(|process| process.machine()) {
        assert_eq!(machine.living(), servers, "real servers stay");
    }
    assert!(world.checks.violations.is_empty(), "{}", world.checks.violations[0]);
}

#[test]
fn fabricated_servers_are_removed_soon() {
    for (servers, count, port, age, timeout) in [
        (2, 300, Port::Closed, 0, 60_000),
        (2, 300, Port::Vanished, HOUR, 120_000),
        (5, 300, Port::Vanished, 0, 120_000),
        (5, 300, Port::Closed, HOUR, 60_000),
        (5, 1_000, Port::Closed, 0, 150_000),
        (20, 300, Port::Closed, 0, 60_000),
    ] {
        let mut world = native_world(servers);
        let fabricated = unreachable_hosts(&mut world, count, port);
        send_fabricated_claims(&mut world, &fabricated, age);
        world.run_for(200);
        assert_eq!(shown(&world, &fabricated), count);
        assert_removed_within(&mut world, timeout, &fabricated);
    }
}

#[test]
fn fabricated_servers_are_removed_without_tombstones_by_a_server_that_nobody_answers() {
    let mut world = native_world(2);
    let fabricated = unreachable_hosts(&mut world, 300, Port::Vanished);
    send_fabricated_claims(&mut world, &fabricated, HOUR);
    world.run_for(200);
    world.vanish(SECOND);
    assert_eq!(shown(&world, &fabricated), fabricated.len());
    world.run_for(120_000);
    let first = world.hosts[FIRST.index()].processes[0];
    assert_eq!(shown(&world, &fabricated), 0);
    assert!(lists(&world, first).offline.len() <= 1, "its own network may be broken");
    world.restart(SECOND, Spec::of(Kind::Native));
    assert_agreement_within(&mut world, 60_000);
    assert_no_violations(&world);
}

#[test]
fn one_server_cannot_fill_the_roster_of_another_with_fabricated_servers() {
    let mut world = native_world(3);
    world.run_for(60_000);
    let fabricated = unreachable_hosts(&mut world, 15_000, Port::Closed);
    for some in fabricated.chunks(5_000) {
        send_fabricated_claims(&mut world, some, HOUR);
    }
    world.run_for(1);
    let first = world.hosts[FIRST.index()].processes[0];
    let known = world.processes[first.index()].machine().unwrap().other_count();
    assert!((10_002..10_100).contains(&known), "{known} servers are known");
}

#[test]
fn fabricated_servers_in_many_small_messages_are_removed_soon() {
    let mut world = native_world(5);
    let fabricated = unreachable_hosts(&mut world, 300, Port::Closed);
    for few in fabricated.chunks(4) {
        send_fabricated_claims(&mut world, few, HOUR);
        world.run_for(150);
    }
    assert_removed_within(&mut world, 60_000, &fabricated);
}

#[test]
fn a_joiner_that_reaches_one_server_keeps_the_others() {
    let mut world = native_world(30);
    world.checks.forbids_false_death = true;
    let joiner = world.add_host();
    for host in world.host_ids().filter(|host| *host != joiner && *host != FIRST) {
        world.cut(joiner, host);
    }
    list(&mut world, &[FIRST], 60_000);
    world.start(joiner, Spec::of(Kind::Native));
    assert_agreement_within(&mut world, 5_000);
    world.run_for(60_000);
    assert_no_violations(&world);
}

#[test]
fn servers_that_start_together_and_listen_late_do_not_count_as_fabricated() {
    let mut world = native_world(10);
    let late: Vec<HostId> =
        (0..16).map(|_| world.join(Spec { listens_after: 20_000, ..Spec::of(Kind::Native) })).collect();
    world.run_for(1_000);
    for _ in 0..400 {
        world.run_for(100);
        assert_eq!(shown(&world, &late), late.len(), "at {} ms", world.time);
        assert_eq!(world.disagreement(), None);
    }
    assert_no_violations(&world);
}
