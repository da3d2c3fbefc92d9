//! One native machine; the test itself acts as its peers.

use std::sync::Arc;
use std::time::Duration;

use super::world::{EPOCH, config};
use crate::protocol::ExchangeId;
use crate::protocol::context::output::Transmit;
use crate::protocol::machine::Machine;
use crate::protocol::types::accusers::Accusers;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Now, Stamp, Tick};
use crate::protocol::wire::extension::{Extension, Finding, Kind};

pub(in crate::protocol::tests) const TARGET: &str = "http://target/";

pub(in crate::protocol::tests) fn now(tick: u64) -> Now {
    Now { tick: Tick(tick), wall: Stamp(EPOCH + tick) }
}

pub(in crate::protocol::tests) fn legacy(url: &str) -> Claim {
    Claim {
        base_url: url.into(),
        status: Status::Online,
        incarnation: Incarnation::NONE,
        last_update: Stamp(EPOCH - 100_000),
        monitor: false,
        age: 0,
        accusers: Accusers::default(),
    }
}

pub(in crate::protocol::tests) fn native(url: &str) -> Claim {
    Claim { incarnation: Incarnation(1_000), ..legacy(url) }
}

pub(in crate::protocol::tests) fn urls(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|index| format!("http://n{index}/"))
}

pub(in crate::protocol::tests) fn extension_of(url: &str) -> Extension {
    Extension {
        me: native(url),
        instance: url.bytes().fold(7, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(byte.into())),
        kind: Kind::Push,
        living: 0,
        hash: 0,
        lag: 0,
        claims: Vec::new(),
        malformed: 0,
        fresh: Vec::new(),
        found: None,
        elsewhere: Vec::new(),
        clock: None,
        siblings: false,
        epoch: 0,
    }
}

pub(in crate::protocol::tests) fn found(helper: &str, finding: Finding) -> Extension {
    Extension { found: Some((TARGET.into(), finding)), ..extension_of(helper) }
}

pub(in crate::protocol::tests) fn machine(
    probe_interval: Option<Duration>,
    members: impl Iterator<Item = Claim>,
) -> Machine {
    let config = crate::protocol::context::config::Config { probe_interval, ..config("http://me/") };
    Machine::seeded(config, 3, now(0), members.collect::<Vec<_>>())
}

/// A gossip message sent, with its receiver, its kind in the native extension and its timeout.
pub(in crate::protocol::tests) struct Message {
    pub(in crate::protocol::tests) id: ExchangeId,
    pub(in crate::protocol::tests) to: Arc<str>,
    pub(in crate::protocol::tests) kind: Option<Kind>,
    pub(in crate::protocol::tests) timeout: u64,
}

pub(in crate::protocol::tests) fn take_messages(machine: &mut Machine) -> Vec<Message> {
    while machine.poll_event().is_some() {}
    let gossip = |transmit| match transmit {
        Transmit::Gossip { id, base_url, extension, timeout, .. } => Some(Message {
            id,
            to: base_url,
            kind: extension.map(|extension| extension.kind.clone()),
            timeout: u64::try_from(timeout.as_millis()).unwrap(),
        }),
        _ => None,
    };
    std::iter::from_fn(|| machine.poll_transmit()).filter_map(gossip).collect()
}

pub(in crate::protocol::tests) fn status_of(machine: &Machine, url: &str) -> Status {
    machine.claim(url, now(0)).unwrap().status
}
