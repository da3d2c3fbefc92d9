//! How much of a gossip request goes to a parser of URLs.
//!
//! Most base URLs are known, or written plainly. A parser takes up to 7 µs for another one, which its sender writes, and a
//! reader of JSON reads, many times faster. So a request has an allowance, and what goes beyond it waits for the next one.

use std::cell::Cell;

/// Bytes of base URLs that every request may have parsed: 100 of usual length.
const LEAST: usize = 4 * 1024;
/// And bytes for each of its entries: a tenth of them, if they are long.
const FOR_EACH_ENTRY: usize = 12;

/// The bytes left. A cell, for looking up a server changes nothing else.
#[derive(Debug)]
pub(in crate::protocol) struct Parsing(Cell<usize>);

impl Default for Parsing {
    fn default() -> Self {
        Self(Cell::new(usize::MAX))
    }
}

impl Parsing {
    /// A request of so many entries begins.
    pub(in crate::protocol) fn limit(&self, entries: usize) {
        self.0.set(LEAST.saturating_add(entries.saturating_mul(FOR_EACH_ENTRY)));
    }

    /// What this server has asked for itself has no limit but its size.
    pub(in crate::protocol) fn lift(&self) {
        self.0.set(usize::MAX);
    }

    /// Whether a text of this length may be parsed.
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
    fn a_request_has_an_allowance_by_its_entries() {
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
