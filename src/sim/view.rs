//! One server's view of another.

use super::clock::{EPOCH, Millis, present};
use super::spec::{Kind, Spec};
use crate::protocol::claim::Claim;
use crate::protocol::machine::Machine;
use crate::protocol::message::Entry;
use crate::protocol::status::Status;
use crate::protocol::time::{Incarnation, Stamp};

/// A view of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Its status.
    pub status: Status,
    /// Its incarnation, among natives.
    pub incarnation: Incarnation,
    /// The stamp in the lists.
    pub last_update: Stamp,
}

/// Returns a machine's view of a server, itself included; `None` if it does not know it.
pub fn view(machine: &Machine, base_url: &str) -> Option<View> {
    // Only the age of a tombstone depends on the present.
    let Claim { status, incarnation, last_update, .. } = machine.claim(base_url, present(0, 0))?;
    Some(View { status, incarnation, last_update })
}

/// Returns the claims of servers that have long known each other.
pub(super) fn initial_claims(specs: &[Spec], entries: &[Entry], time: Millis) -> Vec<Claim> {
    let claim = |(spec, entry): (&Spec, &Entry)| Claim {
        base_url: entry.base_url.clone().into(),
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
