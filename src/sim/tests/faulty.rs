//! One fault at a time, among native servers.

use super::{
    FIRST, SECOND, assert_agreement_throughout, assert_agreement_within, assert_no_violations, native_world,
};
use crate::protocol::status::Status;
use crate::sim::spec::{Kind, Spec};
use crate::sim::wire::HostId;
use crate::sim::world::World;

/// All others always list a server as online, though it starts to listen some time after its start.
fn listens_late(mut world: World, late: HostId, seconds: u64) {
    world.run_for(1_000);
    world.checks.forbids_false_death = true;
    let url = world.hosts[late.index()].url.clone();
    for _ in 0..(seconds + 10) * 10 {
        world.run_for(100);
        let buried = world.processes.iter().filter(|process| process.engine.is_some()).find(|process| {
            process.view(&url).is_some_and(|view| matches!(view.status, Status::Dead | Status::Left))
        });
        assert!(
            buried.is_none(),
            "{:?} declared it dead at {} ms",
            buried.map(|process| process.host),
            world.time
        );
    }
    assert_agreement_throughout(&mut world, 30_000);
    assert_no_violations(&world);
}

fn late(seconds: u64) -> Spec {
    Spec { listens_after: seconds * 1_000, ..Spec::of(Kind::Native) }
}

#[test]
fn a_server_that_listens_late_is_never_shown_offline() {
    for (count, seconds, loss) in [
        (1, 25, 0.0),
        (2, 25, 0.0),
        (3, 25, 0.01),
        (10, 8, 0.0),
        (10, 25, 0.05),
        (60, 25, 0.01),
        (10, 90, 0.0),
    ] {
        let mut world = native_world(count);
        world.network.loss = loss;
        let host = world.join(late(seconds));
        listens_late(world, host, seconds);
    }
}

#[test]
fn a_server_that_restarts_at_once_and_listens_late_is_never_shown_offline() {
    for count in [2, 10] {
        let mut world = native_world(count);
        world.run_for(30_000);
        world.restart(FIRST, late(25));
        listens_late(world, FIRST, 25);
    }
}

#[test]
fn a_server_that_never_listened_is_offline_soon_after_its_death() {
    for count in [1, 2, 3, 10, 60] {
        for lived in [200, 1_500, 10_000, 40_000] {
            let mut world = native_world(count);
            world.network.loss = 0.01;
            let host = world.join(late(3_600));
            world.run_for(lived);
            world.crash(host);
            let took = assert_agreement_within(&mut world, 12_000);
            println!("{count} servers: offline {took} ms after it died, {lived} ms old");
            assert_agreement_throughout(&mut world, 20_000);
            assert_no_violations(&world);
        }
    }
}

#[test]
fn a_server_with_javascript_blocked_for_5_s_is_not_declared_dead() {
    for count in [3, 10, 25] {
        let mut world = native_world(count);
        world.network.loss = 0.01;
        world.hosts.iter_mut().for_each(|host| host.started_at = 0);
        world.run_for(30_000);
        world.checks.forbids_false_death = true;
        for _ in 0..10 {
            world.stall(FIRST, 5_000);
            world.run_for(20_000);
        }
        assert_eq!(world.disagreement(), None, "{count} servers");
        assert_no_violations(&world);
    }
}

#[test]
fn a_one_way_cut_causes_no_death() {
    let mut world = native_world(10);
    world.run_for(30_000);
    world.checks.forbids_false_death = true;
    world.cut(FIRST, SECOND);
    assert_agreement_throughout(&mut world, 60_000);
    assert_no_violations(&world);
}

#[test]
fn a_vanished_host_is_known_to_all_in_time() {
    let mut world = native_world(100);
    world.vanish(FIRST);
    assert_agreement_within(&mut world, 11_000);
    assert_agreement_throughout(&mut world, 10_000);
    assert_no_violations(&world);
}

#[test]
fn a_server_that_vanishes_repeatedly_is_detected_each_time() {
    for count in [2, 3] {
        let mut world = native_world(count);
        let begin = world.time;
        for _ in 0..3 {
            world.vanish(FIRST);
            assert_agreement_within(&mut world, 13_000);
            world.restart(FIRST, Spec::of(Kind::Native));
            assert_agreement_within(&mut world, 2_000);
            // Until it has answered, it may not be listening yet.
            world.run_for(3_000);
        }
        assert!(world.time - begin < 60_000, "{count} servers: {} ms", world.time - begin);
        assert_no_violations(&world);
    }
}

#[test]
fn a_closed_port_is_known_to_all_in_time() {
    let mut world = native_world(100);
    world.crash(FIRST);
    assert_agreement_within(&mut world, 5_500);
    assert_agreement_throughout(&mut world, 10_000);
    assert_no_violations(&world);
}

#[test]
fn a_restart_storm_ends_in_agreement() {
    let mut world = native_world(50);
    for host in world.host_ids() {
        world.crash(host);
        world.run_for(200);
        world.restart(host, Spec::of(Kind::Native));
        world.run_for(300);
    }
    assert_agreement_within(&mut world, 10_000);
    assert_agreement_throughout(&mut world, 10_000);
    assert_no_violations(&world);
}

#[test]
fn all_restart_at_once_and_agree() {
    let mut world = native_world(30);
    for host in world.host_ids() {
        world.crash(host);
    }
    world.run_for(2_000);
    for host in world.host_ids() {
        world.restart(host, Spec::of(Kind::Native));
    }
    assert_agreement_within(&mut world, 60_000);
    assert_no_violations(&world);
}

#[test]
fn a_partition_heals() {
    let mut world = native_world(20);
    world.partition(|host| host.index() < 10);
    world.run_for(120_000);
    world.heal();
    let took = assert_agreement_within(&mut world, 60_000);
    assert_agreement_throughout(&mut world, 10_000);
    assert_no_violations(&world);
    assert!(took > 0, "no server noticed the partition");
}

#[test]
fn an_isolated_server_does_not_declare_the_others_dead() {
    let mut world = native_world(10);
    world.partition(|host| host == FIRST);
    world.run_for(60_000);
    let alone = &world.processes[0];
    let dead = world.hosts.iter().filter(|host| !alone.sees_online(&host.url)).count();
    // It suspects most of them, because its own isolation is more likely than their deaths.
    assert!(dead <= 2, "an isolated server declared {dead} of 9 dead");
    world.heal();
    assert_agreement_within(&mut world, 60_000);
    assert_no_violations(&world);
}

#[test]
fn a_drained_server_stays_offline_until_it_is_brought_back() {
    let mut world = native_world(10);
    world.drain(FIRST);
    assert_agreement_within(&mut world, 1_000);
    assert_agreement_throughout(&mut world, 60_000);
    world.bring_back(FIRST);
    assert_agreement_within(&mut world, 1_000);
    assert_agreement_throughout(&mut world, 60_000);
    assert_no_violations(&world);
}

#[test]
fn two_processes_behind_one_url_coexist() {
    let mut world = native_world(5);
    world.start(FIRST, Spec::of(Kind::Native));
    world.run_for(10_000);
    world.checks.forbids_false_death = true;
    assert_agreement_throughout(&mut world, 60_000);
    // One of the two leaves; the other refutes that.
    let one = world.hosts[FIRST.index()].processes[0];
    world.leave_process(one);
    world.run_for(15_000);
    assert_agreement_throughout(&mut world, 30_000);
    assert_no_violations(&world);
}

#[test]
fn clocks_off_by_hours_are_harmless() {
    let mut world = crate::sim::world::World::new(5);
    let spec = |hours: i64| Spec { wall_offset: hours * 3_600_000, ..Spec::of(Kind::Native) };
    world.populate(&[spec(0), spec(-9), spec(9), spec(0), spec(3), spec(-1)]);
    world.run_for(5_000);
    assert_agreement_throughout(&mut world, 30_000);
    for host in (0..6).map(HostId) {
        let hours = if host.0.is_multiple_of(2) { 11 } else { -11 };
        world.crash(host);
        assert_agreement_within(&mut world, 15_000);
        // Its clock has been corrected.
        world.restart(host, spec(hours));
        assert_agreement_within(&mut world, 15_000);
        assert_agreement_throughout(&mut world, 5_000);
    }
    assert_no_violations(&world);
}

#[test]
fn a_start_without_a_master_list_resolves_and_joins_later() {
    let mut world = native_world(10);
    world.store.set_fault(crate::sim::store::Fault::Down);
    world.join(Spec::of(Kind::Native));
    world.run_for(60_000);
    world.store.set_fault(crate::sim::store::Fault::None);
    assert_agreement_within(&mut world, 75_000);
    assert_no_violations(&world);
}
