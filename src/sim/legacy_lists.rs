//! A legacy peer's lists and how it merges claims, with the faults of version 1.

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use super::clock::Millis;
use crate::protocol::SharedText;
use crate::protocol::message::{Entry, Lists};
use crate::protocol::time::Stamp;

const TOMBSTONE_LIFE: Millis = 24 * 60 * 60 * 1_000;

type Map = IndexMap<SharedText, Entry, FixedState>;

/// The two maps of a legacy peer.
#[derive(Debug, Default)]
pub(super) struct LegacyLists {
    pub(super) online: Map,
    pub(super) offline: Map,
}

impl LegacyLists {
    pub(super) fn bury(&mut self, base_url: &str, wall: Stamp) {
        if let Some(entry) = self.online.swap_remove(base_url) {
            self.offline.insert(entry.base_url.clone(), Entry { last_update: wall, ..entry });
        }
    }

    /// Compares an online entry only with the online ones, so an old claim resurrects a dead
    /// server.
    pub(super) fn merge(&mut self, lists: &Lists, wall: Stamp) {
        for entry in &lists.online {
            let known = self.online.get(&*entry.base_url);
            if known.is_some_and(|known| entry.last_update <= known.last_update) {
                continue;
            }
            self.offline.swap_remove(&*entry.base_url);
            self.online.insert(entry.base_url.clone(), entry.clone());
        }
        for entry in &lists.offline {
            let known = self.online.get(&*entry.base_url).or_else(|| self.offline.get(&*entry.base_url));
            if known.is_some_and(|known| entry.last_update <= known.last_update) {
                continue;
            }
            self.online.swap_remove(&*entry.base_url);
            self.offline.insert(entry.base_url.clone(), entry.clone());
        }
        self.offline.retain(|_, entry| wall.0.saturating_sub(entry.last_update.0) <= TOMBSTONE_LIFE);
    }

    pub(super) fn view(&self, base_url: &str) -> Option<(bool, Stamp)> {
        let online = self.online.get(base_url).map(|entry| (true, entry.last_update));
        online.or_else(|| self.offline.get(base_url).map(|entry| (false, entry.last_update)))
    }

    pub(super) fn to_lists(&self) -> Lists {
        Lists {
            online: self.online.values().cloned().collect(),
            offline: self.offline.values().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "http://a/";

    fn entries(last_update: u64) -> Vec<Entry> {
        vec![Entry { base_url: A.into(), monitor: false, last_update: Stamp(last_update) }]
    }

    #[test]
    fn an_old_claim_resurrects_and_a_tie_changes_nothing() {
        let mut lists = LegacyLists::default();
        lists.merge(&Lists { online: entries(90), offline: vec![] }, Stamp(100));
        lists.merge(&Lists { online: vec![], offline: entries(100) }, Stamp(100));
        assert_eq!(lists.view(A), Some((false, Stamp(100))));
        lists.merge(&Lists { online: entries(50), offline: vec![] }, Stamp(100));
        assert_eq!(lists.view(A), Some((true, Stamp(50))));
        lists.merge(&Lists { online: vec![], offline: entries(50) }, Stamp(100));
        assert_eq!(lists.view(A), Some((true, Stamp(50))));
    }
}
