//! What follows if a native server does not answer, as a single lost message looks the same.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::protocol::ExchangeId;
use crate::protocol::context::output::Transmit;
use crate::protocol::machine::Machine;
use crate::protocol::tests::support::native_rig::{
    Message, TARGET, extension_of, found, machine, native, now, status_of, take_messages, urls,
};
use crate::protocol::tests::support::world::EPOCH;
use crate::protocol::types::status::Status;
use crate::protocol::wire::extension::{Extension, Finding, Kind};
use crate::protocol::wire::message::{ReceivedEntry, ReceivedLists, Refusal, Reply};

fn cluster() -> Machine {
    machine(Some(Duration::from_secs(1)), urls(9).map(|url| native(&url)).chain([native(TARGET)]))
}

fn answer(machine: &mut Machine, tick: u64, sent: &Message) {
    machine.handle_reply(now(tick), sent.id, &Reply::Native(Box::new(extension_of(&sent.to))));
}

fn leave_unanswered(machine: &mut Machine, tick: u64, sent: &Message) {
    machine.handle_reply(now(tick), sent.id, &Reply::Failure("timed out".to_owned()));
}

/// The messages sent once the target has not answered its probe. All others answer.
fn messages_once_the_target_is_silent(machine: &mut Machine) -> (u64, Vec<Message>) {
    loop {
        let tick = machine.poll_timeout().unwrap().0;
        machine.handle_timeout(now(tick));
        for message in take_messages(machine) {
            match message {
                Message { ref to, kind: Some(Kind::Probe), .. } if &**to == TARGET => {
                    leave_unanswered(machine, tick, &message);
                    return (tick, take_messages(machine));
                }
                _ => answer(machine, tick, &message),
            }
        }
    }
}

fn helpers_of(sent: &[Message]) -> Vec<Arc<str>> {
    let is_helper = |sent: &&Message| matches!(sent.kind, Some(Kind::ProbeFor(_)));
    sent.iter().filter(is_helper).map(|helper| Arc::clone(&helper.to)).collect()
}

#[test]
fn a_silent_server_is_probed_again_along_with_the_helpers() {
    let mut machine = cluster();
    let (tick, sent) = messages_once_the_target_is_silent(&mut machine);
    let helpers = helpers_of(&sent);
    assert_eq!(helpers.len(), 3);
    let again: Vec<&Message> = sent.iter().filter(|sent| &*sent.to == TARGET).collect();
    assert!(matches!(again[..], [Message { kind: Some(Kind::Probe), .. }]));
    answer(&mut machine, tick + 2, again[0]);
    for helper in helpers {
        machine.handle_native_request(now(tick + 3), &found(&helper, Finding::Silent));
    }
    assert_eq!(status_of(&machine, TARGET), Status::Online);
}

#[test]
fn a_refusal_to_a_helper_neither_clears_nor_accuses() {
    for (finding, accusers) in [(Finding::Unproved, 1), (Finding::Silent, 3)] {
        let mut machine = cluster();
        let (tick, sent) = messages_once_the_target_is_silent(&mut machine);
        let again = sent.iter().find(|sent| &*sent.to == TARGET).unwrap();
        leave_unanswered(&mut machine, tick + 2, again);
        for helper in helpers_of(&sent) {
            machine.handle_native_request(now(tick + 3), &found(&helper, finding));
        }
        let claim = machine.claim(TARGET, now(tick + 3)).unwrap();
        assert_eq!((claim.status, claim.accusers.len()), (Status::Suspect, accusers), "{finding:?}");
    }
}

#[test]
fn a_helper_reports_a_refusal_without_accusing_the_server() {
    let mut machine = cluster();
    let kind = Kind::ProbeFor(TARGET.into());
    machine.handle_native_request(now(10), &Extension { kind, ..extension_of("http://n0/") });
    let probe = take_messages(&mut machine).into_iter().find(|sent| &*sent.to == TARGET).unwrap();
    machine.handle_reply(now(12), probe.id, &Reply::Refusal(Refusal::Unauthorized));
    let found = std::iter::from_fn(|| machine.poll_transmit()).find_map(|transmit| match transmit {
        Transmit::Gossip { extension: Some(extension), .. } => extension.found.clone(),
        _ => None,
    });
    assert_eq!(found, Some((TARGET.into(), Finding::Unproved)));
    assert_eq!(status_of(&machine, TARGET), Status::Online);
}

#[test]
fn a_plain_answer_that_the_server_is_offline_ends_the_investigation() {
    let mut machine = cluster();
    let (tick, sent) = messages_once_the_target_is_silent(&mut machine);
    assert!(machine.is_investigating(TARGET));
    let again = sent.iter().find(|sent| &*sent.to == TARGET).unwrap();
    let last_update = (EPOCH + tick) as f64;
    let offline = vec![ReceivedEntry { base_url: TARGET.into(), monitor: false, last_update }];
    let lists = ReceivedLists { offline, ..ReceivedLists::default() };
    machine.handle_reply(now(tick + 2), again.id, &Reply::Lists(lists));
    assert_eq!(status_of(&machine, TARGET), Status::Left);
    assert!(!machine.is_investigating(TARGET));
}

#[test]
fn at_a_high_loss_rate_further_helpers_are_asked_before_a_suspicion() {
    for are_many_lost in [false, true] {
        let mut machine = cluster();
        let (tick, mut messages) = messages_once_the_target_is_silent(&mut machine);
        if are_many_lost {
            (0..64).for_each(|_| machine.parts().1.health.record_loss());
        }
        for is_second_time in [false, true] {
            let status = if is_second_time && !are_many_lost { Status::Suspect } else { Status::Online };
            assert_eq!(status_of(&machine, TARGET), status);
            let helpers = helpers_of(&messages);
            assert_eq!(helpers.len(), if status == Status::Online { 3 } else { 0 });
            messages.iter().for_each(|message| leave_unanswered(&mut machine, tick + 2, message));
            take_messages(&mut machine);
            for helper in helpers {
                machine.handle_native_request(now(tick + 3), &found(&helper, Finding::Silent));
            }
            messages = take_messages(&mut machine);
        }
        assert_eq!(status_of(&machine, TARGET), Status::Suspect);
    }
}

#[test]
fn a_lost_push_causes_only_a_probe_of_its_target() {
    let mut machine = cluster();
    let news = native("http://news/");
    machine.handle_native_request(now(10), &Extension { claims: vec![news], ..extension_of("http://n0/") });
    let mut receivers = BTreeSet::new();
    while let Some(at) = machine.poll_timeout().filter(|at| at.0 < 12_000) {
        machine.handle_timeout(now(at.0));
        for message in take_messages(&mut machine) {
            if receivers.len() == 3 || message.kind != Some(Kind::Push) {
                answer(&mut machine, at.0, &message);
                continue;
            }
            receivers.insert(Arc::clone(&message.to));
            leave_unanswered(&mut machine, at.0, &message);
            let [again] = &take_messages(&mut machine)[..] else { panic!("only the target is asked") };
            assert!(again.to == message.to && again.kind == Some(Kind::Probe));
            answer(&mut machine, at.0, again);
        }
    }
    assert_eq!(receivers.len(), 3);
}

/// The times at which each server is probed while all answer, most often first.
fn probes_until(machine: &mut Machine, end: u64) -> Vec<(Arc<str>, Vec<u64>)> {
    let mut times: BTreeMap<Arc<str>, Vec<u64>> = BTreeMap::new();
    while let Some(at) = machine.poll_timeout().filter(|at| at.0 < end) {
        machine.handle_timeout(now(at.0));
        for message in take_messages(machine) {
            answer(machine, at.0, &message);
            times.entry(message.to).or_default().push(at.0);
        }
    }
    let mut times: Vec<_> = times.into_iter().collect();
    times.sort_by_key(|(_, times)| Reverse(times.len()));
    times
}

#[test]
fn each_of_two_ring_successors_is_probed_again_within_four_seconds() {
    let probed = probes_until(&mut cluster(), 500_000);
    assert_eq!(probed.len(), 10, "each server is probed");
    let count: usize = probed.iter().map(|(_, times)| times.len()).sum();
    let (successors, others) = probed.split_at(2);
    for (server, times) in successors {
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] < 4_000), "{server}");
        assert!(times.len() > count * 2 / 5, "{server}");
    }
    assert!(others.iter().all(|(_, times)| times.len() < count / 20));
}

#[test]
fn the_other_successor_takes_the_turns_of_one_that_wants_a_pause() {
    let mut machine = cluster();
    let [(first, _), (second, _), ..] = &probes_until(&mut machine, 60_000)[..] else { panic!("ten") };
    let (members, _, cx) = machine.parts();
    members.leave_alone(cx, first, Some(Duration::from_secs(600)), now(60_000));
    let [(most, times), (_, fewer), ..] = &probes_until(&mut machine, 120_000)[..] else { panic!("nine") };
    assert!(most == second && times.len() > 40 && fewer.len() < 5);
}

#[test]
fn a_server_that_answers_only_others_is_investigated_once_per_probe() {
    let mut machine = cluster();
    let mut awaited: Vec<(u64, ExchangeId)> = Vec::new();
    let (mut asked, mut helped) = (0, 0);
    loop {
        let timer = machine.poll_timeout().unwrap().0;
        let at = awaited.iter().map(|(at, _)| *at).chain([timer]).min().unwrap();
        if at > 60_000 {
            break;
        }
        machine.handle_timeout(now(at));
        for (_, id) in awaited.extract_if(.., |(until, _)| *until <= at).collect::<Vec<_>>() {
            machine.handle_reply(now(at), id, &Reply::Failure("timed out".to_owned()));
        }
        for message in take_messages(&mut machine) {
            if &*message.to == TARGET {
                asked += 1;
                awaited.push((at + message.timeout, message.id));
                continue;
            }
            answer(&mut machine, at, &message);
            if matches!(message.kind, Some(Kind::ProbeFor(_))) {
                helped += 1;
                machine.handle_native_request(now(at), &found(&message.to, Finding::Alive));
            }
        }
    }
    // It is probed up to forty times, also as a ring successor. Each time it is asked once more,
    // and so are three helpers.
    assert!((20..=90).contains(&asked), "it is asked {asked} times");
    assert!((30..=100).contains(&helped), "others are asked {helped} times");
    assert_eq!(status_of(&machine, TARGET), Status::Online);
}
