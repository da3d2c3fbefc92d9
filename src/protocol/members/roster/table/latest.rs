//! The latest sender or new member, with its slot. It is mostly looked up several times in a row.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

#[derive(Debug, Default)]
pub(in crate::protocol) struct Latest {
    /// Kept, so that no other text has its address.
    member: RefCell<Option<Arc<str>>>,
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
    /// The slot of the member, if this is the text of its name itself.
    #[inline]
    pub(in crate::protocol) fn slot_of(&self, identity: &str) -> Option<usize> {
        let Found { address, length, slot } = self.found.get();
        (address == identity.as_ptr().addr() && length == identity.len()).then_some(slot)
    }

    #[inline]
    pub(in crate::protocol) fn set(&self, member: Arc<str>, slot: usize) {
        self.found.set(Found { address: member.as_ptr().addr(), length: member.len(), slot });
        self.member.replace(Some(member));
    }

    pub(in crate::protocol) fn clear(&self) {
        self.found.take();
        self.member.take();
    }
}
