//! A made-up cluster: a machine that knows its servers, and their messages.

use std::sync::Arc;
use std::time::Duration;

use clustershazbot::protocol::accusers::Accusers;
use clustershazbot::protocol::claim::Claim;
use clustershazbot::protocol::config::{Config, ConfigError};
use clustershazbot::protocol::extension::{Extension, Kind};
use clustershazbot::protocol::machine::Machine;
use clustershazbot::protocol::message::{ReceivedEntry, ReceivedLists};
use clustershazbot::protocol::status::Status;
use clustershazbot::protocol::time::{Incarnation, Now, Stamp, Tick};

/// An arbitrary fixed seed.
const SEED: u64 = 7;
/// A moment far enough from the start of both clocks.
pub(crate) const NOW: Now = Now { tick: Tick(1_000_000), wall: Stamp(1_800_000_000_000) };

/// The URL of a server, with a path besides its port, as behind a load balancer.
pub(crate) fn url(index: usize) -> String {
    let [_, high, middle, low] = u32::try_from(index).unwrap_or(u32::MAX).to_be_bytes();
    format!("http://10.{high}.{middle}.{low}:3000/a/path/of/some/length/")
}

/// Returns a machine that knows no other server.
pub(crate) fn machine() -> Result<Machine, ConfigError> {
    Ok(Machine::start(config()?, SEED, NOW))
}

/// Returns a machine that has known these native servers for a while.
pub(crate) fn seeded(claims: impl Iterator<Item = Claim>) -> Result<Machine, ConfigError> {
    Ok(Machine::seeded(config()?, SEED, NOW, claims))
}

fn config() -> Result<Config, ConfigError> {
    let variable = |name: &str| match name {
        "SHAZBOT_BASE_URL" => Some("http://me:3000/".to_owned()),
        "SHAZBOT_MASTER_LIST" | "SHAZBOT_MASTER_LIST_UPDATE" => Some("http://store/list".to_owned()),
        "SHAZBOT_SECRET" | "SHAZBOT_CONTROL_SECRET" | "SHAZBOT_MASTER_LIST_UPDATE_AUTH" => {
            Some("secret".to_owned())
        }
        _ => None,
    };
    Config::from_variables(variable).map(|(config, _)| config)
}

/// Returns a legacy peer's claims about the servers.
pub(crate) fn received(servers: usize) -> ReceivedLists<'static> {
    let entry =
        |index| ReceivedEntry { base_url: url(index).into(), monitor: false, last_update: NOW.wall.0 as f64 };
    ReceivedLists { online: (0..servers).map(entry).collect(), ..ReceivedLists::default() }
}

/// Returns a native server's claim about one server.
pub(crate) fn claim(index: usize) -> Claim {
    claim_of(url(index))
}

pub(crate) fn claim_of(url: String) -> Claim {
    Claim {
        base_url: Arc::from(url),
        status: Status::Online,
        incarnation: Incarnation::first(NOW.wall),
        last_update: NOW.wall,
        monitor: false,
        age: 0,
        accusers: Accusers::default(),
    }
}

/// Returns a native server's message: the first known server sends it, and agrees with the machine.
pub(crate) fn message(machine: &Machine, kind: Kind, claims: Vec<Claim>) -> Extension {
    Extension {
        me: claim(0),
        instance: 0xf00d,
        kind,
        living: u32::try_from(machine.living()).unwrap_or(u32::MAX),
        hash: machine.hash(),
        lag: 0,
        claims,
        malformed: 0,
        fresh: Vec::new(),
        found: None,
        elsewhere: Vec::new(),
        clock: None,
        siblings: false,
        epoch: 0,
    }
}

/// Returns a slightly later time.
pub(crate) fn later(now: Now) -> Now {
    let step = Duration::from_millis(1);
    Now { tick: now.tick + step, wall: now.wall + step }
}
