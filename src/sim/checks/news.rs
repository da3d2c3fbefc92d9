//! News: replaying the news of a server yields its list, and each piece of news follows the ones
//! before.

use super::Violation;
use crate::protocol::machine::Machine;
use crate::sim::clock::Millis;
use crate::sim::reader::Reader;

pub(super) fn check(at: Millis, url: &str, reader: &mut Reader, machine: &Machine) -> Option<Violation> {
    let finding = reader.check(machine).err()?;
    Some(Violation { at, invariant: "News", finding: format!("a reader of {url} {finding}") })
}
