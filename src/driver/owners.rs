//! Which server owns a key.

use super::cached_body::elements;
use super::engine::Engine;
use crate::protocol::owners::KeyNumber;

impl Engine {
    /// Returns whether this server owns a key, and the first `count` servers as the elements of a
    /// JSON array: its owner and those that would own it next.
    pub fn owners(&self, key: KeyNumber, count: usize) -> (bool, String) {
        let (owns, first) = self.shared.with(|machine, _| machine.owners(key, count));
        // JSON is valid UTF-8.
        (owns, String::from_utf8(elements(&first)).unwrap_or_default())
    }
}
