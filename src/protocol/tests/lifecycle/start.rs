//! The start: download, greeting, running.

use std::time::Duration;

use crate::protocol::context::config::Config;
use crate::protocol::context::output::Severity;
use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::rig::{A, B, C, Listed, ME, entries};
use crate::protocol::tests::support::world::{EPOCH, World, config};
use crate::protocol::wire::message::Lists;

fn list_of(peers: &[&str], monitors: &[&str]) -> String {
    let peers =
        peers.iter().map(|url| format!(r#"{{"baseUrl":"{url}","monitor":false,"lastUpdate":{EPOCH}}}"#));
    let monitors =
        monitors.iter().map(|url| format!(r#"{{"baseUrl":"{url}","monitor":true,"lastUpdate":{EPOCH}}}"#));
    let all: Vec<_> = peers.chain(monitors).collect();
    format!(r#"{{"online":[{}]}}"#, all.join(","))
}

fn start(list: Option<String>, fakes: &[(&str, Fake)]) -> World {
    let mut world = World::new(5);
    world.store.body = list;
    for (url, fake) in fakes {
        world.set_fake(url, fake.clone());
    }
    world.start(config(ME), 0);
    world
}

#[test]
fn the_answers_to_the_greeting_are_merged_and_awaited() {
    let says =
        Fake::Says(Lists { online: entries(&[(A, EPOCH), (C, EPOCH)]), offline: entries(&[(B, EPOCH + 9)]) });
    let mut world = start(Some(list_of(&[A, B], &[])), &[(A, says), (B, Fake::Held), (C, Fake::Online)]);
    world.run_for(10);
    assert!(world.is_online(C) && !world.is_online(B));
    assert!(!world.has_started(), "B has not answered yet");
    let id = world.last_to(B);
    world.fail(id);
    assert!(world.has_started());
}

#[test]
fn twenty_random_servers_and_all_monitors_are_greeted_once() {
    let peers: Vec<String> = (0..60).map(|index| format!("http://p{index}/")).collect();
    let monitors: Vec<String> = (0..30).map(|index| format!("http://m{index}/")).collect();
    let refs = |urls: &'_ [String]| urls.iter().map(|url| url.clone().leak() as &str).collect::<Vec<_>>();
    let mut world = start(Some(list_of(&refs(&peers), &refs(&monitors))), &[]);
    for url in peers.iter().chain(&monitors) {
        world.set_fake(url, Fake::Held);
    }
    world.run_for(10);
    assert!(monitors.iter().all(|url| world.gossip_to(url).len() == 1));
    let greeted = world.sent.len() - 1;
    assert!((30 + 1..=30 + 20).contains(&greeted), "{greeted}");
}

#[test]
fn peers_that_hang_delay_a_start_by_at_most_five_seconds() {
    let mut world = start(Some(list_of(&[A], &[])), &[(A, Fake::Held)]);
    world.run_for(4_900);
    assert!(!world.has_started());
    world.run_for(110);
    assert!(world.has_started());
}

#[test]
fn a_start_does_not_wait_for_an_unavailable_list_but_retries() {
    let mut world = World::new(5);
    world.store.next_downloads = [(500, ""); 10].into();
    world.store.body = Some(list_of(&[A], &[]));
    world.set_fake(A, Fake::Online);
    world.start(config(ME), 0);
    world.run_for(10);
    assert!(world.has_started());
    world.run_for(300_000);
    let pauses: Vec<u64> = world.downloads().windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (index, pause) in pauses.iter().take(10).enumerate() {
        let longest = (1_000u64 << index).min(60_000);
        assert!((longest / 2..=longest + 2).contains(pause), "{index}: {pause}");
    }
    assert!(world.is_online(A));
    assert!(!world.gossip_to(A).is_empty(), "it is greeted later");
    assert_eq!(world.logs(Severity::Error)[0], "Failed to download master list from http://store/list:");
    assert!(world.logs(Severity::Error).len() <= 6, "the same failure once a minute");
}

#[test]
fn the_master_list_is_verified_once_the_start_has_resolved() {
    let mut world = start(Some(list_of(&[A], &[])), &[(A, Fake::Held)]);
    world.run_for(3_000);
    world.receive(&[(B, EPOCH)], &[]);
    world.run_for(1_000);
    assert!(world.inquiries_to(B).is_empty());
    assert!(world.is_online(B), "it counts before that");
    let id = world.last_to(A);
    world.fail(id);
    world.run_for(100);
    assert_eq!(world.inquiries_to(B).len(), 1);
}

#[test]
fn a_control_message_during_the_start_counts_at_once_and_is_in_the_greeting() {
    let mut world = start(Some(list_of(&[A], &[])), &[(A, Fake::Online)]);
    world.drain();
    assert!(!world.is_online(ME));
    world.run_for(100);
    assert!(world.has_started() && !world.is_online(ME));
    assert!(world.gossip_to(A).iter().all(|(_, lists)| &*lists.offline[0].base_url == ME));
}

#[test]
fn a_leave_during_the_download_ends_both() {
    let mut world = start(Some(list_of(&[A], &[])), &[(A, Fake::Online)]);
    world.leave();
    assert!(world.has_started() && world.has_shut_down());
    world.run_for(100_000);
    assert!(world.gossip_to(A).is_empty() && world.uploads().is_empty());
    assert_eq!(world.nodes[ME].machine.poll_timeout(), None);
}

#[test]
fn a_leave_during_the_greeting_ends_both_and_is_announced() {
    let mut world = start(Some(list_of(&[A], &[])), &[(A, Fake::Held)]);
    world.run_for(10);
    let greeting = world.last_to(A);
    world.leave();
    assert!(world.has_started() && !world.has_shut_down());
    world.answer(greeting, &[(A, EPOCH)], &[]);
    assert!(!world.has_shut_down(), "that was the answer to another request");
    world.run_for(10);
    let farewell = world.last_to(A);
    assert_ne!(greeting, farewell);
    world.answer(farewell, &[(A, EPOCH)], &[]);
    assert!(world.has_shut_down());
    world.run_for(100_000);
    assert_eq!(world.nodes[ME].machine.poll_timeout(), None);
}

#[test]
fn a_list_of_monitors_only_causes_no_flood() {
    let urls: Vec<String> = (0..5_000).map(|i| format!("http://monitor-{i}/")).collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let mut world = start(Some(list_of(&[], &urls)), &[]);
    world.run_for(10);
    let greeted = urls.iter().filter(|url| !world.gossip_to(url).is_empty()).count();
    assert_eq!(greeted, 120, "20 at random and 100 monitors");
}

#[test]
fn entries_that_hang_do_not_delay_other_verifications() {
    let urls: Vec<String> = (0..80).map(|index| format!("http://p{index}/")).collect();
    let old = EPOCH - 3_600_000;
    let entry = |url| format!(r#"{{"baseUrl":"{url}","monitor":false,"lastUpdate":{old}}}"#);
    let list = urls.iter().map(entry).collect::<Vec<_>>().join(",");
    let mut world = World::new(5);
    world.store.body = Some(format!(r#"{{"online":[{list}]}}"#));
    world.set_fake(A, Fake::Online);
    urls.iter().for_each(|url| world.set_fake(url, Fake::Held));
    // A native server has room for fewer requests at once.
    world.start(Config { probe_interval: Some(Duration::from_secs(1)), ..config(ME) }, 0);
    world.run_for(1_600);
    assert!(world.has_started());
    let wall = world.wall();
    world.receive(&[(A, wall)], &[]);
    world.run_for(1_000);
    assert_eq!(world.inquiries_to(A).len(), 1);
}

#[test]
fn a_hidden_entry_without_a_list_is_tried_by_gossip_before_it_is_buried() {
    for status in [401, 404, 429] {
        let old = EPOCH - 3_600_000;
        let entry = |url| format!(r#"{{"baseUrl":"{url}","monitor":false,"lastUpdate":{old}}}"#);
        let list = format!(r#"{{"online":[{},{}]}}"#, entry(A), entry(B));
        let mut world = start(Some(list), &[(A, Fake::Hangs), (B, Fake::Online)]);
        world.run_for(7_000);
        assert_eq!(world.listed(A), Listed::Unknown, "it is hidden");
        world.set_fake(A, Fake::NoList(status));
        world.run_for(10_000);
        assert!(world.is_online(A), "{status}");
        world.run_for(300_000);
        assert!(world.is_online(A), "{status}: and stays so");
    }
}
