//! Rule R5: no other server replaces what this server claims about itself.

use std::time::Duration;

use crate::protocol::context::output::Event;
use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::rig::{A, B, Listed, ME, entry, lists};
use crate::protocol::tests::support::world::{World, config};
use crate::protocol::types::time::Stamp;
use crate::protocol::wire::message::{Entry, Lists};

#[test]
fn a_claim_that_this_server_is_offline_is_refuted_and_spread_at_once() {
    let mut world = World::among(&[A]);
    let claim = world.wall() + 500_000;
    let answer = world.receive(&[], &[(ME, claim)]);
    assert_eq!(answer.online[0], entry(ME, claim + 1));
    world.run_for(20);
    assert_eq!(world.gossip_to(A).len(), 1);
    assert!(world.gossip_to(A)[0].1.online[0].last_update > Stamp(claim));
}

#[test]
fn an_offline_claim_with_the_same_stamp_is_refuted_too() {
    let mut world = World::alone();
    let own = world.act(ME, |machine, now| {
        let own = now.wall.next();
        let claim = lists(&[], &[(ME, own.0)]);
        machine.handle_request(now, &crate::protocol::tests::support::rig::received(&claim));
        own.0
    });
    assert!(matches!(world.listed(ME), Listed::Online(stamp) if stamp > own));
}

#[test]
fn an_older_offline_claim_changes_nothing() {
    let mut world = World::among(&[A]);
    let wall = world.wall();
    world.receive(&[], &[(ME, wall - 1)]);
    world.run_for(1_000);
    assert!(world.is_online(ME));
    assert!(world.gossip_to(A).is_empty());
}

#[test]
fn other_servers_never_replace_its_own_entry() {
    let mut world = World::alone();
    let claim = Entry { monitor: true, ..entry(ME, world.wall() + 999_000) };
    world.receive_lists(&Lists { online: vec![claim.clone()], offline: vec![] });
    let own = world.nodes[ME].machine.online_list().online[0].clone();
    assert!(!own.monitor);
    assert!(own.last_update < claim.last_update);
}

#[test]
fn another_spelling_of_its_own_url_is_not_another_server() {
    let mut world = World::new(1);
    world.start(config("http://Me.Example:80"), 0);
    for spelling in ["http://me.example/", "HTTP://ME.EXAMPLE:80", "http://Me.Example"] {
        let wall = world.wall();
        let me = "http://me.example/";
        world.act(me, |machine, now| {
            machine.handle_request(
                now,
                &crate::protocol::tests::support::rig::received(&lists(&[(spelling, wall)], &[])),
            );
        });
    }
    let online = world.nodes["http://me.example/"].machine.lists().online;
    assert_eq!(online.len(), 1);
    assert_eq!(&*online[0].base_url, "http://Me.Example:80/", "its own spelling is shown");
}

#[test]
fn its_own_stamp_grows_within_a_millisecond_and_when_the_clock_steps_back() {
    let mut world = World::alone();
    let mut last = 0;
    for step in 0..20 {
        if step == 10 {
            world.nodes.get_mut(ME).unwrap().wall_offset = -3_600_000;
        }
        let answer = world.receive(&[], &[]);
        let stamp = answer.online[0].last_update.0;
        assert!(stamp > last);
        last = stamp;
    }
}

#[test]
fn a_drain_lasts_and_reaches_many_at_once() {
    let peers: Vec<String> = (0..8).map(|index| format!("http://p{index}/")).collect();
    let mut world = World::among(&peers.iter().map(|peer| &**peer).collect::<Vec<_>>());
    let before = world.stamp(ME);
    world.drain();
    let drained = world.stamp(ME);
    assert!(!world.is_online(ME) && drained > before);
    world.run_for(20);
    for peer in &peers {
        assert_eq!(world.gossip_to(peer).len(), 1, "{peer}");
        assert_eq!(world.gossip_to(peer)[0].1.offline[0], entry(ME, drained));
    }
    world.store.body =
        Some(format!(r#"{{"online":[{{"baseUrl":"{ME}","lastUpdate":{}}}]}}"#, drained + 9_000));
    world.receive(&[(ME, drained + 5_000)], &[]);
    world.run_for(1_000_000);
    assert!(!world.is_online(ME), "neither its rounds, nor gossip, nor the list bring it back");
    assert!(world.stamp(ME) > drained + 9_000, "and it refutes claims that it is online");
    assert!(world.uploads().iter().all(|(body, _)| !body.contains(ME)));
}

#[test]
fn a_drained_server_returns_with_a_stamp_above_all_claims_about_it() {
    let mut world = World::among(&[A]);
    world.drain();
    let claim = world.wall() + 700_000;
    world.receive(&[], &[(ME, claim)]);
    world.drain();
    world.bring_back();
    assert_eq!(world.listed(ME), Listed::Online(claim + 1));
    world.run_for(1_000);
    let own = world.gossip_to(A).last().unwrap().1.online[0].clone();
    assert!(&*own.base_url == ME && own.last_update > Stamp(claim));
}

#[test]
fn a_leave_beats_a_siblings_higher_stamp() {
    let mut world = World::among(&[A]);
    let sibling = world.wall() + 40_000;
    world.receive(&[(ME, sibling)], &[]);
    assert!(world.stamp(ME) < sibling, "never adopted");
    world.leave();
    assert_eq!(world.listed(ME), Listed::Offline(sibling + 1));
}

#[test]
fn a_control_message_without_effect_sends_nothing() {
    let mut world = World::among(&[A]);
    world.bring_back();
    world.run_for(1_000);
    assert!(world.gossip_to(A).is_empty());
}

#[test]
fn claims_about_this_server_cause_no_flood() {
    let mut world = World::among(&[A, B]);
    for _ in 0..1_000 {
        let claim = world.stamp(ME) + 5;
        world.receive(&[], &[(ME, claim)]);
        world.run_for(1);
    }
    assert!(world.gossip_to(A).len() <= 8, "{} pushes in a second", world.gossip_to(A).len());
}

#[test]
fn a_restart_with_a_slow_clock_overrides_the_old_tombstone_at_once() {
    let mut world = World::new(3);
    world.start(config(ME), 0);
    let mut other = config(A);
    other.gossip_interval = Duration::from_secs(1);
    world.start(other, 0);
    world.run_for(100);
    let tombstone = world.wall();
    world.receive(&[], &[(A, tombstone)]);
    world.crash(A);
    world.start(config(A), -7_200_000);
    world.act(A, |machine, now| {
        machine.handle_request(now, &crate::protocol::tests::support::rig::received(&lists(&[(ME, 1)], &[])))
    });
    world.run_for(60_000);
    assert!(world.is_online(A));
    assert!(world.nodes[A].events.contains(&Event::Started));
}

#[test]
fn a_tombstone_of_this_server_on_the_master_list_is_refuted() {
    let mut world = World::new(1);
    let claim = world.wall() + 60_000;
    world.store.body =
        Some(format!(r#"{{"online":[],"offline":[{{"baseUrl":"{ME}","lastUpdate":{claim}}}]}}"#));
    world.set_fake(B, Fake::Online);
    world.start(config(ME), 0);
    world.run_for(100);
    assert!(matches!(world.listed(ME), Listed::Online(stamp) if stamp > claim));
}
