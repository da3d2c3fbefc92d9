//! Strangers: a sample decides about a batch of native servers that this server has never met.

use std::sync::Arc;

use crate::protocol::context::effect::Effect;
use crate::protocol::context::output::Transmit;
use crate::protocol::members::member::proof::Proof;
use crate::protocol::tests::support::parts::{Parts, at};
use crate::protocol::types::ids::Origin;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::Tick;
use crate::protocol::wire::extension::{Finding, Kind};

/// A server with three members that it has met, and this many strangers from a roster.
fn among(strangers: usize) -> Parts {
    let mut parts = Parts::native();
    for number in 0..3 {
        let helper = parts.add_native(&format!("http://met{number}/"), Status::Online, 1);
        parts.member(&helper).record_answered();
        parts.member(&helper).prove(Proof::Exchange);
    }
    for number in 0..strangers {
        let stranger = parts.add_native(&format!("http://stranger{number}/"), Status::Online, 1);
        let key = parts.members.roster.key_of(&stranger);
        parts.detection.strangers.arrive(key, Origin::Transfer, Tick(0));
    }
    parts
}

/// The number of requests to strangers and to helpers.
#[derive(Default)]
struct Sent {
    checks: usize,
    probe_requests: usize,
    /// Strangers whose failed check counts like any failed probe.
    failed: usize,
}

/// Lets these milliseconds pass. Members answer; `finding` decides how strangers answer.
fn run(parts: &mut Parts, millis: std::ops::Range<u64>, finding: impl Fn(&str) -> Finding) -> Sent {
    let mut sent = Sent::default();
    for tick in millis.step_by(5) {
        let Parts { detection, members, exchanges, cx, .. } = &mut *parts;
        sent.failed += detection.judge_strangers(members, exchanges, cx, at(tick)).len();
        detection.check_strangers(members, exchanges, cx, at(tick));
        while let Some(transmit) = cx.transmits.pop_front() {
            let Transmit::Gossip { id, extension: Some(extension), .. } = transmit else { continue };
            let exchange = exchanges.in_flight.end(id).unwrap();
            sent.probe_requests += usize::from(matches!(extension.kind, Kind::ProbeFor(_)));
            if !exchange.peer.contains("stranger") {
                continue;
            }
            sent.checks += 1;
            match finding(&exchange.peer) {
                Finding::Alive => detection.record_success(members, exchanges, cx, &exchange.peer, at(tick)),
                finding => detection.record_failure(members, exchanges, cx, &exchange, finding, at(tick)),
            }
        }
    }
    sent
}

fn is_hidden(effect: &Effect) -> bool {
    matches!(effect, Effect::Hide(..))
}

#[test]
fn a_sample_that_answers_confirms_the_batch() {
    let mut parts = among(100);
    let sent = run(&mut parts, 0..5_000, |_| Finding::Alive);
    assert_eq!((sent.checks, sent.probe_requests, sent.failed), (16, 0, 0));
    assert_eq!(parts.detection.strangers.lengths(), [0, 0]);
    assert_eq!(parts.effects(), []);
}

#[test]
fn a_few_strangers_are_left_to_ordinary_probes() {
    let mut parts = among(7);
    let sent = run(&mut parts, 0..5_000, |_| Finding::PortClosed);
    assert_eq!((sent.checks, sent.failed), (0, 0));
}

#[test]
fn a_failure_among_answers_counts_like_any_failed_probe() {
    let mut parts = among(16);
    let sent =
        run(
            &mut parts,
            0..5_000,
            |peer| {
                if peer == "http://stranger3/" { Finding::Silent } else { Finding::Alive }
            },
        );
    assert_eq!((sent.checks, sent.probe_requests, sent.failed), (16, 0, 1));
}

#[test]
fn a_failed_sample_is_verified_by_helpers_before_all_strangers_are_checked() {
    let mut parts = among(100);
    run(&mut parts, 0..1_000, |_| Finding::PortClosed);
    assert_eq!(parts.detection.strangers.lengths(), [100, 0], "helpers are asked");
    let asked: Vec<Arc<str>> = (0..100)
        .map(|number| Arc::from(format!("http://stranger{number}/")))
        .filter(|stranger: &Arc<str>| parts.detection.investigations.is_open(stranger))
        .collect();
    assert_eq!(asked.len(), 3);
    run(&mut parts, 1_000..3_000, |_| Finding::PortClosed);
    assert!(parts.detection.strangers.lengths()[1] > 50, "most are still doubtful");
    let mut checks = 0;
    for from in (3_000..20_000).step_by(500) {
        checks += run(&mut parts, from..from + 500, |_| Finding::PortClosed).checks;
        // The machine takes the effects after each step.
        parts.effects();
    }
    assert!(checks > 100);
    assert_eq!(parts.detection.strangers.lengths(), [0, 0]);
}

#[test]
fn a_server_without_any_answers_hides_doubtful_strangers_and_buries_none() {
    let mut parts = among(8);
    let mut effects = Vec::new();
    for from in (0..20_000).step_by(500) {
        run(&mut parts, from..from + 500, |_| Finding::PortClosed);
        effects.extend(parts.effects());
    }
    assert_eq!((effects.len(), effects.iter().filter(|effect| is_hidden(effect)).count()), (8, 8));
    assert_eq!(parts.status_and_stamp("http://stranger0/").0, Status::Online);
}
