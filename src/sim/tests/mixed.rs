//! Native servers among others: legacy peers, servers without the extension, proxies that remove
//! it.

use super::{
    FIRST, SECOND, assert_agreement_throughout, assert_agreement_within, assert_no_violations, world_of,
};
use crate::sim::process::Stage;
use crate::sim::spec::{Kind, Spec};
use crate::sim::wire::HostId;
use crate::sim::world::World;

fn mix(kinds: &[(Kind, usize)]) -> World {
    let specs: Vec<Spec> =
        kinds.iter().flat_map(|(kind, count)| std::iter::repeat_n(Spec::of(*kind), *count)).collect();
    world_of(&specs)
}

/// Makes a server leave gracefully and return as another kind.
fn replace(world: &mut World, host: HostId, kind: Kind) {
    world.leave(host);
    world.run_until(12_000, |world| {
        world.processes.iter().all(|process| process.host != host || process.stage == Stage::Ended)
    });
    world.run_for(1_000);
    world.restart(host, Spec::of(kind));
}

#[test]
fn a_rolling_upgrade_and_its_rollback_lose_no_server() {
    let mut world = mix(&[(Kind::Legacy, 8)]);
    for kind in [Kind::Native, Kind::Legacy] {
        for host in world.host_ids() {
            replace(&mut world, host, kind);
            assert_agreement_within(&mut world, 120_000);
        }
    }
    assert_no_violations(&world);
}

#[test]
fn the_last_legacy_peer_of_an_upgrade_is_not_overloaded() {
    let mut world = mix(&[(Kind::Legacy, 1), (Kind::Native, 200)]);
    world.run_for(30_000);
    let before = world.hosts[FIRST.index()].received();
    world.run_for(120_000);
    let rate = (world.hosts[FIRST.index()].received() - before) as f64 / 120.0;
    // Its share is one exchange per interval, and one every 5 s for news.
    assert!(rate <= 1.0, "{rate} requests per second");
    assert_eq!(world.disagreement(), None);
    assert_no_violations(&world);
}

#[test]
fn a_server_can_be_downgraded_to_version_1() {
    let mut world = mix(&[(Kind::Native, 10)]);
    replace(&mut world, FIRST, Kind::Legacy);
    assert_agreement_within(&mut world, 60_000);
    world.run_for(60_000);
    assert_agreement_throughout(&mut world, 120_000);
    world.crash(FIRST);
    assert_agreement_within(&mut world, 120_000);
    assert_no_violations(&world);
}

#[test]
fn a_server_without_the_extension_is_an_ordinary_member() {
    let mut world = mix(&[(Kind::Plain, 1), (Kind::Native, 9)]);
    assert_agreement_throughout(&mut world, 120_000);
    world.crash(SECOND);
    assert_agreement_within(&mut world, 120_000);
    world.restart(SECOND, Spec::of(Kind::Native));
    assert_agreement_within(&mut world, 60_000);
    world.crash(FIRST);
    assert_agreement_within(&mut world, 120_000);
    assert_no_violations(&world);
}

#[test]
fn a_server_behind_a_proxy_that_removes_the_extension_is_a_legacy_peer() {
    let mut world = mix(&[(Kind::Native, 10)]);
    world.hosts[FIRST.index()].strips_v2 = true;
    world.run_for(30_000);
    world.checks.forbids_false_death = true;
    assert_agreement_throughout(&mut world, 120_000);
    world.crash(FIRST);
    // As a legacy peer, it is contacted once per interval on average; some contacts take several.
    assert_agreement_within(&mut world, 300_000);
    assert_no_violations(&world);
}

#[test]
fn legacy_peers_learn_of_a_death_within_three_minutes() {
    let mut world = mix(&[(Kind::Native, 10), (Kind::Legacy, 90)]);
    world.run_for(60_000);
    let url = world.hosts[FIRST.index()].url.clone();
    world.crash(FIRST);
    let all_know = |world: &World| {
        let mut others = world.processes.iter().filter(|process| process.engine.is_some());
        others.all(|process| !process.sees_online(&url))
    };
    assert!(world.run_until(180_000, all_know), "not all know after three minutes");
    assert_no_violations(&world);
}

#[test]
fn dead_servers_stay_dead_among_legacy_peers() {
    let mut world = mix(&[(Kind::Native, 5), (Kind::Legacy, 5)]);
    world.crash(FIRST);
    world.crash(HostId(9));
    assert_agreement_within(&mut world, 120_000);
    // Legacy peers may bring them back for a moment, which native servers detect.
    for _ in 0..20 {
        world.run_for(30_000);
        assert_agreement_within(&mut world, 30_000);
    }
    assert_no_violations(&world);
}
