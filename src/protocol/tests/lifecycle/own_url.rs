//! When a server checks its own URL, and how the answer counts.

use std::time::Duration;

use crate::protocol::ExchangeId;
use crate::protocol::context::config::Config;
use crate::protocol::context::output::{Event, Transmit};
use crate::protocol::machine::Machine;
use crate::protocol::tests::support::native_rig::{extension_of, machine, native, now, urls};
use crate::protocol::tests::support::world::config;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::Incarnation;
use crate::protocol::wire::extension::Extension;
use crate::protocol::wire::message::{ReceivedEntry, ReceivedLists, Reply};

const ME: &str = "http://me/";

fn cluster() -> Machine {
    machine(Some(Duration::from_secs(1)), urls(9).map(|url| native(&url)))
}

/// A machine that another process has just reached.
fn reached() -> Machine {
    let mut machine = cluster();
    machine.handle_native_request(now(100), &extension_of("http://n0/"));
    machine
}

fn incarnation(machine: &Machine) -> Incarnation {
    machine.claim(ME, now(0)).unwrap().incarnation
}

fn accusation(machine: &Machine, status: Status, accusers: &[u32]) -> Claim {
    Claim {
        status,
        incarnation: incarnation(machine),
        accusers: accusers.iter().copied().collect(),
        ..native(ME)
    }
}

/// Answers the next probe with a claim about the machine itself; returns its requests to its own
/// URL.
fn own_url_requests(machine: &mut Machine, claim: &Claim) -> Vec<(ExchangeId, Extension)> {
    let at = machine.poll_timeout().unwrap().0.max(1_000);
    machine.handle_timeout(now(at));
    let mut asked = Vec::new();
    let probe = std::iter::from_fn(|| machine.poll_transmit()).find_map(|transmit| match transmit {
        Transmit::Gossip { id, base_url, .. } => Some((id, base_url)),
        _ => None,
    });
    let (id, peer) = probe.expect("no probe is sent");
    let answer = Extension { claims: vec![claim.clone()], ..extension_of(&peer) };
    machine.handle_reply(now(at + 5), id, &Reply::Native(Box::new(answer)));
    while let Some(transmit) = machine.poll_transmit() {
        if let Transmit::CheckOwnUrl { id, base_url, extension, .. } = transmit {
            assert_eq!(&*base_url, ME);
            asked.push((id, (*extension).clone()));
        }
    }
    asked
}

#[test]
fn a_reached_server_accused_by_two_asks_its_own_url_before_it_refutes() {
    for (status, accusers) in [(Status::Suspect, vec![1, 2]), (Status::Dead, vec![])] {
        let mut machine = reached();
        let before = incarnation(&machine);
        let claim = accusation(&machine, status, &accusers);
        let [(id, message)] = &own_url_requests(&mut machine, &claim)[..] else { panic!("it asks once") };
        assert_eq!(incarnation(&machine), before);
        assert!(own_url_requests(&mut machine, &claim).is_empty(), "one check is enough");
        machine.handle_reply(now(2_000), *id, &Reply::Native(Box::new(message.clone())));
        assert_eq!(incarnation(&machine), before.next());
    }
}

#[test]
fn a_request_of_another_process_refutes_at_once() {
    let mut machine = reached();
    let before = incarnation(&machine);
    let claim = accusation(&machine, Status::Dead, &[]);
    assert_eq!(own_url_requests(&mut machine, &claim).len(), 1);
    machine.handle_native_request(now(3_000), &extension_of("http://n1/"));
    assert_eq!(incarnation(&machine), before.next());
    // So does a request that contains the accusation.
    let claims = vec![accusation(&machine, Status::Dead, &[])];
    machine.handle_native_request(now(4_000), &Extension { claims, ..extension_of("http://n1/") });
    assert_eq!(incarnation(&machine), before.next().next());
}

#[test]
fn its_own_url_is_not_checked_for_one_accuser_or_before_any_request_or_while_lagging() {
    let lagging = |mut machine: Machine| {
        machine.handle_lag(now(200), Duration::from_secs(3));
        while machine.poll_transmit().is_some() {}
        machine
    };
    for (mut machine, accusers) in
        [(reached(), vec![1]), (cluster(), vec![1, 2]), (lagging(reached()), vec![1, 2])]
    {
        let before = incarnation(&machine);
        let claim = accusation(&machine, Status::Suspect, &accusers);
        machine.handle_timeout(now(900));
        assert!(own_url_requests(&mut machine, &claim).is_empty());
        assert_eq!(incarnation(&machine), before.next());
    }
}

#[test]
fn a_plain_accusation_is_refuted_without_a_check() {
    let mut machine = reached();
    let own = machine.online_list().online.into_iter().find(|entry| &*entry.base_url == ME).unwrap();
    let last_update = (own.last_update.0 + 1_000) as f64;
    let offline = vec![ReceivedEntry { base_url: ME.into(), monitor: false, last_update }];
    machine.handle_request(now(300), &ReceivedLists { offline, ..ReceivedLists::default() });
    let checks = std::iter::from_fn(|| machine.poll_transmit())
        .filter(|transmit| matches!(transmit, Transmit::CheckOwnUrl { .. }));
    assert_eq!(checks.count(), 0);
}

#[test]
fn a_failed_check_counts_after_five_seconds_without_requests() {
    let mut machine = reached();
    let before = incarnation(&machine);
    let claim = accusation(&machine, Status::Dead, &[]);
    let [(id, _)] = &own_url_requests(&mut machine, &claim)[..] else { panic!("it asks once") };
    machine.handle_reply(now(2_000), *id, &Reply::NoListener("connection refused".to_owned()));
    let is_logged = |machine: &mut Machine| {
        std::iter::from_fn(|| machine.poll_event()).any(
            |event| matches!(event, Event::Log { message, .. } if message.contains("cannot be reached at")),
        )
    };
    for (tick, says_so) in [(3_000, false), (6_500, true), (60_000, false)] {
        machine.handle_timeout(now(tick));
        assert_eq!(is_logged(&mut machine), says_so, "{tick} ms");
        assert!(own_url_requests(&mut machine, &claim).is_empty());
        assert_eq!(incarnation(&machine), before);
    }
    machine.handle_request(now(70_000), &ReceivedLists::default());
    assert_eq!(incarnation(&machine), before.next());
}

#[test]
fn a_failed_check_of_a_suspect_does_not_count_while_requests_come_in() {
    let mut machine = reached();
    let before = incarnation(&machine);
    let claim = accusation(&machine, Status::Suspect, &[1, 2]);
    let [(id, _)] = &own_url_requests(&mut machine, &claim)[..] else { panic!("it asks once") };
    machine.handle_reply(now(2_000), *id, &Reply::Failure("timed out".to_owned()));
    assert_eq!(incarnation(&machine), before.next());
}

/// A message from a process that shares the URL.
fn sibling(status: Status) -> Extension {
    Extension { me: Claim { status, ..native(ME) }, instance: 0x51b, ..extension_of(ME) }
}

/// Lets a machine with a sibling leave, with these answers from its own URL. Returns whether it
/// announces the leave.
fn announces_leave(mut machine: Machine, answers: &[Extension]) -> bool {
    machine.handle_native_request(now(100), &sibling(Status::Online));
    machine.handle_leave(now(1_000));
    let mut answers = answers.iter();
    let mut announces_leave = false;
    while let Some(transmit) = machine.poll_transmit() {
        match transmit {
            Transmit::CheckOwnUrl { id, .. } => {
                let answer = answers.next().expect("it asks too often");
                machine.handle_reply(now(1_010), id, &Reply::Native(Box::new(answer.clone())));
            }
            Transmit::Gossip { extension, .. } => {
                assert_eq!(extension.unwrap().me.status, Status::Left);
                announces_leave = true;
            }
            Transmit::DownloadMasterList { .. } => panic!("the URL stays on the master list"),
            _ => {}
        }
    }
    let has_ended = std::iter::from_fn(|| machine.poll_event()).any(|event| event == Event::ShutDown);
    assert_eq!(has_ended, !announces_leave);
    assert_eq!(machine.lists().offline.iter().filter(|entry| &*entry.base_url == ME).count(), 1);
    announces_leave
}

#[test]
fn a_leave_is_not_announced_if_a_sibling_continues() {
    let config = |urls: Vec<Claim>| {
        let mut config = Config { probe_interval: Some(Duration::from_secs(1)), ..config(ME) };
        config.master_list.update_on_shutdown = true;
        Machine::seeded(config, 3, now(0), urls)
    };
    let cluster = || config(urls(9).map(|url| native(&url)).collect());
    let own = Extension { instance: cluster().exchanges().instance, ..sibling(Status::Online) };
    let [goes_on, leaves] = [Status::Online, Status::Left].map(sibling);
    assert!(!announces_leave(cluster(), std::slice::from_ref(&goes_on)));
    assert!(!announces_leave(cluster(), &[own.clone(), own.clone(), leaves.clone(), goes_on]));
    assert!(announces_leave(cluster(), &[own.clone(), leaves.clone(), own, leaves]));
    assert!(announces_leave(cluster(), &[extension_of("http://n1/")]), "another server uses the URL now");
}

#[test]
fn a_hanging_request_to_its_own_url_delays_a_leave_by_a_second() {
    let mut machine = cluster();
    machine.handle_native_request(now(100), &sibling(Status::Online));
    machine.handle_leave(now(1_000));
    while machine.poll_transmit().is_some() {}
    assert_eq!(machine.poll_timeout(), Some(now(2_000).tick));
    machine.handle_timeout(now(2_000));
    assert!(matches!(machine.poll_transmit(), Some(Transmit::Gossip { .. })));
    while machine.poll_transmit().is_some() {}
    // Hanging peers and the hanging request together delay it by five seconds.
    machine.handle_timeout(now(6_000));
    assert!(std::iter::from_fn(|| machine.poll_event()).any(|event| event == Event::ShutDown));
}
