//! The layout of the buffers that Rust and JavaScript share. This is the only definition: the addon
//! exports these numbers, and `js/roster/` and `js/metrics/` read them from it.
//!
//! ```text
//! roster snapshot    the head, one word for the stamp of each slot, one byte for the flags of each slot
//! received entries   the head, two words for each entry: its subject with its flags, and its stamp
//! metrics            a word for each number
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

/// Words with the numbers of this server. Those with several values begin at the first.
#[napi]
#[derive(Clone, Copy)]
pub enum MetricWord {
    /// Servers by state, as in `Metrics::states`.
    Members = 0,
    /// 1 for what this server does, else 0.
    Phases = 4,
    /// Online native servers.
    Natives = 8,
    /// 1 while this server seems to be cut off, else 0.
    IsIsolated = 9,
    /// Requests in flight.
    InFlight = 10,
    /// How unreliable its observations are.
    HealthScore = 11,
    /// The lag of the event loop in seconds.
    Lag = 12,
    /// The share of native answers with another hash.
    Disagreement = 13,
    /// The last successful download of the master list, in seconds since the epoch.
    DownloadedAt = 14,
    /// The last upload, or download that needed none.
    UploadedAt = 15,
    /// Failed downloads, and failed uploads.
    MasterListFailures = 16,
    /// Bytes of the bodies of requests.
    SentBytes = 18,
    /// Bytes of the bodies of responses.
    ReceivedBytes = 19,
    /// Refuted suspicions, and confirmed ones.
    Suspicions = 20,
    /// Refuted claims that this server is suspect or offline.
    Refutations = 22,
    /// Accepted gossip requests of native servers, and others.
    Received = 23,
    /// Changes of states, by type and cause.
    Changes = 25,
    /// Refused claims by reason.
    RefusedClaims = 73,
    /// Requests by kind and outcome.
    Requests = 82,
    /// For each kind of request its buckets of durations, and their sum in seconds.
    Durations = 131,
    /// The number of all words.
    Length = 229,
}
