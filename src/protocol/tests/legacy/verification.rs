//! The order and the rate of verifications.

use std::time::Duration;

use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::rig::{A, B};
use crate::protocol::tests::support::world::World;
use crate::protocol::wire::message::Lists;

fn urls(amount: usize) -> Vec<String> {
    (0..amount).map(|index| format!("http://p{index}/")).collect()
}

fn receive_all(world: &mut World, urls: &[String]) {
    let wall = world.wall();
    let online = urls.iter().map(|url| crate::protocol::tests::support::rig::entry(url, wall)).collect();
    world.receive_lists(&Lists { online, offline: vec![] });
}

#[test]
fn hearsay_is_verified_once_at_ten_per_second_in_random_order() {
    let mut world = World::alone();
    let urls = urls(50);
    for url in &urls {
        world.set_fake(url, Fake::Online);
    }
    receive_all(&mut world, &urls);
    receive_all(&mut world, &urls);
    world.run_for(10_000);
    let asked: Vec<_> = world.sent.iter().filter(|sent| sent.to.starts_with("http://p")).collect();
    assert_eq!(asked.len(), 50);
    assert!(asked.windows(2).all(|pair| pair[1].at - pair[0].at >= 100));
    assert!((4_900..5_200).contains(&(asked[49].at - asked[0].at)));
    assert!(!asked.is_sorted_by_key(|sent| urls.iter().position(|url| *url == sent.to)));
}

#[test]
fn at_most_four_verifications_are_in_flight() {
    let mut world = World::with(|config| config.gossip_interval = Duration::from_secs(86_400));
    let urls = urls(20);
    for url in &urls {
        world.set_fake(url, Fake::Held);
    }
    receive_all(&mut world, &urls);
    world.run_for(5_000);
    let asked = |world: &World| world.sent.iter().filter(|sent| sent.to.starts_with("http://p")).count();
    assert_eq!(asked(&world), 4);
    let (id, to) = world.sent.last().map(|sent| (sent.id, sent.to.clone())).unwrap();
    world.answer(id, &[(&to, 1)], &[]);
    world.run_for(1_000);
    assert_eq!(asked(&world), 5);
}

#[test]
fn accusations_come_first() {
    let mut world = World::among(&[A, B]);
    let urls = urls(100);
    for url in &urls {
        world.set_fake(url, Fake::Online);
    }
    receive_all(&mut world, &urls);
    let wall = world.wall();
    world.receive(&[], &[(B, wall + 1)]);
    world.receive(&[], &[(B, wall + 2)]);
    world.run_for(300);
    assert_eq!(world.inquiries_to(B).len(), 1);
}

#[test]
fn an_unclear_answer_to_an_inquiry_leads_to_a_trial_and_no_second_inquiry() {
    let mut world = World::alone();
    world.set_fake(A, Fake::NoList(404));
    let wall = world.wall();
    world.receive(&[(A, wall)], &[]);
    world.run_for(1_000);
    assert_eq!((world.inquiries_to(A).len(), world.gossip_to(A).len()), (1, 1));
    assert!(world.is_online(A));
}

#[test]
fn a_trial_does_not_show_a_server_its_own_death() {
    let mut world = World::alone();
    let wall = world.wall();
    // A clock that is hours ahead stamped this tombstone, so a legacy peer would accept it.
    let ahead = wall + 3 * 3_600_000;
    world.receive(&[], &[(A, ahead), (B, ahead)]);
    world.set_fake(A, Fake::NoList(404));
    world.receive(&[(A, wall)], &[]);
    world.run_for(5_000);
    let offline: Vec<_> = world.gossip_to(A)[0].1.offline.iter().map(|entry| &*entry.base_url).collect();
    assert_eq!(offline, [B]);
    assert!(world.is_online(A));
}

#[test]
fn rounds_continue_while_verifications_hang() {
    let mut world = World::with(|config| config.gossip_interval = Duration::from_secs(1));
    world.find_alive(A);
    let urls = urls(40);
    for url in &urls {
        world.set_fake(url, Fake::Hangs);
    }
    let wall = world.wall();
    let offline = urls.iter().map(|url| crate::protocol::tests::support::rig::entry(url, wall)).collect();
    world.receive_lists(&Lists { online: vec![], offline });
    world.run_for(20_000);
    assert!(world.gossip_to(A).len() >= 17);
}

#[test]
fn an_old_claim_about_a_dead_server_is_verified_at_most_once_a_minute() {
    let mut world = World::with(|config| config.gossip_interval = Duration::from_secs(86_400));
    let wall = world.wall();
    world.receive(&[], &[(A, wall)]);
    for _ in 0..180 {
        world.receive(&[(A, wall - 1)], &[]);
        world.run_for(1_000);
    }
    assert!(world.inquiries_to(A).len() <= 3 + 6, "{:?}", world.inquiries_to(A));
    world.set_fake(A, Fake::Online);
    for _ in 0..61 {
        world.receive(&[(A, wall - 1)], &[]);
        world.run_for(1_000);
    }
    assert!(world.is_online(A), "a false death is undone");
    assert!(world.stamp(A) > wall);
}

#[test]
fn a_flood_of_newer_accusations_causes_one_check() {
    let mut world = World::among(&[A, B]);
    world.set_fake(A, Fake::Held);
    let wall = world.wall();
    let offline =
        (0..1_000).map(|step| crate::protocol::tests::support::rig::entry(A, wall + step)).collect();
    world.receive_lists(&Lists { online: vec![], offline });
    world.run_for(3_000);
    assert_eq!(world.inquiries_to(A).len(), 1);
}

#[test]
fn a_claim_that_nobody_confirms_within_five_minutes_is_dropped() {
    let mut world = World::with(|config| config.gossip_interval = Duration::from_secs(86_400));
    let urls = urls(2_000);
    for url in &urls {
        world.set_fake(url, Fake::Hangs);
    }
    let wall = world.wall() - 60_000;
    let tell = |world: &mut World, urls: &[String], stamp| {
        let online = urls.iter().map(|url| crate::protocol::tests::support::rig::entry(url, stamp)).collect();
        world.receive_lists(&Lists { online, offline: vec![] });
    };
    tell(&mut world, &urls, wall);
    world.run_for(200_000);
    let shown = |world: &World| urls.iter().filter(|url| world.is_online(url)).count();
    let again = &urls[..1_000];
    let kept = again.iter().filter(|url| world.is_online(url)).count();
    tell(&mut world, again, wall + 1);
    world.run_for(130_000);
    assert!(shown(&world) <= kept, "{} of {kept}", shown(&world));
    assert!(shown(&world) > kept - 400, "only {} of {kept} confirmed servers are shown", shown(&world));
    world.run_for(300_000);
    assert_eq!(shown(&world), 0);
    world.sent.clear();
    world.run_for(100_000);
    let asked = world.sent.iter().filter(|sent| sent.to.starts_with("http://p")).count();
    assert!(asked <= 5, "one of the dead is tried in each 30 s, no more: {asked}");
}
