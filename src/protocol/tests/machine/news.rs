//! What programs are told of changes.

use crate::protocol::machine::news::{Controlled, Language, News, NewsCause, NewsPhase};
use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::rig::{A, B, C, ME, lists};
use crate::protocol::tests::support::world::World;
use crate::protocol::types::status::Status;

/// The news after this number: the server, its states before and after, and the cause.
fn news_after(world: &World, view: u64) -> Vec<String> {
    let state = |state: Option<Status>| state.map_or("none", Status::name);
    let tell = |news: &News| {
        let News { base_url, previous, state: now, cause, .. } = news;
        format!("{base_url} {} -> {}: {cause:?}", state(*previous), state(*now))
    };
    let missed = world.nodes[ME].machine.missed(Some(view), world.now(ME));
    assert!(missed.servers.is_empty());
    missed.news.iter().map(tell).collect()
}

fn view(world: &World) -> u64 {
    world.nodes[ME].machine.summary(world.now(ME)).view
}

#[test]
fn each_change_is_told_with_its_cause() {
    let mut world = World::alone();
    for (peer, fake) in [(A, Fake::Online), (B, Fake::Online)] {
        world.set_fake(peer, fake);
        let wall = world.wall();
        world.receive(&[(peer, wall)], &[]);
    }
    world.run_for(2_000);
    assert_eq!(
        news_after(&world, 0),
        [
            "http://me/ none -> alive: Said",
            "http://a/ none -> alive: Rumour",
            "http://b/ none -> alive: Rumour"
        ]
    );
    let (begin, wall) = (view(&world), world.wall());
    world.set_fake(A, Fake::Hangs);
    world.set_fake(B, Fake::Says(lists(&[], &[(B, wall)])));
    world.run_for(120_000);
    let mut changes = news_after(&world, begin);
    changes.sort_unstable();
    assert_eq!(changes, ["http://a/ alive -> dead: Silent", "http://b/ alive -> left: Said"]);
    let begin = view(&world);
    world.set_fake(A, Fake::Online);
    world.run_for(120_000);
    assert_eq!(news_after(&world, begin), ["http://a/ dead -> alive: Answered"]);
}

#[test]
fn a_tombstone_that_expires_is_forgotten() {
    let mut world = World::alone();
    world.set_fake(C, Fake::Refuses);
    let wall = world.wall();
    world.receive(&[], &[(C, wall)]);
    world.run_for(25 * 60 * 60 * 1_000);
    assert_eq!(news_after(&world, 1), ["http://c/ none -> dead: Rumour", "http://c/ dead -> none: Age"]);
    assert!(world.nodes[ME].machine.summary(world.now(ME)).quiet_for.as_secs() > 60);
}

#[test]
fn a_server_tells_its_own_changes() {
    let mut world = World::alone();
    let phase = |world: &World| world.nodes[ME].machine.summary(world.now(ME)).phase;
    world.drain();
    world.drain();
    assert_eq!(phase(&world), NewsPhase::Drained);
    world.bring_back();
    assert_eq!(phase(&world), NewsPhase::Running);
    world.leave();
    assert_eq!(phase(&world), NewsPhase::Leaving);
    world.run_for(20_000);
    assert_eq!(
        news_after(&world, 1),
        [
            "http://me/ alive -> left: Control",
            "http://me/ left -> alive: Control",
            "http://me/ alive -> left: Said"
        ]
    );
}

#[test]
fn another_spelling_of_a_url_is_another_server_for_programs() {
    let mut world = World::alone();
    let wall = world.wall();
    world.set_fake(A, Fake::Says(lists(&[("http://a/", wall + 1)], &[])));
    world.receive(&[("http://A/", wall)], &[]);
    world.run_for(2_000);
    let told = news_after(&world, 1);
    let expected = ["http://A/ none -> alive: Rumour", "http://A/ alive -> none: Answered"];
    assert_eq!(told[..2], expected);
    assert_eq!(told[2..], ["http://a/ none -> alive: Answered"]);
}

#[test]
fn a_reader_without_a_number_is_told_all_servers() {
    let world = World::among(&[A, B]);
    let machine = &world.nodes[ME].machine;
    let missed = machine.missed(None, world.now(ME));
    let servers: Vec<&str> = missed.servers.iter().map(|server| &*server.base_url).collect();
    assert_eq!(servers, [ME, A, B]);
    assert_eq!(missed.news.len(), 3);
    let summary = machine.summary(world.now(ME));
    assert_eq!((summary.online, summary.suspects, summary.dead, summary.left), (3, 0, 0, 0));
}

#[test]
fn operators_are_told_since_when_and_how_a_state_is_known() {
    let mut world = World::among(&[A, B]);
    let begin = world.wall();
    world.set_fake(A, Fake::Refuses);
    world.run_for(600_000);
    world.drain();
    let now = world.now(ME);
    let machine = &world.nodes[ME].machine;
    let portraits = machine.portraits(now);
    let [own, a, b] = &portraits[..] else { panic!("{portraits:?}") };
    assert_eq!((&*own.entry.base_url, own.status, own.since), (ME, Status::Left, now.wall));
    assert_eq!((own.cause, own.language), (NewsCause::Control, Language::Legacy));
    assert_eq!((&*a.entry.base_url, a.status, a.cause), (A, Status::Dead, NewsCause::Silent));
    assert!(a.since.0 > begin && a.since.0 < now.wall.0 - 60_000, "{a:?}");
    assert_eq!((&*b.entry.base_url, b.status), (B, Status::Online));
    assert!(b.since.0 <= begin, "{b:?}");
    // Snapshots show the same times.
    let missed = machine.missed(None, now);
    let times: Vec<_> = missed.servers.iter().map(News::at).collect();
    assert_eq!(times, portraits.iter().map(|portrait| portrait.since).collect::<Vec<_>>());
}

#[test]
fn servers_of_the_list_can_be_controlled() {
    let mut world = World::among(&[A]);
    world.run_for(120_000);
    let wall = world.wall();
    world.set_fake(B, Fake::Hangs);
    world.receive(&[(B, wall)], &[]);
    let controlled = |url: &str| world.nodes[ME].machine.controlled(url);
    let other = |base_url: &str, is_known_legacy| {
        Some(Controlled::Other { base_url: base_url.into(), is_known_legacy })
    };
    assert_eq!(controlled(ME), Some(Controlled::Itself));
    assert_eq!(controlled(A), other(A, true));
    assert_eq!(controlled(B), other(B, false), "hearsay");
    assert_eq!(controlled(C), None);
}
