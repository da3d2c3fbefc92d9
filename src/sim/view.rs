//! How one server stands in the eyes of another.

use super::clock::{EPOCH, Millis, present};
use super::spec::{Kind, Spec};
use crate::protocol::claim::Claim;
use crate::protocol::machine::Machine;
use crate::protocol::message::Entry;
use crate::protocol::status::Status;
use crate::protocol::time::{Incarnation, Stamp};

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

/// How a server stands for a machine, itself included; none if it is unknown there.
pub fn view(machine: &Machine, base_url: &str) -> Option<View> {
    // Only the age of a tombstone depends on the present.
    let Claim { status, incarnation, last_update, .. } = machine.claim(base_url, present(0, 0))?;
    Some(View { status, incarnation, last_update })
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
