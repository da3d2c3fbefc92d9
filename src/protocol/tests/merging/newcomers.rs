//! New names beyond the limit of a sender, and beyond the limit of the roster.

use std::time::Duration;

use crate::protocol::context::config::Config;
use crate::protocol::context::output::Severity;
use crate::protocol::context::refused::Refused;
use crate::protocol::merging::newcomers::MAX_NAMES;
use crate::protocol::tests::support::native_rig::{
    TARGET, extension_of, machine, native, now, take_messages, urls,
};
use crate::protocol::tests::support::rig::{ME, entry};
use crate::protocol::tests::support::world::{EPOCH, World, config};
use crate::protocol::types::claim::Claim;
use crate::protocol::wire::message::Lists;

const NAMES: usize = MAX_NAMES as usize;
const SURPLUS: usize = 2_000;

fn native_config(url: &str) -> Config {
    Config { probe_interval: Some(Duration::from_secs(1)), ..config(url) }
}

/// A list with more new names than one sender may bring in.
fn too_many() -> Lists {
    Lists { online: urls(NAMES + SURPLUS).map(|url| entry(&url, EPOCH)).collect(), offline: vec![] }
}

fn too_many_claims() -> Vec<Claim> {
    urls(NAMES + SURPLUS).map(|url| native(&url)).collect()
}

/// The number of claims that were refused for this reason.
fn refused(world: &World, reason: Refused) -> u64 {
    world.nodes[ME].machine.metrics().refused_claims[reason as usize]
}

fn known(world: &World) -> usize {
    world.nodes[ME].machine.other_count()
}

#[test]
fn surplus_names_of_a_plain_request_are_ignored_until_a_later_message_brings_them() {
    let mut world = World::alone();
    world.run_for(61_000);
    let answer = world.receive_lists(&too_many());
    assert_eq!(answer.online.len(), 1 + NAMES, "this server, and as many as the limit allows");
    assert_eq!(world.logs(Severity::Warning).len(), 1);
    assert_eq!(refused(&world, Refused::Surplus), SURPLUS as u64);
    world.run_for(12_000);
    world.receive_lists(&too_many());
    assert_eq!(known(&world), NAMES + SURPLUS);
}

#[test]
fn a_joiner_takes_a_whole_list_from_a_plain_request() {
    let mut world = World::alone();
    assert_eq!(world.receive_lists(&too_many()).online.len(), 1 + NAMES + SURPLUS);
}

#[test]
fn surplus_claims_of_a_native_request_are_ignored_and_the_sender_is_not() {
    let mut world = World::new(7);
    world.start(native_config(ME), 0);
    let answer = world.act(ME, |machine, now| {
        let mut message = extension_of("http://sender/");
        message.claims = too_many_claims();
        machine.handle_native_request(now, &message)
    });
    assert_eq!(known(&world), NAMES + 1);
    assert_eq!(answer.fresh.len(), NAMES, "surplus claims were no news");
    let machine = &world.nodes[ME].machine;
    assert!(machine.claim("http://sender/", world.now(ME)).is_some());
}

#[test]
fn surplus_claims_of_an_answer_are_ignored_unless_this_server_has_just_started() {
    for (tick, first) in [(30_000, NAMES + SURPLUS), (61_000, NAMES)] {
        let mut machine = machine(Some(Duration::from_secs(1)), [native(TARGET)].into_iter());
        machine.handle_timeout(now(tick));
        let probe = take_messages(&mut machine).remove(0);
        assert_eq!(&*probe.to, TARGET);
        machine.handle_native_claims(now(tick), probe.id, &too_many_claims());
        assert_eq!(machine.other_count(), 1 + first);
        machine.handle_native_claims(now(tick + 12_000), probe.id, &too_many_claims());
        assert_eq!(machine.other_count(), 1 + NAMES + SURPLUS, "a later answer brings the rest");
    }
}

#[test]
fn the_master_list_has_no_limit_but_that_of_the_roster() {
    let mut world = World::new(7);
    world.store.body = String::from_utf8(too_many().to_gossip_json(None)).ok();
    world.start(Config { max_servers: NAMES + 7, ..config(ME) }, 0);
    world.run_for(1_000);
    assert_eq!(known(&world), NAMES + 7);
    assert_eq!(refused(&world, Refused::Full), (SURPLUS - 7) as u64);
    let warnings = world.logs(Severity::Warning);
    assert!(warnings.len() == 1 && warnings[0].contains("SHAZBOT_MAX_SERVERS"), "{warnings:?}");
}
