//! A server's own URL, which others may share or which may be unreachable.

use super::{
    FIRST, SECOND, assert_agreement_throughout, assert_agreement_within, assert_no_violations, native_world,
};
use crate::sim::clock::Millis;
use crate::sim::host::Port;
use crate::sim::spec::{Kind, Spec};
use crate::sim::wire::{HostId, ProcessId};
use crate::sim::world::World;

/// Opens or closes the port of a host, while its processes continue.
fn set_port(world: &mut World, host: HostId, port: Port) {
    let host = &mut world.hosts[host.index()];
    host.port = port;
    host.should_be_online = port == Port::Open;
}

/// Returns how often others declare a host offline, and the share of views that show it online.
fn observe_host(world: &mut World, host: HostId, duration: Millis) -> (usize, f64) {
    let url = world.hosts[host.index()].url.clone();
    let sees = |world: &World| -> Vec<bool> {
        let others =
            world.processes.iter().filter(|process| process.engine.is_some() && process.host != host);
        others.map(|process| process.sees_online(&url)).collect()
    };
    let (mut deaths, mut shown, mut samples) = (0, 0, 0);
    let mut before = sees(world);
    for _ in 0..duration / 20 {
        world.run_for(20);
        let after = sees(world);
        deaths += std::iter::zip(&before, &after).filter(|(before, after)| **before && !**after).count();
        shown += after.iter().filter(|sees| **sees).count();
        samples += after.len();
        before = after;
    }
    (deaths / before.len(), shown as f64 / samples as f64)
}

/// A world with two processes behind the first URL that have run for a while.
fn siblings(count: usize) -> (World, [ProcessId; 2]) {
    let mut world = native_world(count);
    world.start(FIRST, Spec::of(Kind::Native));
    world.run_for(15_000);
    let [first, second] = world.hosts[FIRST.index()].processes[..] else { panic!("two share the URL") };
    (world, [first, second])
}

#[test]
fn a_server_that_sends_but_does_not_listen_is_offline_until_reachable() {
    for count in [3, 10, 30] {
        let mut world = native_world(count);
        world.run_for(20_000);
        for time in ["first", "second"] {
            set_port(&mut world, FIRST, Port::Closed);
            let (deaths, _) = observe_host(&mut world, FIRST, 12_000);
            let (later, shown) = observe_host(&mut world, FIRST, 40_000);
            set_port(&mut world, FIRST, Port::Open);
            let back = assert_agreement_within(&mut world, 10_000);
            println!("{count} servers, {time} time: {deaths} deaths, back after {back} ms");
            assert!(deaths <= 2 && later == 0 && shown == 0.0, "{later} deaths later, shown in {shown}");
            assert_agreement_throughout(&mut world, 30_000);
        }
        assert_no_violations(&world);
    }
}

#[test]
fn a_server_that_no_message_reaches_goes_offline() {
    let mut world = native_world(10);
    world.run_for(20_000);
    for host in world.host_ids().skip(1) {
        world.cut(host, FIRST);
    }
    world.hosts[FIRST.index()].should_be_online = false;
    // Its own URL still answers to itself, as no firewall is in between. So it refutes, as nothing
    // shows that it is wrong.
    let (_, shown) = observe_host(&mut world, FIRST, 30_000);
    assert!(shown > 0.0);
    assert_no_violations(&world);
}

#[test]
fn a_server_with_blocked_javascript_does_not_count_as_unreachable() {
    for count in [3, 10, 25] {
        let mut world = native_world(count);
        world.hosts.iter_mut().for_each(|host| host.started_at = 0);
        world.run_for(30_000);
        world.checks.forbids_false_death = true;
        for _ in 0..5 {
            world.stall(FIRST, 7_000);
            world.run_for(15_000);
        }
        assert_eq!(world.disagreement(), None, "{count} servers");
        assert_no_violations(&world);
    }
}

#[test]
fn the_leave_of_one_sibling_keeps_the_url_online() {
    for (count, leaver) in [(3, 0), (3, 1), (10, 0), (10, 1)] {
        let (mut world, processes) = siblings(count);
        world.checks.forbids_false_death = true;
        world.leave_process(processes[leaver]);
        let end = world.time + 20_000;
        while world.time < end {
            world.run_for(5);
            assert_eq!(world.disagreement(), None, "{count} servers, process {leaver}");
        }
        // The other process is the last one, so the URL goes offline at once.
        world.leave(FIRST);
        assert_agreement_within(&mut world, 1_500);
        assert_agreement_throughout(&mut world, 20_000);
        assert_no_violations(&world);
    }
}

#[test]
fn siblings_that_leave_together_are_offline_at_once() {
    let (mut world, _) = siblings(5);
    world.leave(FIRST);
    assert_agreement_within(&mut world, 1_500);
    assert_agreement_throughout(&mut world, 20_000);
    assert_no_violations(&world);
}

#[test]
fn a_url_whose_last_process_died_during_a_siblings_leave_goes_offline() {
    for pause in [0, 1, 3, 50] {
        let (mut world, [first, _]) = siblings(5);
        world.leave_process(first);
        world.run_for(pause);
        world.crash(FIRST);
        let took = assert_agreement_within(&mut world, 12_000);
        println!("offline after {took} ms");
        assert_agreement_throughout(&mut world, 20_000);
        assert_no_violations(&world);
    }
}

#[test]
fn a_restarted_server_has_no_sibling_and_announces_its_leave() {
    let mut world = native_world(5);
    world.restart(SECOND, Spec::of(Kind::Native));
    world.run_for(20_000);
    world.leave(SECOND);
    assert_agreement_within(&mut world, 1_500);
    assert_no_violations(&world);
}
