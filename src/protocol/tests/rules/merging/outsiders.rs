//! When servers that are left out are asked although nobody mentions them.

use std::sync::Arc;

use crate::protocol::context::timers::Timer;
use crate::protocol::merging::outsiders::{LONGEST_PAUSE, LeftOut};
use crate::protocol::tests::support::parts::{Parts, at};
use crate::protocol::types::limits::TOMBSTONE_LIFETIME;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::Tick;

const A: &str = "http://a/";
const B: &str = "http://b/";

/// Parts that leave out these servers at 0 s.
fn without(servers: &[&str]) -> Parts {
    let mut parts = Parts::native();
    for server in servers {
        let identity = parts.add(server, Status::Online, 0);
        let Parts { merging, members, cx, .. } = &mut parts;
        merging.outsiders.leave_out(members, cx, &identity, LeftOut::Unproved, at(0));
        parts.effects();
    }
    parts
}

/// Runs the timer until then. Returns who was asked, and when in seconds.
fn run(parts: &mut Parts, until: u64) -> Vec<(Arc<str>, u64)> {
    let mut asked = Vec::new();
    while let Some(now) = parts.cx.timers.get(Timer::Outsiders).filter(|now| now.0 <= until) {
        parts.cx.timers.stop(Timer::Outsiders);
        let Parts { merging, members, cx, .. } = &mut *parts;
        if let Some(url) = merging.outsiders.take_due(now)
            && merging.outsiders.try_claim_slot(members, cx, url.identity(), now)
        {
            asked.push((Arc::clone(url.identity()), now.0 / 1_000));
        }
        merging.outsiders.schedule(cx, now);
    }
    asked
}

fn pauses(asked: &[(Arc<str>, u64)]) -> Vec<u64> {
    let times = asked.iter().map(|(_, at)| *at);
    std::iter::once(0).chain(times.clone()).zip(times).map(|(before, at)| at - before).collect()
}

#[test]
fn each_pause_is_longer_up_to_a_limit() {
    let mut parts = without(&[A]);
    let pauses = pauses(&run(&mut parts, 3_600_000));
    assert!((30..=60).contains(&pauses[0]) && (60..=120).contains(&pauses[1]), "{pauses:?}");
    assert!((120..=240).contains(&pauses[2]), "{pauses:?}");
    let longest = LONGEST_PAUSE.as_secs();
    assert!(pauses[3..].iter().all(|pause| (longest / 2..=longest).contains(pause)), "{pauses:?}");
    assert!(pauses.len() > 12, "{pauses:?}");
}

#[test]
fn all_servers_of_a_large_cluster_together_ask_once_a_second() {
    let mut parts = without(&[A]);
    for number in 0..3_999 {
        parts.add(&format!("http://{number}.example/"), Status::Online, 0);
    }
    let pauses = pauses(&run(&mut parts, 100_000_000));
    assert!(pauses.last().is_some_and(|last| (2_000..=4_000).contains(last)), "{pauses:?}");
}

#[test]
fn one_outsider_a_second_is_asked() {
    let servers: Vec<String> = (0..300).map(|number| format!("http://{number}.example/")).collect();
    let mut parts = without(&servers.iter().map(|server| &**server).collect::<Vec<_>>());
    let asked = run(&mut parts, 600_000);
    assert!(asked.len() > 500, "{}", asked.len());
    assert!(asked.windows(2).all(|pair| pair[0].1 < pair[1].1), "{asked:?}");
}

#[test]
fn an_outsider_without_a_sign_of_life_for_a_day_is_forgotten() {
    let mut parts = without(&[A, B]);
    let day = TOMBSTONE_LIFETIME.as_secs();
    for hour in 1..30 {
        run(&mut parts, hour * 3_600_000);
        parts.merging.outsiders.record_sign_of_life(B, Tick(hour * 3_600_000));
    }
    assert!(!parts.merging.outsiders.has(A), "nobody has heard of it");
    let asked = run(&mut parts, (2 * day - 3_600) * 1_000);
    assert!(!asked.is_empty() && asked.iter().all(|(server, _)| **server == *B), "{asked:?}");
    run(&mut parts, 3 * day * 1_000);
    assert_eq!(parts.merging.outsiders.len(), 0);
    assert_eq!(parts.cx.timers.get(Timer::Outsiders), None, "nobody is left to ask");
}
