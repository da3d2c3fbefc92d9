//! The roster snapshot: all that is shown of servers, except their URLs.
//!
//! Each property or string that crosses the JS/Rust boundary on its own is expensive. So JavaScript keeps the URLs of all
//! servers by their roster slots, and a snapshot of everything else, which is brought up to date here.

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
    /// Their slots; in no order as far as slots have another server now. 0 is this server itself, which comes first.
    pub slots: Uint32Array,
    /// One for each of these slots, as JSON: parsing it takes a third of the time in which the strings would cross.
    pub base_urls: String,
}

/// The snapshot that JavaScript keeps.
pub(super) struct RosterSnapshot<'a>(&'a mut [u8]);

impl<'a> RosterSnapshot<'a> {
    /// `engine` is the number of the engine; a snapshot of another one is written in full.
    pub(super) fn new(bytes: &'a mut [u8], engine: u32) -> Self {
        let mut snapshot = Self(bytes);
        let engine = f64::from(engine);
        if snapshot.get(SnapshotWord::Engine) != engine {
            snapshot.set(SnapshotWord::Engine, engine);
            // No slot holds after more changes than there ever are.
            snapshot.set(SnapshotWord::SlotChanges, f64::INFINITY);
            snapshot.set(SnapshotWord::Length, -1.0);
            snapshot.set(SnapshotWord::Version, -1.0);
        }
        snapshot
    }

    /// The changes of slots whose URLs JavaScript knows.
    pub(super) fn slot_changes(&self) -> u64 {
        self.get(SnapshotWord::SlotChanges) as u64
    }

    /// Brings it up to date, as far as it has room, and returns the URLs that are new.
    pub(super) fn update(&mut self, machine: &Machine) -> Option<NewUrls> {
        let (own, is_online) = machine.own_entry();
        self.set(SnapshotWord::OwnStamp, own.last_update.0 as f64);
        self.set(SnapshotWord::OwnFlags, flags(own.monitor, is_online).into());
        self.set(SnapshotWord::OnlineCount, machine.living() as f64);
        self.show(machine);
        let before = (self.get(SnapshotWord::SlotChanges), self.get(SnapshotWord::Length));
        let after = (machine.place_changes() as f64, machine.other_count() as f64);
        if before == after {
            return None;
        }
        let urls = machine.names_since(self.slot_changes(), before.1 as usize);
        self.set(SnapshotWord::SlotChanges, after.0);
        self.set(SnapshotWord::Length, after.1);
        let own = (before.1 < 0.0).then_some((0, own.base_url));
        let others = urls.into_iter().map(|(slot, url)| (slot + 1, url));
        let (slots, base_urls): (Vec<u32>, Vec<Arc<str>>) =
            own.into_iter().chain(others).map(|(slot, url)| (slot as u32, url)).unzip();
        // Writing strings into memory has no way to fail.
        let base_urls = serde_json::to_string(&base_urls).unwrap_or_default();
        Some(NewUrls { slots: slots.into(), base_urls })
    }

    fn show(&mut self, machine: &Machine) {
        let columns = machine.columns();
        let version = machine.touches() as f64;
        let room = self.0.len().saturating_sub(HEAD_BYTES) / (WORD_BYTES + 1);
        if columns.len() > room {
            return self.set(SnapshotWord::Version, -1.0);
        }
        if self.get(SnapshotWord::Version) == version {
            return;
        }
        let (_, body) = self.0.split_at_mut(HEAD_BYTES);
        let (stamps, marks) = body.split_at_mut(room * WORD_BYTES);
        let slots = stamps.chunks_exact_mut(WORD_BYTES).zip(marks);
        for ((stamp, monitor, is_online), (word, mark)) in columns.zip(slots) {
            word.copy_from_slice(&(stamp.0 as f64).to_ne_bytes());
            *mark = flags(monitor, is_online);
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
