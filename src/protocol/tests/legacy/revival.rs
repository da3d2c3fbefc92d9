//! Legacy peers merge into their online map first, so they keep reviving the dead.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::rig::{A, B, C, lists};
use crate::protocol::tests::support::world::World;
use crate::protocol::wire::message::{Entry, Lists};

#[derive(Debug, Default)]
struct Legacy {
    online: BTreeMap<String, u64>,
    offline: BTreeMap<String, u64>,
}

impl Legacy {
    fn lists(&self) -> Lists {
        let all = |map: &BTreeMap<String, u64>| -> Vec<Entry> {
            map.iter().map(|(url, stamp)| crate::protocol::tests::support::rig::entry(url, *stamp)).collect()
        };
        Lists { online: all(&self.online), offline: all(&self.offline) }
    }

    /// Merges as version 1 does: its own tombstones block nothing.
    fn merge(&mut self, lists: &Lists) {
        for entry in &lists.online {
            let held = self.online.get(&*entry.base_url);
            if held.is_none_or(|held| entry.last_update.0 > *held) {
                self.online.insert(entry.base_url.to_string(), entry.last_update.0);
                self.offline.remove(&*entry.base_url);
            }
        }
        for entry in &lists.offline {
            let held = self.online.get(&*entry.base_url);
            if held.is_some_and(|held| entry.last_update.0 > *held) {
                self.declare_dead(&entry.base_url, entry.last_update.0);
            }
        }
    }

    fn declare_dead(&mut self, url: &str, stamp: u64) {
        self.online.remove(url);
        self.offline.insert(url.to_owned(), stamp);
    }

    /// Gossips with the machine under test.
    fn exchange(&mut self, world: &mut World, own: &str) {
        let wall = world.wall();
        self.online.insert(own.to_owned(), wall);
        let answer = world.receive_lists(&self.lists());
        self.merge(&answer);
        world.set_fake(own, Fake::Says(self.lists()));
    }
}

/// Two legacy peers and the machine under test, all of which know C.
fn mixed() -> (World, Legacy, Legacy) {
    let mut world = World::with(|config| config.gossip_interval = Duration::from_secs(5));
    let (mut a, mut b) = (Legacy::default(), Legacy::default());
    world.find_alive(C);
    a.exchange(&mut world, A);
    b.exchange(&mut world, B);
    world.run_for(1_000);
    (world, a, b)
}

#[test]
fn the_dead_stay_dead_however_often_legacy_peers_revive_them() {
    let (mut world, mut a, mut b) = mixed();
    world.set_fake(C, Fake::Refuses);
    world.run_for(60_000);
    assert!(!world.is_online(C));
    world.sent.clear();
    let old = world.stamp(C) - 1;
    for _ in 0..300 {
        // One peer keeps the old claim; the other receives it again once it knows of the death.
        a.exchange(&mut world, A);
        assert!(!a.online.contains_key(C), "the answer contains the tombstone");
        a.merge(&lists(&[(C, old)], &[]));
        b.merge(&a.lists());
        b.exchange(&mut world, B);
        assert!(!world.is_online(C));
        world.run_for(1_000);
    }
    // One per minute for the old claims, and a third of the 60 attempts to heal a partition.
    assert!(world.inquiries_to(C).len() <= 5 + 30, "{} inquiries in 300 s", world.inquiries_to(C).len());
    assert!(world.gossip_to(C).is_empty());
}

#[test]
fn the_living_stay_online_however_often_a_legacy_peer_declares_them_dead() {
    let (mut world, mut a, _) = mixed();
    for _ in 0..100 {
        let wall = world.wall();
        a.declare_dead(C, wall);
        a.exchange(&mut world, A);
        assert!(world.is_online(C), "found alive within the last minute");
        world.run_for(1_000);
        assert!(world.stamp(C) > wall, "the accusation is refuted");
        a.exchange(&mut world, A);
        assert!(a.online.contains_key(C), "and the legacy peer learns of it");
        world.run_for(5_000);
    }
}

#[test]
fn a_drained_legacy_peer_is_not_revived_by_legacy_peers_that_still_list_it() {
    let (mut world, mut a, _) = mixed();
    let old = world.stamp(C);
    world.set_fake(C, Fake::Drained);
    let wall = world.wall();
    world.receive(&[], &[(C, wall)]);
    world.run_for(1_000);
    world.sent.clear();
    for _ in 0..200 {
        a.merge(&lists(&[(C, old)], &[]));
        a.exchange(&mut world, A);
        assert!(!world.is_online(C));
        world.run_for(1_000);
    }
    assert!(world.gossip_to(C).is_empty(), "gossip would bring a drained legacy peer back");
}
