//! The text of what is shown of the others, kept until something else is shown: to write it is dear where they are many.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::protocol::machine::Machine;
use crate::protocol::message::{Entry, Lists};

/// Between the lists.
pub(super) const OFFLINE: &[u8] = br#"],"offline":["#;

/// After them.
pub(super) const END: &[u8] = b"]}";

/// Of an entry with its comma; what is longer makes the text grow.
const USUAL_LENGTH: usize = 128;

/// Both lists, from where the own entry stands before them to the end of the message.
#[derive(Debug)]
pub struct Written {
    version: u64,
    number: i64,
    text: Vec<u8>,
    online: usize,
}

/// What was written last.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Option<Arc<Written>>>);

/// What has to be known of the machine to have the text.
pub(super) struct Draft {
    version: u64,
    /// None where the text that is kept is still true.
    others: Option<Lists>,
    kept: Option<Arc<Written>>,
}

impl Written {
    fn new(version: u64, lists: &Lists) -> Self {
        static NUMBER: AtomicI64 = AtomicI64::new(1);
        let mut text = elements(&lists.online);
        let online = text.len();
        text.extend_from_slice(OFFLINE);
        text.append(&mut elements(&lists.offline));
        text.extend_from_slice(END);
        Self { version, number: NUMBER.fetch_add(1, Ordering::Relaxed), text, online }
    }

    /// No other text of this process has the same, whichever engine wrote it.
    pub fn number(&self) -> i64 {
        self.number
    }

    /// The text from the first of those online to the end.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Those online, as they stand between brackets.
    pub(super) fn online(&self) -> &[u8] {
        &self.text[..self.online]
    }

    /// The same of those offline.
    pub(super) fn offline(&self) -> &[u8] {
        &self.text[self.online + OFFLINE.len()..self.text.len() - END.len()]
    }
}

impl Kept {
    pub(super) fn get(&self) -> Option<Arc<Written>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The text, written anew if it has to be.
    pub(super) fn write(&self, draft: Draft) -> Arc<Written> {
        let Draft { version, others, kept } = draft;
        if let (None, Some(kept)) = (&others, kept) {
            return kept;
        }
        let written = Arc::new(Written::new(version, &others.unwrap_or_default()));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&written));
        written
    }
}

impl Draft {
    /// Nothing is written here, for the machine is locked.
    pub(super) fn of(machine: &Machine, kept: Option<Arc<Written>>) -> Self {
        let version = machine.others_version();
        let is_true = kept.as_ref().is_some_and(|kept| kept.version == version);
        Self { version, others: (!is_true).then(|| machine.others()), kept }
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
    text
}
