//! Wall clocks that are wrong, jump or are set back.

use crate::protocol::status::Control;
use std::time::Duration;

use super::{
    FIRST, SECOND, assert_agreement_throughout, assert_agreement_within, assert_no_violations, native_world,
};
use crate::sim::clock::{EPOCH, Glitch, Millis};
use crate::sim::spec::{Kind, Spec};
use crate::sim::wire::HostId;
use crate::sim::world::World;

const HOUR: i64 = 3_600_000;

#[test]
fn a_drained_server_that_restarted_with_its_clock_set_back_is_offline_everywhere() {
    let mut world = native_world(6);
    world.restart(FIRST, Spec { wall_offset: 3 * HOUR, ..Spec::of(Kind::Native) });
    assert_agreement_within(&mut world, 10_000);
    // No server tells it of its earlier life before it is drained.
    world.partition(|host| host == FIRST);
    world.store.set_fault(crate::sim::store::Fault::Down);
    world.restart(FIRST, Spec { wall_offset: -3 * HOUR, ..Spec::of(Kind::Native) });
    world.run_for(500);
    world.drain(FIRST);
    world.run_for(500);
    world.heal();
    assert_agreement_within(&mut world, 75_000);
    assert_agreement_throughout(&mut world, 30_000);
    world.bring_back(FIRST);
    assert_agreement_within(&mut world, 2_000);
    assert_agreement_throughout(&mut world, 30_000);
    assert_no_violations(&world);
}

const DAY: i64 = 24 * HOUR;
const YEARS_SINCE_1970: i64 = EPOCH as i64;
/// Time in which views become complete once a clock is right, in milliseconds.
const CONVERGENCE_TIME: Millis = 20_000;

fn starts_with(glitch: Glitch) -> Spec {
    Spec { glitch, ..Spec::of(Kind::Native) }
}

/// Native servers and legacy peers, which gossip every second.
fn cluster(legacies: usize) -> World {
    let mut world = World::new(7);
    world.template().config.gossip_interval = Duration::from_secs(1);
    let specs = [vec![Spec::of(Kind::Native); 6], vec![Spec::of(Kind::Legacy); legacies]].concat();
    world.populate(&specs);
    world.run_for(5_000);
    world
}

/// Others accept that it drains, and that it comes back.
#[track_caller]
fn assert_claims_are_accepted(world: &mut World, host: HostId) {
    for control in [Control::Drain, Control::Return] {
        world.control(host, control);
        assert_agreement_within(world, CONVERGENCE_TIME);
        assert_agreement_throughout(world, 5_000);
    }
    assert_no_violations(world);
}

#[test]
fn a_server_that_starts_days_ahead_is_shown_once_its_clock_is_right() {
    for legacies in [0, 4] {
        for days in [2, 400] {
            let mut world = cluster(legacies);
            let late = world.join(starts_with(Glitch { by: days * DAY, lasts: 1_000 }));
            world.run_for(1_000);
            assert_agreement_within(&mut world, CONVERGENCE_TIME);
            assert_agreement_throughout(&mut world, 30_000);
            assert_claims_are_accepted(&mut world, late);
        }
    }
}

#[test]
fn a_server_that_starts_in_1970_joins_once_its_clock_is_right() {
    for lasts in [1_000, 30_000] {
        let mut world = cluster(0);
        let late = world.join(starts_with(Glitch { by: -YEARS_SINCE_1970, lasts }));
        world.run_for(lasts);
        assert_agreement_within(&mut world, CONVERGENCE_TIME);
        assert_agreement_throughout(&mut world, 30_000);
        assert_claims_are_accepted(&mut world, late);
    }
}

#[test]
fn a_restart_in_1970_supersedes_the_earlier_run_once_the_clock_is_right() {
    let mut world = cluster(0);
    for drains in [false, true] {
        world.restart(FIRST, starts_with(Glitch { by: -YEARS_SINCE_1970, lasts: 4_000 }));
        if drains {
            world.run_for(500);
            world.drain(FIRST);
        }
        world.run_for(4_000);
        assert_agreement_within(&mut world, CONVERGENCE_TIME);
        assert_agreement_throughout(&mut world, 30_000);
        world.bring_back(FIRST);
        assert_claims_are_accepted(&mut world, FIRST);
    }
}

#[test]
fn claims_of_a_server_whose_clock_jumped_for_3_s_are_accepted() {
    for legacies in [0, 4] {
        for by in [2 * DAY, -2 * DAY, 9 * HOUR, -9 * HOUR, 1_000 * DAY] {
            let mut world = cluster(legacies);
            world.glitch_clock(FIRST, Glitch { by, lasts: 3_000 });
            world.run_for(3_000);
            assert_claims_are_accepted(&mut world, FIRST);
            // A pause, for which it is declared dead.
            world.glitch_clock(FIRST, Glitch { by, lasts: 3_000 });
            world.run_for(1_000);
            world.stall(FIRST, 2_000);
            world.partition(|host| host == FIRST);
            world.run_for(45_000);
            world.heal();
            assert_agreement_within(&mut world, CONVERGENCE_TIME);
            assert_claims_are_accepted(&mut world, FIRST);
        }
    }
}

#[test]
fn a_server_that_left_and_is_back_without_the_extension_is_shown_though_its_clock_is_behind() {
    for legacies in [1, 4] {
        let mut world = cluster(legacies);
        world.step_clock(FIRST, 3 * HOUR);
        world.run_for(60_000);
        world.leave(FIRST);
        world.run_for(10_000);
        world.restart(FIRST, Spec { wall_offset: -HOUR, ..Spec::of(Kind::Legacy) });
        // It believes its tombstone, on and off, until others have withdrawn that.
        world.run_for(240_000);
        assert_agreement_throughout(&mut world, 60_000);
        assert!(
            world
                .processes
                .iter()
                .filter(|process| process.is_running())
                .all(|process| { process.sees_online(&world.hosts[FIRST.index()].url) })
        );
        assert_no_violations(&world);
    }
}

#[test]
fn a_clock_that_was_ahead_leaves_no_trace_among_native_servers() {
    let mut world = cluster(0);
    for host in [HostId(0), HostId(1), HostId(2)] {
        world.glitch_clock(host, Glitch { by: 3 * DAY, lasts: 300_000 });
    }
    world.run_for(60_000);
    // A server that starts, drains and returns there has an incarnation from that clock.
    world.restart(SECOND, starts_with(Glitch { by: 3 * DAY, lasts: 240_000 }));
    let last = world.join(starts_with(Glitch { by: 3 * DAY, lasts: 240_000 }));
    world.run_for(60_000);
    world.drain(SECOND);
    world.run_for(20_000);
    world.bring_back(SECOND);
    world.run_for(160_000);
    assert_agreement_within(&mut world, CONVERGENCE_TIME);
    assert_agreement_throughout(&mut world, 60_000);
    for host in [FIRST, SECOND, last] {
        assert_claims_are_accepted(&mut world, host);
    }
    world.crash(SECOND);
    assert_agreement_within(&mut world, CONVERGENCE_TIME);
    assert_agreement_throughout(&mut world, 30_000);
    assert_no_violations(&world);
}

#[test]
fn servers_with_clocks_over_a_day_apart_do_not_sync_endlessly() {
    let mut world = cluster(0);
    world.join(Spec { wall_offset: 3 * DAY, ..Spec::of(Kind::Native) });
    world.run_for(60_000);
    let before: u64 = world.processes.iter().map(|process| process.sent.bytes).sum();
    world.run_for(60_000);
    let bytes = world.processes.iter().map(|process| process.sent.bytes).sum::<u64>() - before;
    let rate = bytes as f64 / 60.0 / world.processes.len() as f64;
    assert!(rate < 2_000.0, "{rate} bytes per second");
}
