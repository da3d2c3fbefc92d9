//! What the pure floor does at every exchange, as closures that can be called again and again.

use std::hint::black_box;

use clustershazbot::protocol::config::ConfigError;
use clustershazbot::protocol::extension::{Extension, Kind};
use clustershazbot::protocol::message::Lists;
use clustershazbot::protocol::request::Request;

use crate::cluster::{NOW, claim, heard, later, machine, message, seeded};

/// Does it once.
pub(crate) type Work = Box<dyn FnMut()>;

/// Something to be measured.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Makes everything ready for a cluster of this size.
    pub(crate) prepare: fn(usize) -> Result<Work, ConfigError>,
}

/// All of them.
pub(crate) const CASES: [Case; 13] = [
    Case { name: "merge-equal", prepare: |servers| merge(servers, 0.0) },
    Case { name: "merge-newer", prepare: |servers| merge(servers, 1.0) },
    Case { name: "merge-unknown", prepare: merge_unknown },
    Case { name: "merge-claims-equal", prepare: |servers| merge_claims(servers, false) },
    Case { name: "merge-claims-newer", prepare: |servers| merge_claims(servers, true) },
    Case { name: "answer", prepare: answer },
    Case { name: "version", prepare: version },
    Case { name: "native-request", prepare: native_request },
    Case { name: "native-message", prepare: native_message },
    Case { name: "hash", prepare: hash },
    Case { name: "bucket-differs", prepare: bucket_differs },
    Case { name: "read-lists", prepare: read_lists },
    Case { name: "write-lists", prepare: write_lists },
];

/// A full list of a server of version 1, each time so many milliseconds newer.
fn merge(servers: usize, newer: f64) -> Result<Work, ConfigError> {
    let (mut machine, mut lists) = (machine()?, heard(servers));
    machine.handle_request(NOW, &lists);
    Ok(Box::new(move || {
        lists.online.iter_mut().for_each(|entry| entry.last_update += newer);
        machine.handle_request(NOW, &lists);
    }))
}

/// The same, heard by a server that has just started, which is forgotten again.
fn merge_unknown(servers: usize) -> Result<Work, ConfigError> {
    machine()?;
    let lists = heard(servers);
    Ok(Box::new(move || {
        if let Ok(mut machine) = machine() {
            machine.handle_request(NOW, &lists);
            black_box(machine.living());
        }
    }))
}

/// What a native server says of all, again or with a higher incarnation.
fn merge_claims(servers: usize, is_newer: bool) -> Result<Work, ConfigError> {
    let mut machine = seeded((0..servers).map(claim))?;
    // The sender speaks of others; of itself it speaks elsewhere in the message.
    let claims = (1..servers).map(claim).collect();
    let mut heard = message(&machine, Kind::Push, claims);
    let mut now = NOW;
    Ok(Box::new(move || {
        now = later(now);
        if is_newer {
            heard.claims.iter_mut().for_each(|claim| claim.incarnation = claim.incarnation.next());
        }
        black_box(machine.handle_native_request(now, &heard));
    }))
}

/// The answer to a server of version 1: all that is known.
fn answer(servers: usize) -> Result<Work, ConfigError> {
    let mut machine = machine()?;
    machine.handle_request(NOW, &heard(servers));
    Ok(Box::new(move || {
        black_box(machine.lists(true).to_gossip_json(None));
    }))
}

/// Whether an answer that is kept is still true.
fn version(servers: usize) -> Result<Work, ConfigError> {
    let mut machine = machine()?;
    machine.handle_request(NOW, &heard(servers));
    Ok(Box::new(move || {
        black_box(machine.others_version());
    }))
}

/// A probe among servers that agree, which is nearly all that is said in a cluster at rest.
fn native_request(servers: usize) -> Result<Work, ConfigError> {
    let mut machine = seeded((0..servers).map(claim))?;
    let heard = message(&machine, Kind::Probe, Vec::new());
    Ok(Box::new(move || {
        black_box(machine.handle_native_request(NOW, &heard));
    }))
}

/// The same message as text, read and written.
fn native_message(servers: usize) -> Result<Work, ConfigError> {
    let machine = seeded((0..servers).map(claim))?;
    let text = Lists::default().to_gossip_json(Some(&message(&machine, Kind::Probe, Vec::new())));
    let text = String::from_utf8_lossy(&text).into_owned();
    Ok(Box::new(move || {
        if let Ok(Request::Native(heard)) = Request::read(black_box(&text), true) {
            black_box(Lists::default().to_gossip_json(Some(&heard)));
        }
    }))
}

fn hash(servers: usize) -> Result<Work, ConfigError> {
    let machine = seeded((0..servers).map(claim))?;
    Ok(Box::new(move || {
        black_box(machine.hash());
    }))
}

/// Rosters are compared, and one bucket of 64 is not the same.
fn bucket_differs(servers: usize) -> Result<Work, ConfigError> {
    let mut machine = seeded((0..servers).map(claim))?;
    let asked = message(&machine, Kind::Sync(None), Vec::new());
    let heard = match machine.handle_native_request(NOW, &asked).kind {
        Kind::Sync(Some(mut buckets)) => {
            buckets[0] ^= 1;
            Extension { kind: Kind::Sync(Some(buckets)), ..asked }
        }
        _ => asked,
    };
    Ok(Box::new(move || {
        black_box(machine.handle_native_request(NOW, &heard));
    }))
}

/// The body of a request of version 1, as it comes over the wire.
fn read_lists(servers: usize) -> Result<Work, ConfigError> {
    let text = String::from_utf8_lossy(&known(servers)?.to_gossip_json(None)).into_owned();
    Ok(Box::new(move || {
        let _ = black_box(Request::read(black_box(&text), true));
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
    machine.handle_request(NOW, &heard(servers));
    Ok(machine.lists(true))
}
