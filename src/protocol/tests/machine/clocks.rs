//! Servers whose clocks are or were wrong.

use std::time::Duration;

use crate::protocol::context::config::Config;
use crate::protocol::context::output::{Event, Severity};
use crate::protocol::machine::Machine;
use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::native_rig::{
    extension_of, legacy, machine, native, now, take_messages,
};
use crate::protocol::tests::support::rig::{Listed, ME as PLAIN_ME, lists};
use crate::protocol::tests::support::world::{EPOCH, World, config};
use crate::protocol::types::claim::Claim;
use crate::protocol::types::status::{Control, Status};
use crate::protocol::types::time::{Incarnation, Now, Stamp};
use crate::protocol::wire::extension::Extension;
use crate::protocol::wire::message::Reply;

const ME: &str = "http://me/";
const A: &str = "http://a/";
const B: &str = "http://b/";
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// The time of a clock with this error, in milliseconds.
fn at(tick: u64, offset: i64) -> Now {
    Now { wall: Stamp((EPOCH + tick).saturating_add_signed(offset)), ..now(tick) }
}

fn incarnation_at(now: Now) -> Incarnation {
    Incarnation::first(now.wall)
}

/// What a peer claims about itself.
fn own_claim(url: &str, status: Status, incarnation: Incarnation, stamp: Stamp) -> Extension {
    Extension { me: Claim { status, incarnation, last_update: stamp, ..native(url) }, ..extension_of(url) }
}

fn held(machine: &Machine, url: &str) -> Claim {
    machine.claim(url, now(0)).unwrap()
}

fn warnings(machine: &mut Machine) -> Vec<String> {
    let text = |event| match event {
        Event::Log { severity: Severity::Warning, message, .. } => Some(message),
        _ => None,
    };
    std::iter::from_fn(|| machine.poll_event()).filter_map(text).collect()
}

fn native_machine() -> Machine {
    machine(Some(Duration::from_secs(1)), [native(A)].into_iter())
}

/// Receives a claim about the machine itself, relayed by a peer; returns the machine's own claim.
fn receive_about_me(machine: &mut Machine, tick: u64, status: Status, incarnation: Incarnation) -> Claim {
    let claim = Claim { incarnation, status, ..native(ME) };
    let request = Extension { claims: vec![claim], ..extension_of(A) };
    machine.handle_native_request(now(tick), &request).me
}

fn own(machine: &Machine) -> Claim {
    machine.claim(ME, now(0)).unwrap()
}

#[test]
fn a_stamp_from_the_future_does_not_hide_a_drain() {
    // A legacy peer showed it, and this server accepted it while its own clock was ahead.
    let glitch = at(0, 6 * DAY);
    let shown = Claim { last_update: glitch.wall, ..legacy(A) };
    let config = Config { probe_interval: Some(Duration::from_secs(1)), ..config(ME) };
    let mut machine = Machine::seeded(config, 3, glitch, vec![shown]);
    let drained = own_claim(A, Status::Left, Incarnation(1_000), Stamp(EPOCH + 1_000));
    machine.handle_native_request(now(2_000), &drained);
    assert_eq!(held(&machine, A).status, Status::Left);
}

#[test]
fn a_drained_servers_own_claim_beats_any_stamp_held() {
    // A legacy peer showed it with a stamp that is ahead by less than a day.
    let shown = Claim { last_update: at(0, DAY / 2).wall, ..legacy(A) };
    let config = Config { probe_interval: Some(Duration::from_secs(1)), ..config(ME) };
    let mut machine = Machine::seeded(config, 3, now(0), vec![shown]);
    let drained = own_claim(A, Status::Left, Incarnation(1_000), Stamp(EPOCH + 1_000));
    let relayed = Extension {
        claims: vec![drained.me.clone()],
        ..own_claim(B, Status::Online, Incarnation(1_000), Stamp(EPOCH))
    };
    machine.handle_native_request(now(1_500), &relayed);
    assert_eq!(held(&machine, A).status, Status::Online);
    machine.handle_native_request(now(2_000), &drained);
    assert_eq!(held(&machine, A).status, Status::Left);
}

#[test]
fn a_drained_server_supersedes_an_earlier_process_with_a_fast_clock() {
    let mut machine = native_machine();
    machine.handle_control(now(1_000), Control::Drain);
    let earlier = Incarnation(own(&machine).incarnation.0 + 5_000);
    let claim = receive_about_me(&mut machine, 2_000, Status::Online, earlier);
    assert_eq!((claim.status, claim.incarnation), (Status::Left, earlier));
    // A claim about an even earlier process is not news.
    let claim = receive_about_me(&mut machine, 60_000, Status::Online, Incarnation(earlier.0 - 7));
    assert_eq!((claim.status, claim.incarnation), (Status::Left, earlier));
    machine.handle_control(now(70_000), Control::Return);
    assert!(own(&machine).incarnation > earlier);
}

#[test]
fn a_drained_server_does_not_contradict_its_sibling_forever() {
    let mut machine = native_machine();
    machine.handle_control(now(1_000), Control::Drain);
    let mut takeovers = 0;
    // The other process refutes every drain that it receives.
    for tick in (2_000..602_000).step_by(200) {
        let before = own(&machine).incarnation;
        let claim = receive_about_me(&mut machine, tick, Status::Online, before.next());
        assert_eq!(claim.status, Status::Left);
        takeovers += u32::from(claim.incarnation > before);
    }
    assert!((5..=16).contains(&takeovers), "{takeovers} in ten minutes");
}

#[test]
fn no_stamp_prevents_the_admission_of_a_native_server() {
    for stamp in [at(0, 2 * DAY).wall, Stamp(u64::MAX), Stamp(0)] {
        let mut machine = native_machine();
        let incarnation = incarnation_at(now(0));
        let answer = machine.handle_native_request(now(5), &own_claim(B, Status::Online, incarnation, stamp));
        assert_eq!((held(&machine, B).status, answer.clock), (Status::Online, None));
        assert_eq!(held(&machine, B).last_update, stamp.min(now(5).wall), "it counts as now");
        machine.handle_native_request(now(900), &own_claim(B, Status::Left, incarnation, stamp));
        assert_eq!(held(&machine, B).status, Status::Left, "its drain is accepted");
    }
}

#[test]
fn an_incarnation_days_ahead_is_rejected_logged_and_reported_to_its_subject() {
    let mut machine = native_machine();
    warnings(&mut machine);
    let ahead = incarnation_at(at(0, 2 * DAY));
    let answer = machine.handle_native_request(now(5), &own_claim(B, Status::Online, ahead, now(5).wall));
    assert_eq!(answer.clock, Some(now(5).wall));
    assert!(machine.claim(B, now(5)).is_none());
    let logged = warnings(&mut machine);
    assert_eq!(logged.iter().filter(|line| line.contains(B) && line.contains("24 hours ahead")).count(), 1);
    // The other server logs it too, since the response reports it.
    machine.handle_timeout(now(2_000));
    let asked = take_messages(&mut machine).remove(0);
    let answer = Extension { clock: Some(at(2_010, -73 * HOUR).wall), ..extension_of(&asked.to) };
    machine.handle_reply(now(2_010), asked.id, &Reply::Native(Box::new(answer)));
    let logged = warnings(&mut machine);
    let is_named = |line: &String| line.contains(&*asked.to) && line.contains("72 hours ahead");
    assert_eq!(logged.iter().filter(|line| is_named(line)).count(), 1, "{logged:?}");
}

#[test]
fn a_held_incarnation_days_ahead_counts_as_zero_but_may_be_confirmed() {
    for says_right in [true, false] {
        let mut machine = native_machine();
        let ahead = incarnation_at(at(0, 3 * DAY));
        let wrong = at(1_000, 3 * DAY);
        machine.handle_native_request(wrong, &own_claim(B, Status::Online, ahead, wrong.wall));
        assert_eq!(held(&machine, B).incarnation, ahead);
        // The clock is right again.
        let incarnation = if says_right { incarnation_at(now(0)) } else { ahead };
        machine.handle_native_request(now(2_000), &own_claim(B, Status::Left, incarnation, now(2_000).wall));
        assert_eq!((held(&machine, B).status, held(&machine, B).incarnation), (Status::Left, incarnation));
        machine
            .handle_native_request(now(3_000), &own_claim(B, Status::Online, ahead.next(), now(3_000).wall));
        assert_eq!(held(&machine, B).incarnation, incarnation, "an incarnation too far ahead is not adopted");
    }
}

#[test]
fn a_server_whose_clock_is_set_back_restarts_its_incarnation_but_its_stamp_grows() {
    let config = crate::protocol::context::config::Config {
        probe_interval: Some(Duration::from_secs(1)),
        ..config(ME)
    };
    let mut machine = Machine::seeded(config, 3, at(0, 2 * DAY), [native(A)]);
    let before = own(&machine);
    assert_eq!(before.incarnation, incarnation_at(at(0, 2 * DAY)));
    let after = machine.handle_native_request(now(1_000), &extension_of(A)).me;
    assert_eq!((after.status, after.incarnation), (Status::Online, incarnation_at(now(1_000))));
    assert!(after.last_update > before.last_update);
    // An echo of its earlier claim does not raise it again, not even when a drain ends.
    let claim = receive_about_me(&mut machine, 2_000, Status::Dead, before.incarnation);
    assert_eq!(claim.incarnation, after.incarnation);
    machine.handle_control(now(3_000), Control::Drain);
    machine.handle_control(now(4_000), Control::Return);
    assert_eq!(own(&machine).incarnation, after.incarnation.next());
}

#[test]
fn a_sender_with_an_outdated_claim_about_itself_receives_the_held_one() {
    let mut machine = native_machine();
    let earlier = Claim { incarnation: incarnation_at(now(0)), ..native(B) };
    machine.handle_native_request(now(5), &Extension { claims: vec![earlier.clone()], ..extension_of(A) });
    let from_1970 = own_claim(B, Status::Online, Incarnation(7), Stamp(7_000));
    let answer = machine.handle_native_request(now(9), &from_1970);
    let objections: Vec<_> = answer.claims.iter().filter(|claim| &*claim.base_url == B).collect();
    assert_eq!(objections.iter().map(|claim| claim.incarnation).collect::<Vec<_>>(), [earlier.incarnation]);
}

#[test]
fn a_short_clock_jump_does_not_stamp_tombstones_in_the_future() {
    let mut world = World::with(|config| config.gossip_interval = Duration::from_secs(5));
    world.find_alive(A);
    world.nodes.get_mut(PLAIN_ME).unwrap().wall_offset = 2 * DAY;
    world.set_fake(A, Fake::Refuses);
    world.run_for(15_000);
    let Listed::Offline(stamp) = world.listed(A) else { panic!("{:?}", world.listed(A)) };
    assert!(stamp < world.wall() + 60_000, "{stamp}");
    assert!(world.stamp(PLAIN_ME) < world.wall() + 60_000);
}

#[test]
fn a_legacy_peer_with_the_right_time_stays_online_while_this_servers_clock_is_behind() {
    let mut world = World::among(&[A]);
    world.nodes.get_mut(PLAIN_ME).unwrap().wall_offset = -2 * DAY;
    world.run_for(200_000);
    assert!(world.gossip_to(A).len() > 3 && world.is_online(A));
    world.set_fake(A, Fake::Drained);
    world.nodes.get_mut(PLAIN_ME).unwrap().wall_offset = 0;
    world.run_for(200_000);
    assert!(!world.is_online(A), "its own claim counts again");
}

#[test]
fn a_list_with_only_rejected_entries_is_downloaded_again_soon() {
    let mut world = World::new(3);
    world.store.body = Some(format!(r#"{{"online":[{{"baseUrl":"{A}","lastUpdate":{EPOCH}}}]}}"#));
    world.set_fake(A, Fake::Online);
    world.start(config(PLAIN_ME), -(EPOCH as i64));
    world.run_for(60_000);
    let pauses: Vec<u64> = world.downloads().windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.len() >= 5 && pauses.iter().all(|pause| (1_000..=10_010).contains(pause)), "{pauses:?}");
    assert!(world.has_started() && world.listed(A) == Listed::Unknown);
    // The clock is set: the server requests the list at once, and greets others.
    world.nodes.get_mut(PLAIN_ME).unwrap().wall_offset = 0;
    world.run_for(2_000);
    assert!(world.is_online(A) && !world.sent_to(A).is_empty());
    let downloads = world.downloads().len();
    world.run_for(60_000);
    assert_eq!(world.downloads().len(), downloads, "no further download");
}

#[test]
fn no_stamp_from_the_future_is_uploaded() {
    let mut world = World::new(3);
    let mut config = config(PLAIN_ME);
    config.master_list.announce_minimum = Duration::from_secs(5);
    config.master_list.announce_interval = Duration::ZERO;
    world.start(config, 2 * DAY);
    world.run_for(1_000);
    world.nodes.get_mut(PLAIN_ME).unwrap().wall_offset = 0;
    world.run_for(60_000);
    assert!(
        world.stamp(PLAIN_ME) > world.wall() + DAY as u64,
        "the stamp that it sends to legacy peers keeps growing"
    );
    let (body, _) = world.uploads()[0];
    let list: serde_json::Value = serde_json::from_str(body).unwrap();
    assert!(list["online"][0]["lastUpdate"].as_u64().unwrap() <= world.wall());
    assert_eq!(world.uploads().len(), 1);
    world.receive_lists(&lists(&[], &[]));
}

#[test]
fn a_servers_own_claim_in_a_response_counts_as_made_now() {
    let mut world = World::among(&[A]);
    let ahead = world.wall() + 9 * DAY as u64;
    let own = |online| if online { lists(&[(A, ahead)], &[]) } else { lists(&[], &[(A, ahead)]) };
    world.set_fake(A, Fake::Says(own(true)));
    world.run_for(200_000);
    let Listed::Online(stamp) = world.listed(A) else { panic!("{:?}", world.listed(A)) };
    assert!(stamp <= world.wall());
    world.set_fake(A, Fake::Refuses);
    world.run_for(200_000);
    assert!(!world.is_online(A));
    // A peer repeats a claim that cannot be compared, which proves nothing against what this server
    // has found itself. Its next try to reconnect asks the subject.
    world.set_fake(A, Fake::Says(own(true)));
    world.receive(&[(A, ahead)], &[]);
    world.run_for(33_000);
    assert!(world.is_online(A));
    // No claim is accepted without asking its subject.
    world.receive(&[(B, ahead)], &[(A, ahead)]);
    world.run_for(5_000);
    assert!(world.is_online(A) && world.listed(B) == Listed::Unknown);
}

#[test]
fn an_archived_tombstone_from_the_future_blocks_no_claim() {
    let mut archive = crate::protocol::members::archive::Archive::new(1);
    archive.insert(A, at(0, 2 * DAY).wall, incarnation_at(at(0, 2 * DAY)));
    let claim = Claim { incarnation: incarnation_at(now(0)), ..native(A) };
    for incarnation in [claim.incarnation, Incarnation::NONE] {
        let claim = Claim { incarnation, ..claim.clone() };
        assert!(!archive.blocks(A, &claim, now(1_000)));
        assert!(archive.blocks(A, &claim, at(1_000, 2 * DAY)), "while the clock is ahead");
    }
    assert_eq!(archive.stamp_of(A, now(1_000)), None);
}

#[test]
fn a_server_learns_of_a_forgotten_earlier_life_from_its_peers() {
    // The earlier process had a clock three hours ahead; only this server remembers it.
    let mut machine = native_machine();
    let earlier = incarnation_at(at(0, 3 * HOUR));
    machine.parts().0.archive.insert(B, Stamp(EPOCH), earlier);
    let present = incarnation_at(now(1_000));
    let answer =
        machine.handle_native_request(now(1_000), &own_claim(B, Status::Online, present, now(1_000).wall));
    assert_eq!(machine.claim(B, now(1_000)), None);
    let objections: Vec<_> = answer.claims.iter().filter(|claim| &*claim.base_url == B).collect();
    assert!(
        matches!(objections[..], [claim] if claim.status == Status::Dead && claim.incarnation == earlier)
    );

    machine.handle_native_request(now(2_000), &own_claim(B, Status::Online, earlier.next(), now(2_000).wall));
    assert_eq!(held(&machine, B).status, Status::Online);
}
