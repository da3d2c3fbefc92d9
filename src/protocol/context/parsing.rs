//! Limits how much of a gossip request is parsed as URLs.
//!
//! Most base URLs are known, or written plainly. Any other one takes a URL parser up to 7 µs, many
//! times longer than its sender needs to write it. So each request has a budget. Entries beyond it
//! wait for the next request.

use std::cell::Cell;

/// Bytes of base URLs that every request may have parsed: 100 of the usual length.
const LEAST: usize = 4 * 1024;
/// Additional bytes per entry: enough for a tenth of the entries, if they are long.
const FOR_EACH_ENTRY: usize = 12;

/// The bytes left. A cell, because looking up a server changes nothing else.
#[derive(Debug)]
pub(in crate::protocol) struct Parsing(Cell<usize>);

impl Default for Parsing {
    fn default() -> Self {
        Self(Cell::new(usize::MAX))
    }
}

impl Parsing {
    /// Begins a request with this number of entries.
    pub(in crate::protocol) fn limit(&self, entries: usize) {
        self.0.set(LEAST.saturating_add(entries.saturating_mul(FOR_EACH_ENTRY)));
    }

    /// Lifts the limit for data that this server has requested itself, whose size is limited.
    pub(in crate::protocol) fn lift(&self) {
        self.0.set(usize::MAX);
    }

    /// Returns whether a text of this length may be parsed, and charges it.
    pub(in crate::protocol) fn spend(&self, bytes: usize) -> bool {
        let left = self.0.get().checked_sub(bytes);
        self.0.set(left.unwrap_or_default());
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_of_a_request_grows_with_its_entries() {
        let parsing = Parsing::default();
        assert!(parsing.spend(usize::MAX));
        parsing.limit(10);
        assert!(parsing.spend(LEAST));
        assert!(parsing.spend(FOR_EACH_ENTRY * 10));
        assert!(!parsing.spend(1));
        parsing.lift();
        assert!(parsing.spend(1));
    }
}
