//! What programs are told about native servers.

use super::{FIRST, SECOND, assert_no_violations, native_world};
use crate::protocol::news::{News, NewsCause};
use crate::protocol::status::Status;
use crate::sim::clock::present;
use crate::sim::world::World;

/// The changes of the first host's server that the second one was told after this number.
fn changes(world: &World, view: u64) -> Vec<(Option<Status>, NewsCause)> {
    let subject = &world.hosts[FIRST.index()].url;
    let missed = machine(world).missed(Some(view), present(world.time, 0));
    let news = missed.news.iter().filter(|news| news.base_url == *subject);
    news.map(|News { state, cause, .. }| (*state, *cause)).collect()
}

fn view(world: &World) -> u64 {
    machine(world).summary(present(world.time, 0)).view
}

fn machine(world: &World) -> &crate::protocol::machine::Machine {
    world.processes[SECOND.index()].machine().unwrap()
}

#[test]
fn a_host_that_vanishes_is_suspected_and_then_declared_dead() {
    let mut world = native_world(10);
    let begin = view(&world);
    world.vanish(FIRST);
    world.run_for(60_000);
    let told = changes(&world, begin);
    let states: Vec<Option<Status>> = told.iter().map(|(state, _)| *state).collect();
    assert_eq!(states, [Some(Status::Suspect), Some(Status::Dead)], "{told:?}");
    assert!(told.iter().all(|(_, cause)| matches!(cause, NewsCause::Silent | NewsCause::Rumour)), "{told:?}");
    assert_no_violations(&world);
}

#[test]
fn a_leave_and_a_return_are_told_as_the_server_or_others_say() {
    let mut world = native_world(10);
    let begin = view(&world);
    world.drain(FIRST);
    world.run_for(10_000);
    world.bring_back(FIRST);
    world.run_for(10_000);
    let told = changes(&world, begin);
    let states: Vec<Option<Status>> = told.iter().map(|(state, _)| *state).collect();
    assert_eq!(states, [Some(Status::Left), Some(Status::Online)], "{told:?}");
    let causes = [NewsCause::Said, NewsCause::Rumour, NewsCause::Answered];
    assert!(told.iter().all(|(_, cause)| causes.contains(cause)), "{told:?}");
    assert_no_violations(&world);
}
