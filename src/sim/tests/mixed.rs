//! Natives among others: the original, servers with the extension off, proxies that strip it.

use super::{FIRST, SECOND, agree_throughout, agree_within, no_violations, of};
use crate::sim::process::Stage;
use crate::sim::spec::{Kind, Spec};
use crate::sim::wire::HostId;
use crate::sim::world::World;

fn mix(kinds: &[(Kind, usize)]) -> World {
    let specs: Vec<Spec> =
        kinds.iter().flat_map(|(kind, count)| std::iter::repeat_n(Spec::of(*kind), *count)).collect();
    of(&specs)
}

/// A server leaves gracefully and comes back with something else.
fn replace(world: &mut World, host: HostId, kind: Kind) {
    world.leave(host);
    world.run_until(12_000, |world| {
        world.processes.iter().all(|process| process.host != host || process.stage == Stage::Ended)
    });
    world.run_for(1_000);
    world.restart(host, Spec::of(kind));
}

#[test]
fn a_rolling_upgrade_loses_nobody_and_so_does_its_rollback() {
    let mut world = mix(&[(Kind::Legacy, 8)]);
    for kind in [Kind::Native, Kind::Legacy] {
        for host in world.host_ids() {
            replace(&mut world, host, kind);
            agree_within(&mut world, 120_000);
        }
    }
    no_violations(&world);
}

#[test]
fn the_last_legacy_peer_of_an_upgrade_is_not_asked_by_everybody() {
    let mut world = mix(&[(Kind::Legacy, 1), (Kind::Native, 200)]);
    world.run_for(30_000);
    let before = world.hosts[FIRST.index()].received();
    world.run_for(120_000);
    let rate = (world.hosts[FIRST.index()].received() - before) as f64 / 120.0;
    // One exchange an interval is its share, and one each 5 s for news.
    assert!(rate <= 1.0, "{rate} requests a second");
    assert_eq!(world.disagreement(), None);
    no_violations(&world);
}

#[test]
fn one_server_goes_back_to_the_original() {
    let mut world = mix(&[(Kind::Native, 10)]);
    replace(&mut world, FIRST, Kind::Legacy);
    agree_within(&mut world, 60_000);
    world.run_for(60_000);
    agree_throughout(&mut world, 120_000);
    world.crash(FIRST);
    agree_within(&mut world, 120_000);
    no_violations(&world);
}

#[test]
fn one_server_with_the_extension_off_is_a_member_like_any_other() {
    let mut world = mix(&[(Kind::Plain, 1), (Kind::Native, 9)]);
    agree_throughout(&mut world, 120_000);
    world.crash(SECOND);
    agree_within(&mut world, 120_000);
    world.restart(SECOND, Spec::of(Kind::Native));
    agree_within(&mut world, 60_000);
    world.crash(FIRST);
    agree_within(&mut world, 120_000);
    no_violations(&world);
}

#[test]
fn a_proxy_that_strips_the_extension_makes_a_legacy_peer() {
    let mut world = mix(&[(Kind::Native, 10)]);
    world.hosts[FIRST.index()].strips_v2 = true;
    world.run_for(30_000);
    world.checks.forbids_false_death = true;
    agree_throughout(&mut world, 120_000);
    world.crash(FIRST);
    // It is met once an interval on average, as any peer of the original: now and then it takes several.
    agree_within(&mut world, 300_000);
    no_violations(&world);
}

#[test]
fn legacy_peers_hear_of_a_death_within_three_minutes() {
    let mut world = mix(&[(Kind::Native, 10), (Kind::Legacy, 90)]);
    world.run_for(60_000);
    let url = world.hosts[FIRST.index()].url.clone();
    world.crash(FIRST);
    let all_know = |world: &World| {
        let mut others = world.processes.iter().filter(|process| process.engine.is_some());
        others.all(|process| !process.sees_online(&url))
    };
    assert!(world.run_until(180_000, all_know), "after three minutes not all know");
    no_violations(&world);
}

#[test]
fn the_dead_do_not_come_back_among_legacy_peers() {
    let mut world = mix(&[(Kind::Native, 5), (Kind::Legacy, 5)]);
    world.crash(FIRST);
    world.crash(HostId(9));
    agree_within(&mut world, 120_000);
    // Legacy peers may bring them back for a moment, which natives find out.
    for _ in 0..20 {
        world.run_for(30_000);
        agree_within(&mut world, 30_000);
    }
    no_violations(&world);
}
