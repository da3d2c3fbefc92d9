//! Clusters of several machines: partitions, crashes, clocks, lost messages.

use crate::protocol::types::status::Control;
use std::time::Duration;

use crate::protocol::context::output::Event;
use crate::protocol::tests::support::rig::{A, B, C};
use crate::protocol::tests::support::world::{World, config};
use crate::protocol::wire::message::Lists;

const HOUR: i64 = 3_600_000;

/// Machines that start three seconds apart and share a master list.
fn cluster(seed: u64, members: &[(&str, i64)]) -> World {
    let mut world = World::new(seed);
    world.store.has_conditions = true;
    world.latency = 1..=20;
    for (url, wall_offset) in members {
        let mut config = config(url);
        config.gossip_interval = Duration::from_secs(2);
        config.master_list.announce_minimum = Duration::from_secs(1);
        config.master_list.announce_interval = Duration::from_secs(1);
        world.start(config, *wall_offset);
        world.run_for(3_000);
    }
    world
}

fn sees(world: &World, viewer: &str, subject: &str) -> bool {
    world.nodes[viewer].machine.online_list().online.iter().any(|entry| &*entry.base_url == subject)
}

#[track_caller]
fn all_see_exactly(world: &World, expected: &[&str]) {
    for (viewer, node) in &world.nodes {
        let mut online: Vec<_> =
            node.machine.online_list().online.iter().map(|entry| entry.base_url.to_string()).collect();
        online.sort();
        assert_eq!(online, expected, "as listed by {viewer}");
    }
}

#[test]
fn servers_find_each_other_and_the_master_list_contains_them_all() {
    let mut world = cluster(1, &[(A, 0), (B, 0), (C, 0)]);
    world.run_for(10_000);
    all_see_exactly(&world, &[A, B, C]);
    let body = world.store.body.clone().unwrap();
    assert!([A, B, C].iter().all(|url| body.contains(url)));
}

#[test]
fn a_partition_heals_and_the_master_list_keeps_everybody() {
    let mut world = cluster(2, &[(A, 0), (B, 0), (C, 0)]);
    world.run_for(10_000);
    for other in [B, C] {
        world.cut_between(A, other);
    }
    world.run_for(120_000);
    assert!(!sees(&world, A, B) && !sees(&world, B, A) && sees(&world, B, C));
    world.cut.clear();
    world.run_for(20_000);
    all_see_exactly(&world, &[A, B, C]);
}

#[test]
fn two_servers_that_declared_each_other_dead_reconnect() {
    let mut world = cluster(3, &[(A, 0), (B, 2 * HOUR)]);
    world.run_for(5_000);
    world.store.next_downloads = [(500, ""); 500].into();
    world.cut_between(A, B);
    world.run_for(60_000);
    assert!(!sees(&world, A, B) && !sees(&world, B, A));
    world.cut.clear();
    world.run_for(20_000);
    all_see_exactly(&world, &[A, B]);
}

#[test]
fn clocks_may_be_wrong_by_hours() {
    let mut world = cluster(4, &[(A, 5 * HOUR), (B, -7 * HOUR), (C, 0)]);
    world.run_for(10_000);
    all_see_exactly(&world, &[A, B, C]);
    world.crash(A);
    world.run_for(20_000);
    all_see_exactly(&world, &[B, C]);
    world.start(config(A), -9 * HOUR);
    world.run_for(20_000);
    all_see_exactly(&world, &[A, B, C]);
    world.act(B, |machine, now| machine.handle_leave(now));
    world.run_for(1_000);
    assert!(world.nodes[B].events.contains(&Event::ShutDown));
    world.crash(B);
    world.run_for(10_000);
    all_see_exactly(&world, &[A, C]);
}

#[test]
fn a_leave_reaches_all_within_a_second_and_is_final() {
    let mut world = cluster(5, &[(A, 0), (B, 0), (C, 0)]);
    world.run_for(10_000);
    world.act(C, |machine, now| machine.handle_leave(now));
    world.run_for(500);
    world.crash(C);
    world.run_for(500);
    for _ in 0..600 {
        all_see_exactly(&world, &[A, B]);
        world.run_for(1_000);
    }
    assert!(!world.store.body.clone().unwrap().contains(C));
}

#[test]
fn a_drain_reaches_all_within_a_second_and_lasts() {
    let mut world = cluster(6, &[(A, 0), (B, 0), (C, -HOUR)]);
    world.run_for(10_000);
    world.act(C, |machine, now| machine.handle_control(now, Control::Drain));
    world.run_for(1_000);
    for _ in 0..300 {
        all_see_exactly(&world, &[A, B]);
        world.run_for(1_000);
    }
    world.act(C, |machine, now| machine.handle_control(now, Control::Return));
    world.run_for(1_000);
    all_see_exactly(&world, &[A, B, C]);
}

#[test]
fn tombstones_by_several_servers_do_not_raise_each_others_stamps() {
    let members: Vec<String> = (0..8).map(|index| format!("http://p{index}/")).collect();
    let refs: Vec<_> = members.iter().map(|url| (&**url, 0)).collect();
    let mut world = cluster(7, &refs);
    world.run_for(20_000);
    world.crash(&members[0]);
    world.run_for(60_000);
    let stamp = |world: &World| {
        let offline = world.nodes[&members[1]].machine.lists().offline;
        offline.iter().find(|entry| *entry.base_url == *members[0]).unwrap().last_update
    };
    let settled = stamp(&world);
    world.run_for(600_000);
    assert_eq!(stamp(&world), settled);
}

#[test]
fn a_server_that_one_peer_cannot_reach_stays_online_at_the_others() {
    let mut world = cluster(8, &[(A, 0), (B, 0), (C, 0)]);
    world.run_for(10_000);
    world.cut.insert((A.to_owned(), B.to_owned()));
    let mut seen = 0;
    for _ in 0..600 {
        world.run_for(500);
        seen += usize::from(sees(&world, C, B));
    }
    assert!(sees(&world, B, B));
    assert!(seen > 590, "C has seen B online {seen} times of 600");
}

#[test]
fn lost_messages_exclude_nobody_for_long() {
    let members: Vec<String> = (0..6).map(|index| format!("http://p{index}/")).collect();
    let refs: Vec<_> = members.iter().map(|url| (&**url, 0)).collect();
    let mut world = cluster(9, &refs);
    world.loss = 0.25;
    world.run_for(600_000);
    world.loss = 0.0;
    world.run_for(60_000);
    all_see_exactly(&world, &members.iter().map(|url| &**url).collect::<Vec<_>>());
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed| {
        let mut world = cluster(seed, &[(A, 0), (B, HOUR), (C, 0)]);
        world.loss = 0.2;
        world.run_for(120_000);
        let lists: Vec<Lists> = world.nodes.values().map(|node| node.machine.lists()).collect();
        (lists, world.sent.len(), world.store.body.clone())
    };
    assert_eq!(run(10), run(10));
    assert_ne!(run(10), run(11));
}

#[test]
fn a_member_drained_for_days_is_never_online_elsewhere() {
    let mut world = World::new(12);
    for url in [A, B] {
        let mut config = config(url);
        config.gossip_interval = Duration::from_secs(300);
        world.start(config, 0);
        world.run_for(3_000);
    }
    world.act(A, |machine, now| {
        machine.handle_request(
            now,
            &crate::protocol::tests::support::rig::received(&crate::protocol::tests::support::rig::lists(
                &[(B, 1)],
                &[],
            )),
        )
    });
    world.run_for(1_000);
    assert!(sees(&world, A, B));
    world.act(B, |machine, now| machine.handle_control(now, Control::Drain));
    world.run_for(1_000);
    for _ in 0..60 {
        world.run_for(HOUR as u64 / 2);
        all_see_exactly(&world, &[A]);
        assert_eq!(world.nodes[A].machine.lists().offline.len(), 1);
    }
}
