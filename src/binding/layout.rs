//! The layout of the buffers that Rust and JavaScript share. This is the only definition: the addon
//! exports these numbers, and `js/roster/` reads them from it.
//!
//! ```text
//! roster snapshot    the head, one word for the stamp of each slot, one byte for the flags of each slot
//! received entries   the head, two words for each entry: its subject with its flags, and its stamp
//! ```
//! A word is a 64-bit float in native byte order, as in a `Float64Array`.

use napi_derive::napi;

pub(super) const WORD_BYTES: usize = size_of::<f64>();

/// Words at the head of the roster snapshot. Its slots hold the other servers; the head holds this
/// server.
#[napi]
pub enum SnapshotWord {
    /// The number of the engine that wrote the snapshot.
    Engine = 0,
    /// The value of the roster's slot counter for which JavaScript knows all URLs.
    SlotChanges = 1,
    /// Other servers; -1 before the first update.
    Length = 2,
    /// The version of the roster in the snapshot; negative if the snapshot has no roster.
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
    /// Entries merged by the last call.
    Merged = 3,
    /// Entries skipped because they are malformed.
    Malformed = 4,
    /// The first word after the head; even, since each entry takes two words.
    Entries = 6,
}

/// Flags of an entry, in both buffers.
#[napi]
pub enum EntryFlag {
    Monitor = 1,
    Online = 2,
}

/// Separates the URLs passed along with the received entries. No base URL contains it.
#[napi]
pub const URL_SEPARATOR: &str = "\0";

/// The subject of a received entry. It is multiplied by `Factor`, and the flags are added.
#[napi]
pub enum EntrySubject {
    /// The next of the URLs passed along with the buffer.
    Named = 0,
    /// This server.
    Own = 1,
    /// The server in slot 0; the next slots follow.
    FirstSlot = 2,
    /// Leaves the lower bits for the flags.
    Factor = 4,
}
