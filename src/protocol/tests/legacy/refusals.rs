//! Answers that prove nothing: they postpone a death, and never renew life.

use std::time::Duration;

use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::rig::{A, B, ME, lists};
use crate::protocol::tests::support::world::World;
use crate::protocol::wire::message::{Refusal, Reply};

/// Four answers of another service at the address of a server.
fn other_services() -> [Fake; 4] {
    [Fake::Status(401, "no"), Fake::Status(413, "no"), Fake::Status(429, "no"), Fake::Says(lists(&[], &[]))]
}

fn with_interval(seconds: u64) -> World {
    let mut world = World::with(|config| config.gossip_interval = Duration::from_secs(seconds));
    world.find_alive(A);
    exchange_with(&mut world, A);
    world
}

/// Lets a round reach a peer that was verified by its list.
fn exchange_with(world: &mut World, peer: &str) {
    while !world.nodes[ME].machine.members().roster.get(peer).unwrap().has_exchanged() {
        world.run_for(1_000);
    }
    world.sent.clear();
}

#[test]
fn another_service_at_the_address_keeps_a_server_online_for_only_a_minute() {
    for service in other_services() {
        let mut world = with_interval(1);
        world.set_fake(A, service.clone());
        world.run_for(59_000);
        assert!(world.is_online(A), "{service:?}");
        world.run_for(4_000);
        assert!(!world.is_online(A), "{service:?}");
        world.run_for(600_000);
        assert!(!world.is_online(A), "{service:?}: it does not come back");
    }
}

#[test]
fn with_long_rounds_a_legacy_peer_has_time_for_three() {
    for service in other_services() {
        let mut world = with_interval(30);
        world.set_fake(A, service.clone());
        world.run_for(89_000);
        assert!(world.is_online(A), "{service:?}");
        world.run_for(36_000);
        assert!(!world.is_online(A), "{service:?}");
    }
}

#[test]
fn a_server_that_rejects_the_secret_and_lists_itself_stays_online() {
    let mut world = with_interval(1);
    world.set_fake(A, Fake::OtherSecret);
    for _ in 0..600 {
        world.run_for(1_000);
        assert!(world.is_online(A));
    }
    let inquiries = world.inquiries_to(A).len();
    assert!((30..=60).contains(&inquiries), "its list is asked for {inquiries} times in ten minutes");
}

#[test]
fn an_exchange_in_between_restarts_the_minute() {
    let mut world = with_interval(1);
    for _ in 0..10 {
        world.set_fake(A, Fake::Status(429, ""));
        world.run_for(50_000);
        world.set_fake(A, Fake::Online);
        world.run_for(3_000);
        assert!(world.is_online(A));
    }
}

#[test]
fn a_refusal_revives_nobody_whatever_hearsay_claims() {
    for service in other_services() {
        let mut world = with_interval(1);
        world.find_dead(B);
        world.set_fake(B, service);
        for _ in 0..300 {
            let wall = world.wall();
            world.receive(&[(B, wall)], &[]);
            world.run_for(1_000);
            assert!(!world.is_online(B));
        }
    }
}

#[test]
fn if_all_reject_the_secret_most_stay_online() {
    let mut world = World::with(|config| config.gossip_interval = Duration::from_secs(1));
    let urls: Vec<String> = (0..10).map(|index| format!("http://p{index}/")).collect();
    urls.iter().for_each(|url| world.find_alive(url));
    urls.iter().for_each(|url| exchange_with(&mut world, url));
    urls.iter().for_each(|url| world.set_fake(url, Fake::Status(401, "")));
    world.run_for(300_000);
    let online = urls.iter().filter(|url| world.is_online(url)).count();
    assert!(online >= 8, "{online} of 10 are shown");
}

#[test]
fn a_server_that_requests_a_pause_is_asked_for_its_list_once() {
    let mut world = with_interval(1);
    world.set_fake(A, Fake::Held);
    let rest = Reply::Refusal(Refusal::TooManyRequests(Some(Duration::from_secs(3_600))));
    let mut answered = 0;
    for second in 0..66 {
        world.run_for(1_000);
        let unanswered: Vec<_> = world.sent_to(A)[answered..].iter().map(|sent| sent.id).collect();
        answered += unanswered.len();
        unanswered.into_iter().for_each(|id| world.reply(ME, id, &rest));
        assert!(second >= 59 || world.is_online(A), "{second} s");
    }
    assert_eq!((world.gossip_to(A).len(), world.inquiries_to(A).len()), (1, 1));
    assert!(!world.is_online(A));
}
