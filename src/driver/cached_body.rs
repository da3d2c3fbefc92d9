//! The text of all other servers, cached until one changes, because a long one is expensive to
//! write.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::protocol::machine::Machine;
use crate::protocol::message::{Entry, Lists};
use crate::protocol::time::Tick;

/// What separates the two lists.
pub(super) const LIST_SEPARATOR: &[u8] = br#"],"offline":["#;

/// What ends the message.
pub(super) const MESSAGE_END: &[u8] = b"]}";

/// The estimated length of one entry with its comma, in bytes; a longer one makes the buffer grow.
const TYPICAL_ENTRY_BYTES: usize = 128;

/// The entries of all other servers, as JSON. Responses share it, so it never changes.
#[derive(Debug)]
pub struct CachedBody {
    version: u64,
    number: i64,
    online: Vec<u8>,
    offline: Vec<u8>,
}

/// The text written last.
#[derive(Debug, Default)]
pub(super) struct BodyCache(Mutex<Option<CacheEntry>>);

/// A text, and when it was last used, and so known to be current.
#[derive(Debug, Clone)]
pub(super) struct CacheEntry {
    text: Arc<CachedBody>,
    changes: Changes,
    at: Tick,
}

/// Counters that grow whenever the text may have changed, which are compared faster than versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Changes {
    members: u64,
    slots: u64,
}

/// Everything that is needed to write the text without the machine's lock.
pub(super) struct Draft {
    version: u64,
    changes: Changes,
    at: Tick,
    /// `None` if the cached text is still current.
    others: Option<Lists>,
    cached: Option<CacheEntry>,
}

impl CachedBody {
    fn new(version: u64, lists: &Lists) -> Self {
        static NUMBER: AtomicI64 = AtomicI64::new(1);
        let online = elements(&lists.online);
        let mut offline = elements(&lists.offline);
        offline.extend_from_slice(MESSAGE_END);
        Self { version, number: NUMBER.fetch_add(1, Ordering::Relaxed), online, offline }
    }

    /// The text without any other server.
    pub(super) fn empty() -> Self {
        Self { version: 0, number: 0, online: Vec::new(), offline: MESSAGE_END.to_vec() }
    }

    /// A number that is unique in this process, across engines. A later text has a higher number.
    pub fn number(&self) -> i64 {
        self.number
    }

    /// The size of both lists in bytes.
    pub fn size(&self) -> usize {
        self.online.len() + self.offline.len()
    }

    /// The online entries, without the brackets around them.
    pub fn online(&self) -> &[u8] {
        &self.online
    }

    /// The offline entries, followed by the end of the message.
    pub fn offline(&self) -> &[u8] {
        &self.offline
    }

    /// Whether there are no offline entries.
    pub(super) fn has_no_offline(&self) -> bool {
        self.offline.len() == MESSAGE_END.len()
    }
}

impl BodyCache {
    pub(super) fn get(&self) -> Option<CacheEntry> {
        self.lock().clone()
    }

    /// Returns the text if it was current at `moment` or later.
    pub(super) fn valid_since(&self, moment: Tick) -> Option<Arc<CachedBody>> {
        self.lock().as_ref().filter(|cached| cached.at >= moment).map(|cached| Arc::clone(&cached.text))
    }

    /// Drops the text unless it was used at `moment` or later. Returns the size in bytes of what it
    /// has dropped.
    pub(super) fn drop_unused_since(&self, moment: Tick) -> usize {
        let unused = self.lock().take_if(|cached| cached.at < moment);
        unused.map_or(0, |unused| unused.text.size())
    }

    /// Returns the text, and writes it first if the cached one is outdated.
    pub(super) fn get_or_write(&self, draft: Draft) -> Arc<CachedBody> {
        let Draft { version, changes, at, others, cached } = draft;
        let text = match (others, cached) {
            (None, Some(cached)) => cached.text,
            (others, _) => Arc::new(CachedBody::new(version, &others.unwrap_or_default())),
        };
        let mut cached = self.lock();
        if cached.as_ref().is_none_or(|cached| cached.at <= at) {
            *cached = Some(CacheEntry { text: Arc::clone(&text), changes, at });
        }
        text
    }

    fn lock(&self) -> MutexGuard<'_, Option<CacheEntry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CacheEntry {
    /// Whether nothing has changed since the text was known to be current.
    pub(super) fn is_unchanged(&self, machine: &Machine) -> bool {
        self.changes == Changes::of(machine)
    }
}

impl Changes {
    fn of(machine: &Machine) -> Self {
        Self { members: machine.member_changes(), slots: machine.slot_changes() }
    }
}

impl Draft {
    /// Copies the entries. Writing them takes longer, and the machine is locked here.
    pub(super) fn new(machine: &Machine, cached: Option<CacheEntry>, at: Tick) -> Self {
        let version = match &cached {
            Some(cached) if cached.is_unchanged(machine) => cached.text.version,
            _ => machine.others_version(),
        };
        let is_current = cached.as_ref().is_some_and(|cached| cached.text.version == version);
        let others = (!is_current).then(|| machine.others());
        Self { version, changes: Changes::of(machine), at, others, cached }
    }
}

/// Returns the entries as JSON, without the brackets around them.
pub(super) fn elements(entries: &[Entry]) -> Vec<u8> {
    let mut text = Vec::with_capacity(entries.len() * TYPICAL_ENTRY_BYTES);
    for entry in entries {
        // Writing strings, numbers and flags into memory cannot fail.
        let _ = serde_json::to_writer(&mut text, entry);
        text.push(b',');
    }
    text.pop();
    text.shrink_to_fit();
    text
}
