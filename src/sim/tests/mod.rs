//! The protocol in made-up worlds.

mod addresses;
mod clocks;
mod faulty;
mod golden;
mod mixed;
mod own_url;
mod scale;
mod strangers;
mod sweep;

use super::clock::Millis;
use super::spec::{Kind, Spec};
use super::wire::HostId;
use super::world::World;

/// A world of so many native servers that know each other and have found their pace.
fn natives(count: usize) -> World {
    of(&vec![Spec::of(Kind::Native); count])
}

/// The same with these servers.
fn of(specs: &[Spec]) -> World {
    let mut world = World::new(1);
    world.populate(specs);
    world.run_for(5_000);
    world
}

/// Lets the world run until all natives hold the truth, at most so long; returns how long it took.
#[track_caller]
fn agree_within(world: &mut World, patience: Millis) -> Millis {
    let begin = world.time;
    while let Some(found) = world.disagreement() {
        assert!(world.time < begin + patience, "after {patience} ms: {found}");
        world.run_for(50);
    }
    world.time - begin
}

/// Looks every tenth of a second for so long: all natives have to hold the truth all the time.
#[track_caller]
fn agree_throughout(world: &mut World, duration: Millis) {
    let end = world.time + duration;
    while world.time < end {
        world.run_for(100);
        assert_eq!(world.disagreement(), None);
    }
}

#[track_caller]
fn no_violations(world: &World) {
    assert_eq!(world.checks.violations, []);
}

const FIRST: HostId = HostId(0);
const SECOND: HostId = HostId(1);
