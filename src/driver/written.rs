//! The text of what is shown of the others, kept until something else is shown: to write it is dear where they are many.

use std::sync::{Arc, Mutex, PoisonError};

use crate::protocol::machine::Machine;
use crate::protocol::message::{Entry, Lists};

/// Both lists as they stand between brackets.
#[derive(Debug)]
pub(super) struct Written {
    version: u64,
    pub(super) online: Vec<u8>,
    pub(super) offline: Vec<u8>,
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
        let Lists { online, offline } = others.unwrap_or_default();
        let written = Arc::new(Written { version, online: elements(&online), offline: elements(&offline) });
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
    // Writing strings, numbers and flags into memory has no way to fail.
    let mut text = serde_json::to_vec(entries).unwrap_or_default();
    text.pop();
    if !text.is_empty() {
        text.remove(0);
    }
    text
}
