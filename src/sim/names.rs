//! The names that the legacy peers of a world have heard, each kept once, and lists of such names.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use foldhash::fast::FixedState;
use indexmap::IndexSet;

use crate::protocol::message::{Entry, Lists};
use crate::protocol::time::Stamp;

/// A name, by its index in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct NameId(u32);

/// A server in a legacy peer's list. Kept to 16 bytes, as each legacy peer lists all servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) last_update: Stamp,
    pub(super) name: NameId,
    pub(super) monitor: bool,
}

/// The table of all names, shared by the legacy peers of a world.
#[derive(Debug, Clone, Default)]
pub struct Names(Rc<RefCell<IndexSet<Arc<str>, FixedState>>>);

/// A legacy peer's lists, as it sends them.
#[derive(Debug, Default)]
pub struct Listing {
    pub(super) names: Names,
    pub(super) online: Vec<Listed>,
    pub(super) offline: Vec<Listed>,
}

impl NameId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

impl Names {
    /// Returns lists as a legacy peer reads them.
    pub fn listing(&self, lists: &Lists) -> Listing {
        let listed = |entries: &[Entry]| entries.iter().map(|entry| self.listed(entry)).collect();
        Listing { names: self.clone(), online: listed(&lists.online), offline: listed(&lists.offline) }
    }

    pub(super) fn listed(&self, entry: &Entry) -> Listed {
        let &Entry { ref base_url, monitor, last_update } = entry;
        Listed { last_update, name: self.add(base_url), monitor }
    }

    /// Returns the index of a name; `None` if nobody has heard it.
    pub(super) fn find(&self, name: &str) -> Option<NameId> {
        self.0.borrow().get_index_of(name).map(id)
    }

    pub(super) fn length(&self, name: NameId) -> usize {
        self.0.borrow().get_index(name.index()).map_or(0, |text| text.len())
    }

    pub(super) fn text(&self, name: NameId) -> Arc<str> {
        self.0.borrow().get_index(name.index()).map_or_else(|| "".into(), Arc::clone)
    }

    /// Returns the index of a name, which is added if nobody has heard it.
    pub(super) fn add(&self, name: &str) -> NameId {
        // Copying each name that is known would take longer than looking it up.
        self.find(name).unwrap_or_else(|| id(self.0.borrow_mut().insert_full(name.into()).0))
    }
}

fn id(index: usize) -> NameId {
    NameId(u32::try_from(index).unwrap_or(u32::MAX))
}

impl Listing {
    /// Returns the lists with their names.
    pub fn to_lists(&self) -> Lists {
        let entry = |&Listed { last_update, name, monitor }: &Listed| Entry {
            base_url: self.names.text(name).into(),
            monitor,
            last_update,
        };
        Lists {
            online: self.online.iter().map(entry).collect(),
            offline: self.offline.iter().map(entry).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_has_the_content_of_the_lists() {
        let entry = |url: &str, monitor| Entry { base_url: url.into(), monitor, last_update: Stamp(5) };
        let lists = Lists {
            online: vec![entry("http://a/", false), entry("http://bc/", true)],
            offline: vec![entry("http://a/", true)],
        };
        for lists in [lists, Lists::default()] {
            assert_eq!(Names::default().listing(&lists).to_lists(), lists);
        }
    }

    #[test]
    fn an_entry_has_16_bytes() {
        assert_eq!(size_of::<Listed>(), 16);
    }
}
