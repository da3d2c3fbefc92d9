//! Log lines about other servers, and their number.

use crate::protocol::context::output::{Event, Severity};
use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::rig::{A, B, C, ME, lists};
use crate::protocol::tests::support::world::{EPOCH, World};

/// All lines since the last call.
fn lines(world: &mut World) -> Vec<(Severity, String)> {
    let line = |event| match event {
        Event::Log { severity, message, .. } => Some((severity, message)),
        _ => None,
    };
    world.nodes.get_mut(ME).unwrap().events.drain(..).filter_map(line).collect()
}

fn fail_to_reach(world: &mut World, peers: std::ops::Range<usize>) {
    world.act(ME, |machine, now| {
        for peer in peers {
            let message = format!("Failed to send gossip message to http://p{peer}/:");
            machine.parts().2.log_failure(message, "connection refused", now.tick);
        }
    });
}

#[test]
fn joins_within_a_second_make_one_line() {
    let mut world = World::alone();
    for peer in [A, B, C] {
        world.set_fake(peer, Fake::Online);
        let wall = world.wall();
        world.receive(&[(peer, wall)], &[]);
        world.run_for(300);
    }
    assert!(lines(&mut world).is_empty());
    world.run_for(1_000);
    let line = "Clustershazbot: joined: http://a/, http://b/, http://c/ (reported by other servers)";
    assert_eq!(lines(&mut world), [(Severity::Info, line.to_owned())]);
    world.run_for(60_000);
    assert!(lines(&mut world).is_empty(), "a state without changes is not logged");
}

#[test]
fn a_death_a_return_and_a_leave_are_logged_with_their_causes() {
    let mut world = World::among(&[A, B]);
    world.run_for(2_000);
    lines(&mut world);
    world.set_fake(A, Fake::Refuses);
    world.run_for(120_000);
    let died = lines(&mut world);
    assert_eq!(died.len(), 2, "{died:?}");
    assert_eq!(died[1], (Severity::Warning, "Clustershazbot: died: http://a/ (no answer)".to_owned()));
    world.set_fake(A, Fake::Online);
    world.run_for(120_000);
    assert_eq!(
        lines(&mut world),
        [(Severity::Info, "Clustershazbot: returned: http://a/ (it answered)".to_owned())]
    );
    let wall = world.wall();
    world.set_fake(B, Fake::Says(lists(&[], &[(B, wall)])));
    world.run_for(120_000);
    assert_eq!(
        lines(&mut world),
        [(Severity::Info, "Clustershazbot: left: http://b/ (reported by itself)".to_owned())]
    );
}

#[test]
fn the_servers_on_the_master_list_at_the_start_make_one_line() {
    let mut world = World::new(3);
    let peers: Vec<String> = (0..100).map(|peer| format!("http://p{peer}/")).collect();
    for peer in &peers {
        world.set_fake(peer, Fake::Online);
    }
    let claims: Vec<(&str, u64)> = peers.iter().map(|peer| (&**peer, EPOCH)).collect();
    world.store.body = Some(String::from_utf8(lists(&claims, &[]).to_gossip_json(None)).unwrap());
    world.start(crate::protocol::tests::support::world::config(ME), 0);
    world.run_for(30_000);
    let lines = lines(&mut world);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let (severity, line) = &lines[0];
    assert_eq!(*severity, Severity::Info);
    assert!(line.starts_with("Clustershazbot: found at the start: http://p0/, "), "{line}");
    assert!(line.ends_with(" and 90 more (on the master list)"), "{line}");
}

#[test]
fn failures_of_many_peers_are_logged_within_limits_and_the_rest_counted() {
    let mut world = World::alone();
    fail_to_reach(&mut world, 0..1_000);
    assert_eq!(lines(&mut world).len(), 20);
    world.run_for(30_000);
    fail_to_reach(&mut world, 1_000..2_000);
    assert_eq!(lines(&mut world).len(), 10);
    world.run_for(31_000);
    let line = "Clustershazbot left out 1970 more lines like these in the last 60 s";
    assert_eq!(lines(&mut world), [(Severity::Warning, line.to_owned())]);
}

#[test]
fn failures_of_peers_do_not_suppress_failures_of_the_master_list() {
    let mut world = World::alone();
    fail_to_reach(&mut world, 0..1_000);
    world.act(ME, |machine, now| {
        machine.parts().2.log_own_failure(
            "Failed to download master list from http://store/:".into(),
            "x",
            now.tick,
        );
    });
    assert_eq!(lines(&mut world).len(), 21);
}

#[test]
fn servers_that_keep_joining_and_leaving_do_not_fill_the_log() {
    let mut world = World::alone();
    for second in 0..600 {
        let peer = format!("http://p{second}/");
        world.set_fake(&peer, Fake::Online);
        let wall = world.wall();
        world.receive(&[(&peer, wall)], &[]);
        world.run_for(1_000);
    }
    let logged = lines(&mut world);
    assert!((80..=95).contains(&logged.len()), "{}", logged.len());
    assert!(logged.last().unwrap().1.contains(", http://p"), "later lines collect more");
}

#[test]
fn text_from_outside_cannot_break_or_reverse_a_line() {
    let mut world = World::alone();
    world.act(ME, |machine, now| {
        machine.parts().2.log_failure(
            "Failed:".to_owned(),
            "bad\r\nClustershazbot\u{202e}\u{1b}[2J",
            now.tick,
        );
    });
    let Some(Event::Log { reason: Some(reason), .. }) = world.nodes[ME].events.last() else {
        panic!("no line")
    };
    assert_eq!(reason, "bad\\u{d}\\u{a}Clustershazbot\\u{202e}\\u{1b}[2J");
}
