//! Rule R1: admission of entries.

use crate::protocol::context::output::Severity;
use crate::protocol::tests::support::rig::{A, B, Listed, ME, entry, lists, received};
use crate::protocol::tests::support::world::{EPOCH, World, config};
use crate::protocol::types::limits::MAX_MEMBERS;
use crate::protocol::wire::message::{Lists, ReceivedEntry, ReceivedLists};

fn receive_one(world: &mut World, base_url: &str, last_update: f64) {
    let received = ReceivedEntry { base_url: base_url.to_owned().into(), monitor: false, last_update };
    let lists = ReceivedLists { online: vec![received], offline: vec![], malformed: 0 };
    world.act(ME, |machine, now| machine.handle_request(now, &lists));
}

#[test]
fn invalid_stamps_are_rejected() {
    let mut world = World::alone();
    let ahead = (EPOCH + 25 * 3_600_000) as f64;
    for stamp in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, ahead, f64::MAX] {
        receive_one(&mut world, A, stamp);
        assert_eq!(world.listed(A), Listed::Unknown, "{stamp}");
    }
    for (stamp, taken) in [(0.0, 0), (5.7, 5), ((EPOCH + 23 * 3_600_000) as f64, EPOCH + 23 * 3_600_000)] {
        receive_one(&mut world, A, stamp);
        assert_eq!(world.listed(A), Listed::Online(taken));
    }
}

#[test]
fn invalid_urls_are_rejected_and_the_rest_is_merged() {
    let mut world = World::alone();
    let bad = ["", "a", "ftp://a/", "http://u:p@a/", "http://a/?q", "http://a/#f", "http://a b/", "http://"];
    let claims: Vec<_> = bad.iter().map(|url| (*url, EPOCH)).chain([(A, EPOCH)]).collect();
    let answer = world.receive_lists(&lists(&claims, &[]));
    assert_eq!(answer.online.len(), 2);
    assert!(world.is_online(A));
}

#[test]
fn addresses_that_no_server_has_are_rejected_in_lists_and_in_v2() {
    let mut world = World::alone();
    let bad = [
        "http://169.254.169.254/",
        "http://2852039166:80/latest/",
        "https://[::ffff:a9fe:a9fe]/",
        "http://[fd00:ec2::254]/",
        "http://0:3000/",
        "http://[ff02::1]/",
        "http://255.255.255.255/",
        "http://a:0/",
    ];
    let claims: Vec<_> = bad.iter().map(|url| (*url, EPOCH)).chain([(A, EPOCH)]).collect();
    assert_eq!(world.receive_lists(&lists(&claims, &[])).online.len(), 2);
    assert_eq!(world.receive_lists(&lists(&[], &claims[..bad.len()])).offline.len(), 0);
    assert!(world.is_online(A));
    world.run_for(60_000);
    let asked: Vec<_> = world.sent.iter().map(|sent| sent.to.clone()).collect();
    assert!(asked.iter().all(|to| !bad.contains(&to.as_str())), "{asked:?}");
}

#[test]
fn an_address_of_several_classes_is_logged_once_by_the_most_serious() {
    let mut world = World::alone();
    for url in ["http://169.254.169.254/", "http://[fd00:ec2::254]/", "http://169.254.169.254:0/"] {
        world.receive(&[(url, EPOCH)], &[]);
    }
    let warnings = world.logs(Severity::Warning);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("metadata service"), "{warnings:?}");
}

#[test]
fn a_server_accepts_the_class_of_its_own_address() {
    let mut world = World::new(7);
    world.start(config("http://0.0.0.0:3000/"), 0);
    let claims = ["http://0.0.0.0:3001/", "http://169.254.1.1/", "http://0.0.0.0:0/"];
    let claims: Vec<_> = claims.iter().map(|url| (*url, EPOCH)).collect();
    let answer = world.act("http://0.0.0.0:3000/", |machine, now| {
        machine.handle_request(now, &received(&lists(&claims, &[])));
        machine.lists()
    });
    let urls: Vec<_> = answer.online.iter().map(|entry| entry.base_url.to_string()).collect();
    assert_eq!(urls, ["http://0.0.0.0:3000/", "http://0.0.0.0:3001/"]);
}

#[test]
fn each_kind_of_rejection_is_logged_once_without_private_data() {
    let mut world = World::alone();
    for _ in 0..3 {
        receive_one(&mut world, "http://user:hunter2@a/", 1.0);
        receive_one(&mut world, A, -1.0);
        let lists = ReceivedLists { malformed: 7, ..ReceivedLists::default() };
        world.act(ME, |machine, now| machine.handle_request(now, &lists));
    }
    let warnings = world.logs(Severity::Warning);
    assert_eq!(warnings.len(), 3);
    assert!(warnings.iter().all(|warning| !warning.contains("hunter2")));
}

#[test]
fn several_spellings_are_one_server_shown_as_it_spells_itself() {
    let mut world = World::alone();
    world.set_fake(
        "http://x.example/",
        crate::protocol::tests::support::fakes::Fake::Says(lists(&[("http://X.Example:80", EPOCH + 5)], &[])),
    );
    world.receive(&[("HTTP://x.example", EPOCH), ("http://x.example:80/", EPOCH + 1)], &[]);
    assert_eq!(
        world.listed("HTTP://x.example/"),
        Listed::Online(EPOCH + 1),
        "until it has spoken, the first spelling seen"
    );
    world.run_for(1_000);
    assert_eq!(world.listed("http://X.Example:80/"), Listed::Online(EPOCH + 5));
}

#[test]
fn the_roster_has_a_cap_and_one_warning() {
    let mut world = World::alone();
    let online = (0..MAX_MEMBERS + 10).map(|index| entry(&format!("http://p/{index}/"), EPOCH)).collect();
    let answer = world.receive_lists(&Lists { online, offline: vec![] });
    assert_eq!(answer.online.len(), MAX_MEMBERS + 1);
    world.receive(&[(A, EPOCH)], &[(B, EPOCH)]);
    assert_eq!(world.logs(Severity::Warning).len(), 1);
    world.receive(&[], &[("http://p/5/", EPOCH + 1)]);
    assert_eq!(
        world.listed("http://p/5/"),
        Listed::Offline(EPOCH + 1),
        "claims about known servers still count"
    );
}

#[test]
fn unusual_urls_beyond_the_limit_are_merged_with_the_next_request() {
    let mut world = World::alone();
    let urls: Vec<String> = (0..400).map(|index| format!("http://bücher{index}.example/")).collect();
    let mut claims: Vec<_> = urls.iter().map(|url| (url.as_str(), EPOCH)).collect();
    let first = world.receive_lists(&lists(&claims, &[])).online.len();
    assert!((100..400).contains(&first), "{first}");
    let mut rest = claims.split_off(first - 1);
    rest.truncate(50);
    assert_eq!(world.receive_lists(&lists(&rest, &[])).online.len(), first + 50);
    // Plainly written URLs have no limit.
    let plain: Vec<String> = (0..400).map(|index| format!("HTTP://Server-{index}.example:80")).collect();
    let claims: Vec<_> = plain.iter().map(|url| (url.as_str(), EPOCH)).collect();
    assert_eq!(world.receive_lists(&lists(&claims, &[])).online.len(), first + 450);
}
