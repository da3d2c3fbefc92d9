//! Rules of native servers for rare cases: late findings, vanished receivers, isolated servers.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::ExchangeId;
use crate::protocol::context::output::Transmit;
use crate::protocol::machine::Machine;
use crate::protocol::tests::support::native_rig::{
    Message, TARGET, extension_of, found, legacy, machine, native, now, status_of, take_messages, urls,
};
use crate::protocol::tests::support::world::{EPOCH, config};
use crate::protocol::types::claim::Claim;
use crate::protocol::types::status::{Control, Status};
use crate::protocol::wire::document::Document;
use crate::protocol::wire::extension::{Extension, Finding, Kind};
use crate::protocol::wire::message::{ReceivedEntry, ReceivedLists, Reply};

/// Lets time pass until the machine has asked three helpers about the target, whose port is closed.
/// All others answer.
fn until_helpers_are_asked(machine: &mut Machine) -> (u64, Vec<Arc<str>>) {
    loop {
        let tick = machine.poll_timeout().unwrap().0;
        machine.handle_timeout(now(tick));
        for Message { id, to, .. } in take_messages(machine) {
            if &*to != TARGET {
                machine.handle_reply(now(tick), id, &Reply::Native(Box::new(extension_of(&to))));
                continue;
            }
            machine.handle_reply(now(tick), id, &Reply::NoListener("refused".to_owned()));
            let asked = take_messages(machine);
            assert!(asked.iter().all(|sent| matches!(sent.kind, Some(Kind::ProbeFor(_)))));
            for helper in &asked {
                machine.handle_reply(
                    now(tick),
                    helper.id,
                    &Reply::Native(Box::new(extension_of(&helper.to))),
                );
            }
            return (tick, asked.into_iter().map(|helper| helper.to).collect());
        }
    }
}

#[test]
fn a_late_finding_does_not_preempt_the_second_probe() {
    for is_probing_again in [false, true] {
        let members = urls(9).map(|url| native(&url)).chain([native(TARGET)]);
        let mut machine = machine(Some(Duration::from_secs(1)), members);
        let (asked_at, helpers) = until_helpers_are_asked(&mut machine);
        let [first, second, last] = &helpers[..] else { panic!("{helpers:?}") };
        machine.handle_native_request(now(asked_at + 5), &found(first, Finding::PortClosed));
        machine.handle_native_request(now(asked_at + 5), &found(second, Finding::Silent));
        // The wait for helpers ends after a second; the second probe follows 250 ms later.
        let late = asked_at + if is_probing_again { 1_280 } else { 1_100 };
        let mut second_probes = Vec::new();
        while let Some(at) = machine.poll_timeout().filter(|at| at.0 <= late) {
            machine.handle_timeout(now(at.0));
            for Message { id, to, .. } in take_messages(&mut machine) {
                match &*to {
                    TARGET => second_probes.push(id),
                    _ => machine.handle_reply(now(at.0), id, &Reply::Native(Box::new(extension_of(&to)))),
                }
            }
        }
        assert_eq!(second_probes.len(), usize::from(is_probing_again));
        machine.handle_native_request(now(late), &found(last, Finding::Silent));
        assert_eq!(status_of(&machine, TARGET), Status::Online);
        if let Some(id) = second_probes.pop() {
            machine.handle_reply(now(late + 1), id, &Reply::NoListener("refused".to_owned()));
            assert_eq!(status_of(&machine, TARGET), Status::Dead);
        }
    }
}

#[test]
fn a_queued_push_is_not_sent_to_a_server_that_went_offline() {
    let mut machine = machine(Some(Duration::from_secs(1)), urls(20).map(|url| legacy(&url)));
    machine.handle_control(now(100), Control::Drain);
    machine.handle_timeout(now(115));
    let sent = take_messages(&mut machine);
    let waiting: Vec<String> = urls(20).filter(|url| sent.iter().all(|sent| *sent.to != **url)).collect();
    assert!(!waiting.is_empty() && waiting.len() < 20, "{} wait", waiting.len());
    let gone = |url: &String| ReceivedEntry {
        base_url: url.clone().into(),
        monitor: false,
        last_update: (EPOCH + 116) as f64,
    };
    let offline = waiting.iter().map(gone).collect();
    machine.handle_request(now(116), &ReceivedLists { offline, ..ReceivedLists::default() });
    for sent in sent {
        machine.handle_reply(now(117), sent.id, &Reply::Failure("reset".to_owned()));
    }
    while let Some(at) = machine.poll_timeout().filter(|at| at.0 < 5_000) {
        machine.handle_timeout(now(at.0));
        for sent in take_messages(&mut machine) {
            assert!(!waiting.contains(&sent.to.to_string()), "{} is sent a message at {} ms", sent.to, at.0);
        }
    }
}

#[test]
fn without_the_extension_a_drain_is_pushed_to_all_at_once() {
    let monitors = urls(60).map(|url| Claim { monitor: true, ..legacy(&url) });
    let mut machine = machine(None, monitors);
    machine.handle_control(now(100), Control::Drain);
    machine.handle_timeout(now(115));
    assert_eq!(take_messages(&mut machine).len(), 60);
}

#[test]
fn a_joiner_requests_the_roster_from_another_server_if_one_is_busy() {
    let config = crate::protocol::context::config::Config {
        probe_interval: Some(Duration::from_secs(1)),
        ..config("http://me/")
    };
    let mut machine = Machine::start(config, 3, now(0));
    let Some(Transmit::DownloadMasterList { id }) = machine.poll_transmit() else { panic!("no download") };
    let entries: Vec<String> =
        urls(3).map(|url| format!(r#"{{"baseUrl":"{url}","monitor":false,"lastUpdate":{EPOCH}}}"#)).collect();
    let list = format!(r#"{{"online":[{}]}}"#, entries.join(","));
    machine.handle_download(now(10), id, &Document::read(200, None, list.as_bytes()));
    let greeted = take_messages(&mut machine);
    let asks_for_all = |sent: &&Message| matches!(sent.kind, Some(Kind::Sync(None)));
    let busy = greeted.iter().find(asks_for_all).unwrap();
    let answer = Extension { elsewhere: urls(3).map(Arc::from).collect(), ..extension_of(&busy.to) };
    machine.handle_reply(now(15), busy.id, &Reply::Native(Box::new(answer)));
    assert!(take_messages(&mut machine).is_empty(), "an exchange with each of the others is in flight");
    let free = greeted.iter().find(|sent| sent.id != busy.id).unwrap();
    machine.handle_reply(now(16), free.id, &Reply::Native(Box::new(extension_of(&free.to))));
    let asked = take_messages(&mut machine);
    assert_eq!(asked.iter().filter(asks_for_all).map(|sent| &sent.to).collect::<Vec<_>>(), [&free.to]);
}

#[test]
fn an_isolated_server_settles_down() {
    let mut machine = machine(Some(Duration::from_secs(1)), urls(50).map(|url| native(&url)));
    let mut silent: Vec<(u64, ExchangeId)> = Vec::new();
    let mut wake_ups = 0;
    loop {
        let timer = machine.poll_timeout().unwrap().0;
        let reply = silent.iter().min().copied().filter(|(at, _)| *at <= timer);
        let at = reply.map_or(timer, |(at, _)| at);
        if at > 600_000 {
            break;
        }
        wake_ups += u32::from(reply.is_none() && at > 540_000);
        match reply {
            Some(reply) => {
                silent.retain(|other| *other != reply);
                machine.handle_reply(now(at), reply.1, &Reply::Failure("timed out".to_owned()));
            }
            None => machine.handle_timeout(now(at)),
        }
        silent.extend(take_messages(&mut machine).into_iter().map(|sent| (at + sent.timeout, sent.id)));
    }
    assert!(machine.online_list().online.len() > 40, "most are held as suspects");
    // Each second there is a probe, a review of the suspects, and what follows from both.
    assert!(wake_ups < 240, "{wake_ups} wake-ups in a minute");
}

#[test]
fn the_worst_local_health_does_not_prevent_a_death() {
    let mut machine = machine(Some(Duration::from_secs(1)), std::iter::once(native(TARGET)));
    let mut replies: Vec<(u64, ExchangeId, bool)> = Vec::new();
    let mut answers = 0;
    while status_of(&machine, TARGET) != Status::Dead {
        let timer = machine.poll_timeout().unwrap().0;
        let reply = replies.iter().min().copied().filter(|(at, ..)| *at <= timer);
        let at = reply.map_or(timer, |(at, ..)| at);
        assert!(at < 180_000, "the target is still {:?}", status_of(&machine, TARGET));
        match reply {
            Some((_, id, is_answer)) => {
                replies.retain(|(_, other, _)| *other != id);
                let answer = Reply::Native(Box::new(extension_of(TARGET)));
                let failure = Reply::Failure("timed out".to_owned());
                machine.handle_reply(now(at), id, if is_answer { &answer } else { &failure });
                if is_answer {
                    answers += 1;
                    // A server whose event loop lags waits longest for answers.
                    (0..10).for_each(|_| machine.handle_lag(now(at), Duration::from_secs(2)));
                    machine.handle_lag(now(at), Duration::ZERO);
                }
            }
            None => machine.handle_timeout(now(at)),
        }
        // The first three answers are so slow that probes get their longest timeout.
        for sent in take_messages(&mut machine) {
            let is_answer = answers < 3;
            let after = if is_answer { 290 } else { sent.timeout };
            replies.push((at + after, sent.id, is_answer));
        }
    }
}
