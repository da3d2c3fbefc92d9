//! The layout of the buffers that Rust and JavaScript share. It is written here only: the addon exports these numbers, and
//! `js/roster/` reads them from there.
//!
//! ```text
//! roster snapshot    the head, one word for the stamp of each slot, one byte for the flags of each slot
//! received entries   the head, two words for each entry: its subject with its flags, and its stamp
//! ```
//! A word is a 64-bit float in native byte order, as in a `Float64Array`.

use napi_derive::napi;

pub(super) const WORD_BYTES: usize = size_of::<f64>();

/// Words at the head of the roster snapshot. Its slots belong to the other servers; this server stands in the head.
#[napi]
pub enum SnapshotWord {
    /// The number of the engine that wrote the snapshot.
    Engine = 0,
    /// The value of the roster's slot counter for which JavaScript knows all URLs.
    SlotChanges = 1,
    /// Other servers; -1 if none was ever written.
    Length = 2,
    /// The version of the roster that the snapshot shows; negative if it does not show it.
    Version = 3,
    /// The stamp of this server.
    OwnStamp = 4,
    /// The flags of this server.
    OwnFlags = 5,
    /// Servers that are online, this one included.
    OnlineCount = 6,
    /// The first word after the head.
    Stamps = 8,
}

/// Words at the head of the received entries.
#[napi]
pub enum ReceivedWord {
    /// Whether no entry of the request has been merged yet.
    IsStart = 0,
    /// The first entry to merge.
    From = 1,
    /// The entry after the last one to merge.
    To = 2,
    /// Entries that the last call has merged.
    Merged = 3,
    /// Entries that were left out because they could not be read.
    Malformed = 4,
    /// The first word after the head; even, as each entry takes two.
    Entries = 6,
}

/// Flags of an entry, in both buffers.
#[napi]
pub enum EntryFlag {
    Monitor = 1,
    Online = 2,
}

/// Separates the URLs that cross beside the received entries; no base URL holds it, not even around it.
#[napi]
pub const URL_SEPARATOR: &str = "\0";

/// The subject of a received entry. It is multiplied by `Factor`, and the flags are added.
#[napi]
pub enum EntrySubject {
    /// The next one of the URLs that cross beside the buffer.
    Named = 0,
    /// This server.
    Own = 1,
    /// The server in slot 0; the next slots follow.
    FirstSlot = 2,
    /// Leaves the lower bits to the flags.
    Factor = 4,
}
