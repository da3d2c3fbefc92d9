//! How one server stands in the eyes of another.

use super::clock::{EPOCH, Millis};
use super::setup::{Kind, Spec};
use crate::protocol::config::Config;
use crate::protocol::document::Document;
use crate::protocol::extension::Claim;
use crate::protocol::machine::Machine;
use crate::protocol::member::Status;
use crate::protocol::message::Entry;
use crate::protocol::output::Transmit;
use crate::protocol::time::{Incarnation, Now, Stamp};

/// How a server stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Its status.
    pub status: Status,
    /// Its incarnation, among natives.
    pub incarnation: Incarnation,
    /// The stamp that it is shown with.
    pub last_update: Stamp,
}

/// How a server stands for a machine; none if it is unknown there.
pub fn view(machine: &Machine, base_url: &str) -> Option<View> {
    let lists = machine.lists(true);
    let find = |entries: &[Entry]| {
        entries.iter().find(|entry| &*entry.base_url == base_url).map(|entry| entry.last_update)
    };
    let as_view = |status| move |last_update| View { status, incarnation: Incarnation::NONE, last_update };
    find(&lists.online)
        .map(as_view(Status::Online))
        .or_else(|| find(&lists.offline).map(as_view(Status::Dead)))
}

/// How a machine stands in its own eyes.
pub fn own_view(machine: &Machine, base_url: &str) -> Option<View> {
    view(machine, base_url)
}

/// How many living servers a machine knows, itself included, and a hash over them.
pub fn digest(machine: &Machine) -> (u32, u64) {
    let lists = machine.lists(false);
    let hash = |entry: &Entry| {
        entry.base_url.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    };
    let all = lists.online.iter().map(hash).fold(0, |all, one| all ^ one);
    (u32::try_from(lists.online.len()).unwrap_or(u32::MAX), all)
}

/// What servers that have known each other for long hold of each other.
pub(super) fn founding_claims(specs: &[Spec], entries: &[Entry], time: Millis) -> Vec<Claim> {
    let claim = |(spec, entry): (&Spec, &Entry)| Claim {
        base_url: entry.base_url.clone(),
        status: Status::Online,
        incarnation: match spec.kind {
            Kind::Native => Incarnation::first(Stamp((EPOCH + time).saturating_add_signed(spec.wall_offset))),
            _ => Incarnation::NONE,
        },
        last_update: entry.last_update,
        monitor: entry.monitor,
        age: 0,
        accusers: Default::default(),
    };
    std::iter::zip(specs, entries).map(claim).collect()
}

/// A machine that runs and has known these servers for long.
pub(super) fn seeded(config: Config, seed: u64, now: Now, _claims: &[Claim], entries: &[Entry]) -> Machine {
    let mut machine = Machine::start(config, seed, now);
    let body = serde_json::json!({ "online": entries }).to_string();
    while let Some(transmit) = machine.poll_transmit() {
        if let Transmit::DownloadMasterList { id } = transmit {
            machine.handle_download(now, id, &Document::read(200, None, body.as_bytes()));
            break;
        }
    }
    machine
}
