//! Which servers `SHAZBOT_ALLOW` admits.

use std::time::Duration;

use crate::protocol::context::config::Config;
use crate::protocol::context::output::Severity;
use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::rig::{A, B, C, Listed, ME, entry, lists, received};
use crate::protocol::tests::support::world::{EPOCH, World, config};
use crate::protocol::types::allow::AllowList;
use crate::protocol::wire::message::{Lists, Refusal, Reply};

fn allowing(patterns: &str) -> impl FnOnce(&mut Config) {
    let list = AllowList::parse(patterns).unwrap();
    |config| config.allowed = Some(list)
}

/// Receives claims, and returns those about servers that have become known.
fn admitted<'a>(world: &mut World, urls: &[&'a str]) -> Vec<&'a str> {
    let claims: Vec<_> = urls.iter().map(|url| (*url, EPOCH)).collect();
    world.receive_lists(&lists(&claims, &[]));
    urls.iter().copied().filter(|url| world.listed(url) != Listed::Unknown).collect()
}

#[test]
fn names_and_literal_addresses_that_no_pattern_matches_are_not_admitted() {
    let mut world = World::with(allowing("a *.b:3000 https://c"));
    let good = ["http://a/", "http://a:1/x/", "http://x.b:3000/", "https://c/"];
    let bad = [
        "http://b/",
        "http://x.b/",
        "http://c/",
        "http://10.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:a00:1]/",
    ];
    assert_eq!(admitted(&mut world, &[&good[..], &bad].concat()), good);
    world.receive_lists(&lists(&[], &bad.map(|url| (url, EPOCH))));
    world.run_for(60_000);
    for url in bad {
        assert_eq!(world.listed(url), Listed::Unknown, "{url}");
        assert_eq!(world.sent_to(url).len(), 0, "{url}");
    }
    assert!(world.sent.iter().any(|sent| sent.to == "http://a/"));
    let warnings = world.logs(Severity::Warning);
    let rejected: Vec<_> = warnings.iter().filter(|warning| warning.contains("SHAZBOT_ALLOW")).collect();
    assert_eq!(rejected.len(), 1, "{warnings:?}");
    assert!(rejected[0].ends_with("such as http://b/"), "{rejected:?}");
}

#[test]
fn with_networks_a_name_is_admitted_until_it_is_resolved() {
    let mut world = World::with(allowing("10.0.0.0/8 https://192.168.0.0/16:3000"));
    let bad = ["http://11.0.0.1/", "http://192.168.0.1:3000/", "https://192.168.0.1/"];
    let good = ["http://10.0.0.1/", "https://192.168.0.1:3000/", "http://name/", "https://name:3000/"];
    assert_eq!(admitted(&mut world, &[&bad[..], &good].concat()), good);
    let mut world = World::with(allowing("10.0.0.0/8:3000"));
    assert_eq!(admitted(&mut world, &["http://name/", "http://name:3000/"]), ["http://name:3000/"]);
}

#[test]
fn without_the_variable_everything_is_admitted() {
    let urls = ["http://a/", "https://127.0.0.1:3000/", "http://[fd00::1]/", "http://10.0.0.1/"];
    assert_eq!(admitted(&mut World::alone(), &urls), urls);
}

/// A world whose machine has been told of A, by name, and has been refused a connection to it.
fn refused() -> World {
    let mut world = World::with(allowing("10.0.0.0/8"));
    world.set_fake(A, Fake::Held);
    let wall = world.wall();
    world.receive(&[(A, wall)], &[]);
    world.run_for(1_000);
    refuse(&mut world);
    world
}

fn refuse(world: &mut World) {
    let id = world.last_to(A);
    world.reply(ME, id, &Reply::Refusal(Refusal::NotAllowed));
}

#[test]
fn a_stranger_that_may_not_be_contacted_is_left_out_at_once() {
    let mut world = refused();
    assert_eq!(world.listed(A), Listed::Unknown, "without a tombstone");
    world.run_for(2_000);
    let wall = world.wall();
    world.receive(&[(A, wall)], &[]);
    world.receive(&[], &[(A, wall + 1)]);
    assert_eq!(world.listed(A), Listed::Unknown, "hearsay does not bring it back");
}

#[test]
fn a_server_that_was_left_out_is_tried_now_and_then_and_comes_back_by_an_answer() {
    let mut world = refused();
    world.sent.clear();
    for _ in 0..60 {
        let wall = world.wall();
        world.receive(&[(A, wall)], &[]);
        world.run_for(1_000);
        if let Some(&(at, _)) = world.gossip_to(A).last()
            && at + 1_000 >= world.tick
        {
            refuse(&mut world);
        }
    }
    let tries = world.gossip_to(A);
    assert!((1..=3).contains(&tries.len()), "{}", tries.len());
    assert!(tries.iter().all(|(_, lists)| lists.online.len() == 1), "it is sent no other servers");
    world.set_fake(A, Fake::Online);
    world.run_for(30_000);
    let wall = world.wall();
    world.receive(&[(A, wall)], &[]);
    world.run_for(2_000);
    assert!(world.is_online(A), "its name resolves to an allowed address now");
}

#[test]
fn a_server_that_has_answered_survives_a_short_fault_of_dns() {
    let mut world = World::with(allowing("10.0.0.0/8"));
    world.find_alive(A);
    world.set_fake(A, Fake::Held);
    for _ in 0..3 {
        let wall = world.wall();
        world.receive(&[], &[(A, wall)]);
        world.run_for(5_000);
        if !world.sent_to(A).is_empty() {
            refuse(&mut world);
            world.sent.clear();
        }
        assert!(world.is_online(A));
    }
    world.set_fake(A, Fake::Online);
    world.run_for(120_000);
    assert!(world.is_online(A));
}

#[test]
fn an_upload_keeps_entries_that_this_server_may_not_contact() {
    let mut world = World::with(|config| {
        allowing("a 10.0.0.0/8")(config);
        config.master_list.announce_interval = Duration::from_secs(1);
    });
    world.set_fake(A, Fake::Online);
    world.set_fake(B, Fake::Held);
    let others = ["http://11.0.0.1/", "http://[::1]/", B];
    let wall = world.wall();
    let mut listed: Vec<_> = others.iter().map(|url| entry(url, wall)).collect();
    listed.push(entry(A, wall));
    let text = Lists { online: listed, offline: vec![] }.to_gossip_json(None);
    world.store.body = Some(String::from_utf8(text).unwrap());
    let deadline = world.tick + 2_000_000;
    while world.uploads().len() < 2 && world.tick < deadline {
        world.run_for(1_000);
        // B is a name that resolves to no allowed address.
        if let Some(id) = world.sent_to(B).last().map(|sent| sent.id) {
            world.reply(ME, id, &Reply::Refusal(Refusal::NotAllowed));
        }
    }
    assert_eq!(world.listed(B), Listed::Unknown);
    assert!(world.is_online(A));
    for (body, _) in world.uploads() {
        assert!(others.iter().all(|url| body.contains(url)), "{body}");
        assert!(body.contains(A) && body.contains(ME), "{body}");
    }
    assert!(!world.uploads().is_empty());
}

#[test]
fn probable_mistakes_are_admitted_with_one_warning_of_each_kind() {
    let mut world = World::new(7);
    world.start(config("https://me/"), 0);
    world.run_for(100);
    let urls =
        ["https://ok/", "http://plain/", "http://127.0.0.1/", "https://[::1]/", "https://localhost/", C];
    let claims: Vec<_> = urls.iter().map(|url| (*url, EPOCH)).collect();
    let nodes = world.act("https://me/", |machine, now| {
        machine.handle_request(now, &received(&lists(&claims, &[])));
        machine.lists().online.len()
    });
    assert_eq!(nodes, urls.len() + 1);
    let warnings: Vec<_> =
        world.nodes["https://me/"].events.iter().map(|event| format!("{event:?}")).collect();
    let of = |text: &str| warnings.iter().filter(|warning| warning.contains(text)).collect::<Vec<_>>();
    assert_eq!(of("unencrypted").len(), 1, "{warnings:?}");
    assert!(of("unencrypted")[0].contains("http://plain/"));
    assert_eq!(of("loopback").len(), 1, "{warnings:?}");
}

#[test]
fn servers_of_one_machine_and_of_plain_http_cause_no_warning() {
    for own in ["http://127.0.0.1:1/", "http://localhost:1/", "http://0.0.0.0:1/", "http://[::1]:1/"] {
        let mut world = World::new(7);
        world.start(config(own), 0);
        world.run_for(100);
        world.act(own, |machine, now| {
            let claims = [("http://127.0.0.1:2/", EPOCH), ("https://localhost/", EPOCH), (A, EPOCH)];
            machine.handle_request(now, &received(&lists(&claims, &[])));
        });
        let events = format!("{:?}", world.nodes[own].events);
        assert!(!events.contains("loopback") && !events.contains("unencrypted"), "{events}");
    }
}
