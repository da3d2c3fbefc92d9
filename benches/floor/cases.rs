//! The parts of an exchange in layer 0, as closures that can be called repeatedly.

use std::hint::black_box;

use clustershazbot::protocol::config::ConfigError;
use clustershazbot::protocol::extension::{Extension, Kind};
use clustershazbot::protocol::message::Lists;
use clustershazbot::protocol::request::Request;

use crate::cluster::{NOW, claim, later, machine, message, received, seeded};

/// Runs the measured work once.
pub(crate) type Work = Box<dyn FnMut()>;

/// A measured case.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Prepares the case for a cluster of this size.
    pub(crate) prepare: fn(usize) -> Result<Work, ConfigError>,
}

/// All cases.
pub(crate) const CASES: [Case; 13] = [
    Case { name: "merge-equal", prepare: |servers| merge(servers, 0.0) },
    Case { name: "merge-newer", prepare: |servers| merge(servers, 1.0) },
    Case { name: "merge-unknown", prepare: merge_unknown },
    Case { name: "merge-claims-equal", prepare: |servers| merge_claims(servers, Claims::Equal) },
    Case { name: "merge-claims-newer", prepare: |servers| merge_claims(servers, Claims::Newer) },
    Case { name: "answer", prepare: answer },
    Case { name: "version", prepare: version },
    Case { name: "native-request", prepare: native_request },
    Case { name: "native-message", prepare: native_message },
    Case { name: "hash", prepare: hash },
    Case { name: "bucket-differs", prepare: bucket_differs },
    Case { name: "read-lists", prepare: read_lists },
    Case { name: "write-lists", prepare: write_lists },
];

/// The full list of a legacy peer, newer by this many milliseconds each time.
fn merge(servers: usize, newer: f64) -> Result<Work, ConfigError> {
    let (mut machine, mut lists) = (machine()?, received(servers));
    machine.handle_request(NOW, &lists);
    Ok(Box::new(move || {
        lists.online.iter_mut().for_each(|entry| entry.last_update += newer);
        machine.handle_request(NOW, &lists);
    }))
}

/// The same for a server that has just started; the result is dropped.
fn merge_unknown(servers: usize) -> Result<Work, ConfigError> {
    machine()?;
    let lists = received(servers);
    Ok(Box::new(move || {
        if let Ok(mut machine) = machine() {
            machine.handle_request(NOW, &lists);
            black_box(machine.living());
        }
    }))
}

/// How claims compare with what is held.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claims {
    Equal,
    Newer,
}

/// A native server's claims about all, unchanged or with a higher incarnation.
fn merge_claims(servers: usize, claims: Claims) -> Result<Work, ConfigError> {
    let mut machine = seeded((0..servers).map(claim))?;
    // The sender claims only others; its own entry is elsewhere in the message.
    let mut received = message(&machine, Kind::Push, (1..servers).map(claim).collect());
    let mut now = NOW;
    Ok(Box::new(move || {
        now = later(now);
        if claims == Claims::Newer {
            received.claims.iter_mut().for_each(|claim| claim.incarnation = claim.incarnation.next());
        }
        black_box(machine.handle_native_request(now, &received));
    }))
}

/// The response to a legacy peer: all that is known.
fn answer(servers: usize) -> Result<Work, ConfigError> {
    let mut machine = machine()?;
    machine.handle_request(NOW, &received(servers));
    Ok(Box::new(move || {
        black_box(machine.lists().to_gossip_json(None));
    }))
}

/// The check whether a cached response is current.
fn version(servers: usize) -> Result<Work, ConfigError> {
    let mut machine = machine()?;
    machine.handle_request(NOW, &received(servers));
    Ok(Box::new(move || {
        black_box(machine.others_version());
    }))
}

/// A probe among servers that agree, nearly all traffic in the steady state.
fn native_request(servers: usize) -> Result<Work, ConfigError> {
    let mut machine = seeded((0..servers).map(claim))?;
    let received = message(&machine, Kind::Probe, Vec::new());
    Ok(Box::new(move || {
        black_box(machine.handle_native_request(NOW, &received));
    }))
}

/// The same message, parsed and serialised.
fn native_message(servers: usize) -> Result<Work, ConfigError> {
    let machine = seeded((0..servers).map(claim))?;
    let text = Lists::default().to_gossip_json(Some(&message(&machine, Kind::Probe, Vec::new())));
    let text = String::from_utf8_lossy(&text).into_owned();
    Ok(Box::new(move || {
        if let Ok(Some(received)) = Request::read(black_box(&text)).and_then(Request::extension) {
            black_box(Lists::default().to_gossip_json(Some(&received)));
        }
    }))
}

fn hash(servers: usize) -> Result<Work, ConfigError> {
    let machine = seeded((0..servers).map(claim))?;
    Ok(Box::new(move || {
        black_box(machine.hash());
    }))
}

/// A comparison of rosters in which one bucket of 64 differs.
fn bucket_differs(servers: usize) -> Result<Work, ConfigError> {
    let mut machine = seeded((0..servers).map(claim))?;
    let asked = message(&machine, Kind::Sync(None), Vec::new());
    let received = match machine.handle_native_request(NOW, &asked).kind {
        Kind::Sync(Some(mut buckets)) => {
            buckets[0] ^= 1;
            Extension { kind: Kind::Sync(Some(buckets)), ..asked }
        }
        _ => asked,
    };
    Ok(Box::new(move || {
        black_box(machine.handle_native_request(NOW, &received));
    }))
}

/// Parses the body of a legacy peer's request.
fn read_lists(servers: usize) -> Result<Work, ConfigError> {
    let text = String::from_utf8_lossy(&known(servers)?.to_gossip_json(None)).into_owned();
    Ok(Box::new(move || {
        let _ = black_box(Request::read(black_box(&text)));
    }))
}

fn write_lists(servers: usize) -> Result<Work, ConfigError> {
    let lists = known(servers)?;
    Ok(Box::new(move || {
        black_box(lists.to_gossip_json(None));
    }))
}

fn known(servers: usize) -> Result<Lists, ConfigError> {
    let mut machine = machine()?;
    machine.handle_request(NOW, &received(servers));
    Ok(machine.lists())
}
