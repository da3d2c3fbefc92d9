//! The roster snapshot: the stamps and flags of all servers.
//!
//! Each property or string that crosses the JS/Rust boundary on its own is expensive. So JavaScript
//! keeps the URLs of all servers by roster slot, and a snapshot of everything else, which is
//! updated here.

use std::sync::Arc;

use napi::bindgen_prelude::Uint32Array;
use napi_derive::napi;

use super::layout::{EntryFlag, SnapshotWord, WORD_BYTES};
use super::words::{set_word, word_at};
use crate::protocol::machine::Machine;

const HEAD_BYTES: usize = SnapshotWord::Stamps as usize * WORD_BYTES;

/// URLs that JavaScript does not have yet.
#[napi(object, object_from_js = false)]
pub struct NewUrls {
    /// Their slots. 0 is this server, which comes first; changed slots come in any order.
    pub slots: Uint32Array,
    /// The URLs of these slots as a JSON array, which costs a third of passing each string.
    pub base_urls: String,
}

/// The snapshot that JavaScript keeps.
pub(super) struct RosterSnapshot<'a>(&'a mut [u8]);

impl<'a> RosterSnapshot<'a> {
    /// `engine` is the number of the engine; the snapshot of another engine is rewritten in full.
    pub(super) fn new(bytes: &'a mut [u8], engine: u32) -> Self {
        let mut snapshot = Self(bytes);
        let engine = f64::from(engine);
        if snapshot.get(SnapshotWord::Engine) != engine {
            snapshot.set(SnapshotWord::Engine, engine);
            // Infinity means that no slot is valid.
            snapshot.set(SnapshotWord::SlotChanges, f64::INFINITY);
            snapshot.set(SnapshotWord::Length, -1.0);
            snapshot.set(SnapshotWord::Version, -1.0);
        }
        snapshot
    }

    /// The slot changes up to which JavaScript knows the URLs.
    pub(super) fn slot_changes(&self) -> u64 {
        self.get(SnapshotWord::SlotChanges) as u64
    }

    /// Updates the snapshot as far as the buffer has room, and returns the new URLs.
    pub(super) fn update(&mut self, machine: &Machine) -> Option<NewUrls> {
        let (own, is_online) = machine.own_entry();
        self.set(SnapshotWord::OwnStamp, own.last_update.0 as f64);
        self.set(SnapshotWord::OwnFlags, flags(own.monitor, is_online).into());
        self.set(SnapshotWord::OnlineCount, machine.living() as f64);
        self.update_roster(machine);
        let before = (self.get(SnapshotWord::SlotChanges), self.get(SnapshotWord::Length));
        let after = (machine.slot_changes() as f64, machine.other_count() as f64);
        if before == after {
            return None;
        }
        let urls = machine.urls_since(self.slot_changes(), before.1 as usize);
        self.set(SnapshotWord::SlotChanges, after.0);
        self.set(SnapshotWord::Length, after.1);
        let own = (before.1 < 0.0).then(|| (0, own.base_url.into()));
        let others = urls.into_iter().map(|(slot, url)| (slot + 1, url));
        let (slots, base_urls): (Vec<u32>, Vec<Arc<str>>) =
            own.into_iter().chain(others).map(|(slot, url)| (slot as u32, url)).unzip();
        // Writing strings into memory cannot fail.
        let base_urls = serde_json::to_string(&base_urls).unwrap_or_default();
        Some(NewUrls { slots: slots.into(), base_urls })
    }

    fn update_roster(&mut self, machine: &Machine) {
        let columns = machine.columns();
        let version = machine.member_changes() as f64;
        let room = self.0.len().saturating_sub(HEAD_BYTES) / (WORD_BYTES + 1);
        if columns.len() > room {
            return self.set(SnapshotWord::Version, -1.0);
        }
        if self.get(SnapshotWord::Version) == version {
            return;
        }
        let (_, body) = self.0.split_at_mut(HEAD_BYTES);
        let (stamps, flag_bytes) = body.split_at_mut(room * WORD_BYTES);
        let slots = stamps.chunks_exact_mut(WORD_BYTES).zip(flag_bytes);
        for ((stamp, monitor, is_online), (word, flag_byte)) in columns.zip(slots) {
            word.copy_from_slice(&(stamp.0 as f64).to_ne_bytes());
            *flag_byte = flags(monitor, is_online);
        }
        self.set(SnapshotWord::Version, version);
    }

    fn get(&self, word: SnapshotWord) -> f64 {
        word_at(self.0, word as usize)
    }

    fn set(&mut self, word: SnapshotWord, value: f64) {
        set_word(self.0, word as usize, value);
    }
}

fn flags(monitor: bool, is_online: bool) -> u8 {
    u8::from(monitor) * EntryFlag::Monitor as u8 + u8::from(is_online) * EntryFlag::Online as u8
}
