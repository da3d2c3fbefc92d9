//! Requests contain at most 64 kB; answers contain the full roster.

use crate::protocol::machine::Machine;
use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::rig::{A, ME, entry};
use crate::protocol::tests::support::world::World;
use crate::protocol::types::time::Tick;
use crate::protocol::wire::message::Lists;

fn large_world(amount: usize, width: usize) -> World {
    let mut world = World::with(|config| config.gossip_interval = std::time::Duration::from_secs(1));
    world.find_alive(A);
    let wall = world.wall();
    let online = (0..amount).map(|index| entry(&format!("http://p/{index:0width$}/"), wall)).collect();
    world.receive_lists(&Lists { online, offline: vec![] });
    world
}

fn sizes(world: &World) -> Vec<usize> {
    let gossip = world.sent.iter().filter_map(|sent| match &sent.what {
        crate::protocol::tests::support::world::What::Gossip(lists) => Some(lists.to_gossip_json(None).len()),
        _ => None,
    });
    gossip.collect()
}

#[test]
fn each_page_has_at_most_64_kilobytes_and_its_senders_own_entry() {
    for width in [1, 40, 490] {
        let mut world = large_world(3_000, width);
        world.drain();
        for _ in 0..10 {
            world.act(ME, |machine, now| machine.push_to(A.into(), now));
            world.run_for(3_000);
        }
        let sizes = sizes(&world);
        assert!(sizes.len() > 20);
        assert!(sizes.iter().all(|size| *size <= 64_000), "{width}: {sizes:?}");
        for (_, lists) in world.gossip_to(A) {
            assert_eq!(&*lists.offline[0].base_url, ME);
        }
    }
}

#[test]
fn quotation_marks_do_not_exceed_the_page_size() {
    let mut world = World::with(|config| config.gossip_interval = std::time::Duration::from_secs(1));
    let wall = world.wall();
    let quotes = "\"".repeat(400);
    let online = (0..1_000).map(|index| entry(&format!("http://p/{quotes}{index}/"), wall)).collect();
    world.find_alive(A);
    world.receive_lists(&Lists { online, offline: vec![] });
    world.act(ME, |machine, now| machine.push_to(A.into(), now));
    world.run_for(3_000);
    assert!(sizes(&world).iter().all(|size| *size <= 64_000));
}

#[test]
fn the_pages_together_contain_everybody() {
    let mut world = large_world(2_000, 4);
    world.run_for(120_000);
    world.sent.clear();
    let mut listed = std::collections::BTreeSet::new();
    for _ in 0..12 {
        let tick = crate::protocol::types::time::Tick(world.tick);
        let page = world.act(ME, |machine, _| page_of(machine, tick));
        listed.extend(page.online.into_iter().chain(page.offline).map(|entry| entry.base_url.to_string()));
    }
    assert_eq!(listed.len(), 2_002);
}

#[test]
fn news_is_on_the_next_page() {
    let mut world = large_world(3_000, 4);
    world.run_for(120_000);
    let wall = world.wall();
    world.receive(&[], &[("http://p/0007/", wall + 200_000)]);
    world.receive(&[("http://new/", wall)], &[]);
    let tick = crate::protocol::types::time::Tick(world.tick);
    let page = world.act(ME, |machine, _| page_of(machine, tick));
    assert!(page.offline.iter().any(|entry| &*entry.base_url == "http://p/0007/"));
    assert!(page.online.iter().any(|entry| &*entry.base_url == "http://new/"));
}

#[test]
fn a_peer_that_rejects_a_page_gets_smaller_ones() {
    let mut world = large_world(3_000, 4);
    world.set_fake(A, Fake::Status(413, ""));
    for _ in 0..6 {
        world.act(ME, |machine, now| machine.push_to(A.into(), now));
        world.run_for(100);
    }
    let sizes: Vec<usize> =
        world.gossip_to(A).iter().map(|(_, lists)| lists.to_gossip_json(None).len()).collect();
    let limits = [64_000, 32_000, 16_000, 8_000, 4_000, 4_000];
    assert!(sizes.iter().zip(limits).all(|(size, limit)| *size <= limit && *size > limit / 2), "{sizes:?}");
}

#[test]
fn answers_contain_the_whole_roster() {
    let mut world = large_world(3_000, 4);
    let answer = world.receive(&[], &[]);
    assert_eq!(answer.online.len() + answer.offline.len(), 3_002);
}

fn page_of(machine: &mut Machine, tick: Tick) -> Lists {
    let (members, exchanges, cx) = machine.parts();
    exchanges.compose_page(members, cx, 0, tick)
}
