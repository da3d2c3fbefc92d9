//! The protocol in simulated worlds.

mod addresses;
mod attacker;
mod clocks;
mod faulty;
mod golden;
mod mixed;
mod news;
mod own_url;
mod scale;
mod strangers;
mod sweep;

use super::clock::Millis;
use super::spec::{Kind, Spec};
use super::wire::HostId;
use super::world::World;

/// A world of native servers that know each other and have reached a steady state.
fn native_world(count: usize) -> World {
    world_of(&vec![Spec::of(Kind::Native); count])
}

/// The same with these servers.
fn world_of(specs: &[Spec]) -> World {
    let mut world = World::new(1);
    world.populate(specs);
    world.run_for(5_000);
    world
}

/// Runs the world until all native servers agree with the truth; panics after `timeout`. Returns
/// the duration.
#[track_caller]
fn assert_agreement_within(world: &mut World, timeout: Millis) -> Millis {
    let begin = world.time;
    while let Some(found) = world.disagreement() {
        assert!(world.time < begin + timeout, "after {timeout} ms: {found}");
        world.run_for(50);
    }
    world.time - begin
}

/// Checks every tenth of a second that all native servers agree with the truth.
#[track_caller]
fn assert_agreement_throughout(world: &mut World, duration: Millis) {
    let end = world.time + duration;
    while world.time < end {
        world.run_for(100);
        assert_eq!(world.disagreement(), None);
    }
}

#[track_caller]
fn assert_no_violations(world: &World) {
    assert_eq!(world.checks.violations, []);
}

const FIRST: HostId = HostId(0);
const SECOND: HostId = HostId(1);
