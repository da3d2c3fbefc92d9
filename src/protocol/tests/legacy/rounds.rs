//! Gossip rounds, and how the answers to them count.

use crate::protocol::types::status::Control;
use std::time::Duration;

use crate::protocol::context::output::Severity;
use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::rig::{A, B, Listed, ME, entry};
use crate::protocol::tests::support::world::World;
use crate::protocol::wire::message::{Entry, Lists};

fn with_short_rounds(peers: &[&str]) -> World {
    let mut world = World::with(|config| config.gossip_interval = Duration::from_secs(1));
    for peer in peers {
        world.find_alive(peer);
    }
    world
}

#[test]
fn rounds_follow_the_interval_with_jitter_and_a_new_stamp() {
    let mut world = World::among(&[A]);
    world.run_for(600_000);
    let rounds = world.gossip_to(A);
    assert!((18..=23).contains(&rounds.len()));
    for pair in rounds.windows(2) {
        assert!((27_000..=33_010).contains(&(pair[1].0 - pair[0].0)));
        assert!(pair[0].1.online[0].last_update < pair[1].1.online[0].last_update);
    }
}

#[test]
fn a_silent_peer_is_retried_after_three_seconds_and_then_offline() {
    let mut world = World::among(&[A]);
    world.set_fake(A, Fake::Refuses);
    world.run_for(40_000);
    let tries: Vec<u64> = world.gossip_to(A).iter().map(|(at, _)| *at).collect();
    assert_eq!(tries.len(), 2);
    assert!((3_000..=3_010).contains(&(tries[1] - tries[0])));
    let Listed::Offline(stamp) = world.listed(A) else { panic!("still online") };
    assert!(stamp >= crate::protocol::tests::support::world::EPOCH + tries[1], "with a fresh stamp");
    assert_eq!(world.logs(Severity::Error), ["Failed to send gossip message to http://a/:"]);
}

#[test]
fn the_next_round_is_scheduled_when_the_last_has_ended() {
    let mut world = with_short_rounds(&[A, B]);
    for peer in [A, B] {
        world.set_fake(peer, Fake::Held);
    }
    world.run_for(20_000);
    assert_eq!(world.sent.iter().filter(|sent| sent.to != "store").count(), 1);
    let (peer, id) = world.sent.iter().find(|sent| sent.to != "store").map(|s| (s.to.clone(), s.id)).unwrap();
    world.fail(id);
    world.run_for(2_900);
    assert_eq!(world.sent.iter().filter(|sent| sent.to != "store").count(), 1, "not before the second try");
    world.run_for(200);
    assert_eq!(world.gossip_to(&peer).len(), 2);
    let (second, wall) = (world.last_to(&peer), world.wall());
    world.answer(second, &[(&peer, wall)], &[]);
    world.run_for(1_200);
    assert_eq!(world.sent.iter().filter(|sent| sent.to != "store").count(), 3);
}

#[test]
fn no_peer_ever_has_two_exchanges_at_once() {
    let mut world = with_short_rounds(&[A, B]);
    world.latency = 400..=900;
    for step in 0..200 {
        world.control(Control::of(step % 2 == 1));
        let claim = world.wall();
        world.receive(&[], &[(ME, claim), (A, claim)]);
        // The world checks this after every step.
        world.run_for(170);
    }
    assert!(world.gossip_to(A).len() > 10);
}

#[test]
fn news_missed_by_a_busy_peer_follows() {
    let mut world = World::among(&[A]);
    world.set_fake(A, Fake::Held);
    world.drain();
    world.run_for(100);
    world.bring_back();
    world.run_for(1_000);
    assert_eq!(world.gossip_to(A).len(), 1);
    let (id, wall) = (world.last_to(A), world.wall());
    world.answer(id, &[(A, wall)], &[]);
    assert_eq!(world.gossip_to(A).len(), 2);
    assert_eq!(&*world.gossip_to(A)[1].1.online[0].base_url, ME);
}

#[test]
fn every_third_round_goes_to_a_monitor() {
    let mut world = World::alone();
    for index in 0..19 {
        world.find_alive(&format!("http://p{index}/"));
    }
    let wall = world.wall();
    let monitor = Entry { monitor: true, ..entry(A, wall) };
    world.set_fake(A, Fake::Says(Lists { online: vec![monitor.clone()], offline: vec![] }));
    world.receive_lists(&Lists { online: vec![monitor], offline: vec![] });
    world.run_for(1_000);
    world.sent.clear();
    world.run_for(9_000_000);
    let share = world.gossip_to(A).len() as f64 / 300.0;
    assert!((0.33..0.48).contains(&share), "{share}");
}

#[test]
fn a_monitor_is_preferred_up_to_four_exchanges_a_second() {
    // 100 servers make ten rounds per second each. A third of that would be 333 exchanges per
    // second for the monitor.
    let mut world = World::with(|config| config.gossip_interval = Duration::from_millis(200));
    let peers: Vec<String> = (0..100).map(|index| format!("http://p{index}/")).collect();
    let wall = world.wall();
    for peer in &peers {
        world.set_fake(peer, Fake::Online);
        world.receive(&[(peer, wall)], &[]);
    }
    let monitor = Entry { monitor: true, ..entry(A, wall) };
    world.set_fake(A, Fake::Says(Lists { online: vec![monitor.clone()], offline: vec![] }));
    world.receive_lists(&Lists { online: vec![monitor], offline: vec![] });
    world.run_for(20_000);
    world.sent.clear();
    world.run_for(1_000_000);
    let seconds = 1_000.0;
    let rounds_of_all = 500.0;
    let by_chance = seconds * 5.0 / 101.0;
    let preferred = (world.gossip_to(A).len() as f64 - by_chance) / seconds;
    let share = preferred * rounds_of_all / 5.0;
    assert!((2.0..6.0).contains(&share), "{share} a second from the whole cluster");
}

#[test]
fn a_rejected_secret_is_logged_and_a_rejected_page_halved() {
    let mut world = with_short_rounds(&[A]);
    world.set_fake(A, Fake::Status(401, ""));
    world.run_for(10_000);
    assert_eq!(world.logs(Severity::Error), ["Failed to send gossip message to http://a/:"]);
    world.set_fake(A, Fake::Status(413, ""));
    world.run_for(10_000);
    assert_eq!(world.nodes[ME].machine.members().roster.get(A).unwrap().page_halvings(), 4);
}

#[test]
fn other_answers_are_failures() {
    let answers = [
        (401, "{\"error\":\"Clustershazbot engine not started\"}"),
        (200, "{}"),
        (200, "null"),
        (200, "<html>"),
        (204, ""),
        (404, "{\"online\":[]}"),
        (500, ""),
        (503, ""),
    ];
    for (status, body) in answers {
        let mut world = with_short_rounds(&[A]);
        world.set_fake(A, Fake::Status(status, body));
        world.run_for(10_000);
        assert!(!world.is_online(A), "{status} {body}");
    }
}

#[test]
fn a_peer_that_reports_itself_drained_is_offline_and_only_asked_for_its_list() {
    let mut world = World::among(&[A]);
    world.set_fake(A, Fake::Drained);
    world.run_for(34_000);
    assert!(!world.is_online(A));
    let exchanges = world.gossip_to(A).len();
    world.run_for(3_600_000);
    assert_eq!(world.gossip_to(A).len(), exchanges);
    let inquiries = world.inquiries_to(A).len();
    assert!((330..=370).contains(&inquiries), "{inquiries} in an hour, about every 10 s");
}
