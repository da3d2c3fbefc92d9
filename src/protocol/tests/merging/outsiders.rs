//! Servers of another cluster on the same master list, and servers of version 1 where they are
//! excluded.

use std::time::Duration;

use crate::protocol::context::config::{Config, LegacyPolicy};
use crate::protocol::context::output::Severity;
use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::rig::{A, B, C, Listed, ME, entry};
use crate::protocol::tests::support::world::{EPOCH, World, config};
use crate::protocol::wire::message::{Lists, Refusal, Reply};

fn stranger(fake: Fake) -> World {
    let mut world = World::with(|config| config.gossip_interval = Duration::from_secs(1));
    world.set_fake(A, fake);
    let wall = world.wall();
    world.receive(&[(A, wall)], &[]);
    world
}

fn first_gossip(world: &World) -> u64 {
    world.gossip_to(A).first().expect("its secret is tried").0
}

#[test]
fn a_stranger_that_rejects_the_secret_is_left_out_whatever_its_list_contains() {
    for fake in [Fake::OtherSecret, Fake::Status(401, "no")] {
        let mut world = stranger(fake.clone());
        world.run_for(10_000);
        let rejected_at = first_gossip(&world);
        world.run_for(rejected_at + 15_000 - world.tick);
        assert!(world.is_online(A), "{fake:?}: it may still call");
        world.run_for(10_000);
        assert_eq!(world.listed(A), Listed::Unknown, "{fake:?}: without a tombstone");
        let warnings = world.logs(Severity::Warning);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("shares its master list") && warnings[0].contains(A));
    }
}

#[test]
fn hearsay_does_not_revive_an_outsider_which_is_rarely_asked() {
    let mut world = stranger(Fake::OtherSecret);
    world.run_for(25_000);
    world.sent.clear();
    for _ in 0..300 {
        let wall = world.wall();
        world.receive(&[(A, wall)], &[]);
        world.receive(&[], &[(A, wall)]);
        world.run_for(1_000);
        assert_eq!(world.listed(A), Listed::Unknown);
    }
    assert!(world.gossip_to(A).len() <= 10, "{}", world.gossip_to(A).len());
    assert!(
        world.gossip_to(A).iter().all(|(_, lists)| lists.online.len() == 1),
        "it is sent no other servers"
    );
    assert_eq!(world.logs(Severity::Warning).len(), 1, "one warning is logged");
}

#[test]
fn an_outsider_that_adopts_the_secret_becomes_a_member() {
    let mut world = stranger(Fake::OtherSecret);
    world.run_for(60_000);
    world.set_fake(A, Fake::Online);
    let wall = world.wall();
    world.receive(&[(A, wall)], &[]);
    world.run_for(2_000);
    assert!(world.is_online(A));
}

#[test]
fn an_outsider_that_nobody_mentions_is_asked_too() {
    let mut world = stranger(Fake::OtherSecret);
    world.run_for(25_000);
    world.sent.clear();
    world.run_for(3_600_000);
    let asked = world.gossip_to(A);
    assert!((12..=30).contains(&asked.len()), "{}", asked.len());
    assert!(asked.iter().all(|(_, lists)| lists.online.len() == 1), "it is sent no other servers");
    world.set_fake(A, Fake::Online);
    world.run_for(300_000);
    assert!(world.is_online(A));
}

#[test]
fn a_leave_ends_the_requests_to_outsiders() {
    let mut world = stranger(Fake::OtherSecret);
    world.run_for(25_000);
    world.act(ME, |machine, now| machine.handle_leave(now));
    world.sent.clear();
    world.run_for(3_600_000);
    assert!(world.gossip_to(A).is_empty());
}

/// Its process may have gone back to version 1 after its URL had proved the secret.
#[test]
fn an_outsider_that_may_not_be_sent_the_secret_is_shown_by_its_list_again() {
    let mut world = stranger(Fake::OtherSecret);
    world.run_for(25_000);
    assert_eq!(world.listed(A), Listed::Unknown);
    world.set_fake(A, Fake::Held);
    world.sent.clear();
    for _ in 0..90 {
        if world.sent_to(A).is_empty() {
            world.run_for(1_000);
        }
    }
    world.reply(ME, world.last_to(A), &Reply::Refusal(Refusal::Withheld));
    world.set_fake(A, Fake::OtherSecret);
    world.run_for(120_000);
    assert!(world.is_online(A), "its list shows it");
}

#[test]
fn an_outsider_stays_on_the_master_list() {
    let mut world = stranger(Fake::OtherSecret);
    world.run_for(25_000);
    let wall = world.wall();
    let body = Lists { online: vec![entry(A, wall), entry(B, wall - 5)], offline: vec![] };
    world.store.body = Some(String::from_utf8(body.to_gossip_json(None)).unwrap());
    world.run_for(1_000_000);
    let (body, _) = world.uploads()[0];
    assert!(body.contains(A) && body.contains(ME), "{body}");
}

#[test]
fn a_stranger_that_accepts_the_secret_in_time_is_not_left_out() {
    let mut world = stranger(Fake::Status(401, "starting"));
    world.run_for(10_000);
    world.set_fake(A, Fake::Online);
    world.run_for(120_000);
    assert!(world.is_online(A));
}

/// A world with this policy, whose machine has been told of A and B, and may send them nothing.
fn withholding(policy: LegacyPolicy) -> World {
    let mut world = World::with(|config| config.legacy = policy);
    let wall = world.wall();
    for peer in [A, B] {
        world.set_fake(peer, Fake::Held);
        world.receive(&[(peer, wall)], &[]);
    }
    world.run_for(1_000);
    withhold_latest(&mut world);
    world
}

/// Refuses the messages to A and B of the last second.
fn withhold_latest(world: &mut World) {
    for peer in [A, B] {
        if world.sent_to(peer).last().is_some_and(|sent| sent.at + 1_000 >= world.tick) {
            let id = world.last_to(peer);
            world.reply(ME, id, &Reply::Refusal(Refusal::Withheld));
        }
    }
}

#[test]
fn servers_that_prove_nothing_are_left_out_with_one_warning_if_version_1_is_excluded() {
    let mut world = withholding(LegacyPolicy::Off);
    for _ in 0..100 {
        let wall = world.wall();
        world.receive(&[(A, wall), (B, wall)], &[]);
        for peer in [A, B] {
            assert_eq!(world.listed(peer), Listed::Unknown, "{peer}");
        }
        world.run_for(1_000);
        withhold_latest(&mut world);
    }
    let warnings = world.logs(Severity::Warning);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("SHAZBOT_LEGACY=off") && warnings[0].contains(A), "{warnings:?}");
    assert!(world.logs(Severity::Error).is_empty());
}

#[test]
fn servers_that_proved_nothing_are_asked_again_although_nobody_mentions_them() {
    let mut world = withholding(LegacyPolicy::Off);
    for _ in 0..600 {
        world.run_for(1_000);
        withhold_latest(&mut world);
    }
    for peer in [A, B] {
        let asked = world.gossip_to(peer).len();
        assert!((4..=10).contains(&asked), "{peer}: {asked}");
        world.set_fake(peer, Fake::Online);
    }
    world.run_for(300_000);
    for peer in [A, B] {
        assert!(world.is_online(peer), "{peer}");
    }
}

#[test]
fn servers_that_prove_nothing_are_shown_if_version_1_may_take_part() {
    let world = withholding(LegacyPolicy::Known);
    for peer in [A, B] {
        assert!(world.is_online(peer), "{peer}");
    }
}

#[test]
fn a_hidden_server_that_proves_nothing_is_warned_of_too() {
    let mut world = World::new(7);
    let old = EPOCH - 3_600_000;
    let listed = Lists { online: vec![entry(A, old), entry(C, old)], offline: vec![] };
    world.store.body = Some(String::from_utf8(listed.to_gossip_json(None)).unwrap());
    world.set_fake(A, Fake::Hangs);
    world.set_fake(C, Fake::Online);
    world.start(Config { legacy: LegacyPolicy::Off, ..config(ME) }, 0);
    world.run_for(7_000);
    assert_eq!(world.listed(A), Listed::Unknown, "it is hidden");
    world.set_fake(A, Fake::Held);
    for _ in 0..60 {
        world.run_for(1_000);
        withhold_latest(&mut world);
        assert_eq!(world.listed(A), Listed::Unknown);
    }
    let warnings = world.logs(Severity::Warning);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("SHAZBOT_LEGACY=off") && warnings[0].contains(A), "{warnings:?}");
}
