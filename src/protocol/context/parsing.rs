//! Limits how much of a gossip request is parsed as URLs.
//!
//! Most base URLs are known, or written plainly. Any other one takes a URL parser up to 7 µs, many
//! times longer than its sender needs to write it. So each request has a budget. Entries beyond it
//! wait for the next request.

use std::cell::Cell;

/// Bytes of base URLs that every request may have parsed: 100 of the usual length.
const BASE_BUDGET: usize = 4 * 1024;
/// Additional bytes per entry: enough for a tenth of the entries, if they are long.
const BUDGET_PER_ENTRY: usize = 12;

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
        self.0.set(BASE_BUDGET.saturating_add(entries.saturating_mul(BUDGET_PER_ENTRY)));
    }

    /// Lifts the limit for data that this server has requested itself, whose size is limited.
    pub(in crate::protocol) fn lift_limit(&self) {
        self.0.set(usize::MAX);
    }

    /// Returns whether a text of this length may be parsed, and charges it.
    pub(in crate::protocol) fn try_spend(&self, bytes: usize) -> bool {
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
        assert!(parsing.try_spend(usize::MAX));
        parsing.limit(10);
        assert!(parsing.try_spend(BASE_BUDGET));
        assert!(parsing.try_spend(BUDGET_PER_ENTRY * 10));
        assert!(!parsing.try_spend(1));
        parsing.lift_limit();
        assert!(parsing.try_spend(1));
    }
}
