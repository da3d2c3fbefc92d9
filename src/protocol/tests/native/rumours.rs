//! News that requests bring, and the answers to them.

use std::time::Duration;

use crate::protocol::machine::Machine;
use crate::protocol::tests::support::native_rig::{TARGET, extension_of, machine, native, now, urls};
use crate::protocol::types::claim::Claim;
use crate::protocol::types::time::Incarnation;
use crate::protocol::wire::extension::Extension;

/// News about the target.
fn news() -> Claim {
    Claim { incarnation: Incarnation(2_000), ..native(TARGET) }
}

/// Whether the answer to a push with these claims tells the news.
fn is_told(machine: &mut Machine, tick: u64, sender: &str, claims: Vec<Claim>) -> bool {
    let push = Extension { claims, ..extension_of(sender) };
    machine.handle_native_request(now(tick), &push).claims.contains(&news())
}

#[test]
fn news_is_told_to_all_but_the_sender_that_tells_it() {
    let members = urls(3).map(|url| native(&url)).chain([native(TARGET)]);
    let mut machine = machine(Some(Duration::from_secs(1)), members);
    assert!(!is_told(&mut machine, 100, "http://n0/", vec![news()]));
    assert!(is_told(&mut machine, 101, "http://n1/", vec![]));
    assert!(!is_told(&mut machine, 102, "http://n2/", vec![news()]), "n2 knows it, too");
    assert!(is_told(&mut machine, 103, "http://n1/", vec![]), "only the latest message counts");
}
