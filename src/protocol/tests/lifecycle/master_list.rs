//! Downloads of the master list.

use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::rig::{A, B, Listed, ME};
use crate::protocol::tests::support::world::{EPOCH, World, config};

/// A world whose machine announces itself every second.
pub(in crate::protocol::tests) fn announcing_every_second(list: Option<&str>) -> World {
    let mut world = World::new(4);
    world.store.body = list.map(str::to_owned);
    let mut config = config(ME);
    config.master_list.announce_minimum = std::time::Duration::from_secs(1);
    config.master_list.announce_interval = std::time::Duration::ZERO;
    world.start(config, 0);
    world
}

pub(in crate::protocol::tests) fn online(url: &str, stamp: u64) -> String {
    format!(r#"{{"baseUrl":"{url}","monitor":false,"lastUpdate":{stamp}}}"#)
}

pub(in crate::protocol::tests) fn list(entries: &[String]) -> String {
    format!(r#"{{"online":[{}]}}"#, entries.join(","))
}

#[test]
fn an_unknown_entry_counts_at_once_and_is_verified() {
    let mut world = World::new(4);
    world.set_fake(A, Fake::Held);
    world.store.body = Some(list(&[online(A, 0)]));
    world.start(config(ME), 0);
    world.run_for(5);
    assert_eq!(world.listed(A), Listed::Online(0));
    let id = world.last_to(A);
    world.set_fake(A, Fake::Refuses);
    world.fail(id);
    world.run_for(10_000);
    assert!(!world.is_online(A));
}

#[test]
fn hand_written_lists_are_accepted() {
    let mut world = World::new(4);
    world.set_fake(A, Fake::Online);
    world.store.body =
        Some("\u{feff}{\"online\":[{\"baseUrl\":\"http://a\",\"lastUpdate\":0},7,null]}".to_owned());
    world.start(config(ME), 0);
    world.run_for(100);
    assert!(world.is_online(A));
}

#[test]
fn a_tombstone_beats_the_list() {
    let mut world = World::alone();
    world.find_dead(B);
    world.store.body = Some(list(&[online(B, EPOCH - 1)]));
    world.act(ME, |machine, now| machine.announce_to_master_list(now));
    world.run_for(5_000);
    assert!(!world.is_online(B));
    assert!(!world.store.body.clone().unwrap().contains(B));
}

#[test]
fn downloads_happen_at_announcements() {
    let mut world = World::alone();
    world.run_for(9_000_000);
    let pauses: Vec<u64> = world.downloads().windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.len() > 12);
    assert!(pauses.iter().all(|pause| (300_000..=900_200).contains(pause)), "{pauses:?}");
}

#[test]
fn a_late_or_unknown_outcome_is_ignored() {
    let mut world = announcing_every_second(None);
    world.run_for(10_000);
    let ids: Vec<_> = world.sent.iter().map(|sent| sent.id).collect();
    let before = (world.sent.len(), world.nodes[ME].machine.lists());
    for id in ids {
        world.act(ME, |machine, now| {
            machine.handle_download(now, id, &Err("late".to_owned().into()));
            machine.handle_upload(now, id, &crate::protocol::wire::document::Upload::Answer(412, None));
        });
    }
    assert_eq!((world.sent.len(), world.nodes[ME].machine.lists()), before);
}
