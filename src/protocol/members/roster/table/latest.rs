//! The latest subject of a claim, with its slot. It is mostly looked up several times in a row.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

#[derive(Debug, Default)]
pub(in crate::protocol) struct Latest {
    /// Kept, so that no other text has its address.
    subject: RefCell<Option<Arc<str>>>,
    found: Cell<Found>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Found {
    /// No text has the address 0.
    address: usize,
    length: usize,
    slot: usize,
}

impl Latest {
    /// The slot of the subject, if this is its text itself.
    #[inline]
    pub(in crate::protocol) fn slot_of(&self, identity: &str) -> Option<usize> {
        let Found { address, length, slot } = self.found.get();
        (address == identity.as_ptr().addr() && length == identity.len()).then_some(slot)
    }

    #[inline]
    pub(in crate::protocol) fn set(&self, subject: Arc<str>, slot: usize) {
        self.found.set(Found { address: subject.as_ptr().addr(), length: subject.len(), slot });
        self.subject.replace(Some(subject));
    }

    pub(in crate::protocol) fn clear(&self) {
        self.found.take();
        self.subject.take();
    }
}
