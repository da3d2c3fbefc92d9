//! The text of what is shown of the others, kept until something else is shown: to write it is dear where they are many.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::protocol::machine::Machine;
use crate::protocol::message::{Entry, Lists};
use crate::protocol::time::Tick;

/// Between the lists.
pub(super) const OFFLINE: &[u8] = br#"],"offline":["#;

/// After them.
pub(super) const END: &[u8] = b"]}";

/// Of an entry with its comma; what is longer makes the text grow.
const USUAL_LENGTH: usize = 128;

/// The entries of all others, as JSON. Answers share it, so it never changes.
#[derive(Debug)]
pub struct CachedBody {
    version: u64,
    number: i64,
    online: Vec<u8>,
    offline: Vec<u8>,
}

/// What was written last.
#[derive(Debug, Default)]
pub(super) struct BodyCache(Mutex<Option<Checked>>);

/// A text, and when it was last known to be true.
#[derive(Debug, Clone)]
struct Checked {
    text: Arc<CachedBody>,
    at: Tick,
}

/// What has to be known of the machine to have the text.
pub(super) struct Draft {
    version: u64,
    at: Tick,
    /// None where the text that is kept is still true.
    others: Option<Lists>,
    kept: Option<Arc<CachedBody>>,
}

impl CachedBody {
    fn new(version: u64, lists: &Lists) -> Self {
        static NUMBER: AtomicI64 = AtomicI64::new(1);
        let online = elements(&lists.online);
        let mut offline = elements(&lists.offline);
        offline.extend_from_slice(END);
        Self { version, number: NUMBER.fetch_add(1, Ordering::Relaxed), online, offline }
    }

    /// The text where no other server is shown.
    pub(super) fn of_nobody() -> Self {
        Self { version: 0, number: 0, online: Vec::new(), offline: END.to_vec() }
    }

    /// Unique in this process, whichever engine wrote the text. A later text has a higher number.
    pub fn number(&self) -> i64 {
        self.number
    }

    /// The size of both lists in bytes.
    pub fn size(&self) -> usize {
        self.online.len() + self.offline.len()
    }

    /// Those online, as they stand between brackets.
    pub fn online(&self) -> &[u8] {
        &self.online
    }

    /// Those offline, from the first of them to the end of the message.
    pub fn offline(&self) -> &[u8] {
        &self.offline
    }

    /// Whether nobody is offline.
    pub(super) fn has_no_offline(&self) -> bool {
        self.offline.len() == END.len()
    }
}

impl BodyCache {
    pub(super) fn get(&self) -> Option<Arc<CachedBody>> {
        self.lock().as_ref().map(|kept| Arc::clone(&kept.text))
    }

    /// The text, if it was true at this moment or later.
    pub(super) fn since(&self, moment: Tick) -> Option<Arc<CachedBody>> {
        self.lock().as_ref().filter(|kept| kept.at >= moment).map(|kept| Arc::clone(&kept.text))
    }

    /// The text, written again if it is no longer true.
    pub(super) fn write(&self, draft: Draft) -> Arc<CachedBody> {
        let Draft { version, at, others, kept } = draft;
        let text = match (others, kept) {
            (None, Some(kept)) => kept,
            (others, _) => Arc::new(CachedBody::new(version, &others.unwrap_or_default())),
        };
        let mut kept = self.lock();
        if kept.as_ref().is_none_or(|kept| kept.at <= at) {
            *kept = Some(Checked { text: Arc::clone(&text), at });
        }
        text
    }

    fn lock(&self) -> MutexGuard<'_, Option<Checked>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Draft {
    /// Nothing is written here, for the machine is locked.
    pub(super) fn of(machine: &Machine, kept: Option<Arc<CachedBody>>, at: Tick) -> Self {
        let version = machine.others_version();
        let is_true = kept.as_ref().is_some_and(|kept| kept.version == version);
        Self { version, at, others: (!is_true).then(|| machine.others()), kept }
    }
}

/// Entries as they stand between brackets.
pub(super) fn elements(entries: &[Entry]) -> Vec<u8> {
    let mut text = Vec::with_capacity(entries.len() * USUAL_LENGTH);
    for entry in entries {
        // Writing strings, numbers and flags into memory has no way to fail.
        let _ = serde_json::to_writer(&mut text, entry);
        text.push(b',');
    }
    text.pop();
    text.shrink_to_fit();
    text
}
