//! Lists of servers as they cross the boundary: each property and each text that crosses alone is dear. So JavaScript keeps
//! the names of all servers by their place, and a sheet of what else is shown of them, which is brought up to date here.
//!
//! ```text
//! sheet   8 words at its head, then a word for the stamp of each place, then a byte for its flags
//! heard   6 words at its head, then 2 words for each entry: whom it is about with its flags, and its stamp
//! ```
//! A word is a float, as JavaScript reads it.

use std::sync::Arc;

use napi::bindgen_prelude::Uint32Array;
use napi_derive::napi;

use crate::protocol::machine::Machine;
use crate::protocol::places::{Beginning, PlacedEntry, Whom};

const WORD: usize = size_of::<f64>();

// The head of the sheet.
const ENGINE: usize = 0;
const CHANGES: usize = 1;
const LENGTH: usize = 2;
/// The version of what is shown; negative where the sheet does not show it.
const TOUCHES: usize = 3;
const OWN_STAMP: usize = 4;
const OWN_FLAGS: usize = 5;
/// How many are online, this server included.
const LIVING: usize = 6;
const SHEET_HEAD: usize = 8;

// The head of what was heard.
const BEGINS: usize = 0;
const FROM: usize = 1;
const TO: usize = 2;
const HEARD: usize = 3;
/// How many entries more could not be read.
const MALFORMED: usize = 4;
/// Even, as each entry takes two.
const HEARD_HEAD: usize = 6;

const MONITOR: u8 = 1;
const ONLINE: u8 = 2;
/// Whom an entry is about stands above its flags: one of the names beside it, this server, or the one at a place.
const WHOM: u64 = 4;
const NAMED: u64 = 0;
const ME: u64 = 1;
const FIRST_PLACE: u64 = 2;

/// Names that JavaScript does not have yet.
#[napi(object, object_from_js = false)]
pub struct Names {
    /// Where they belong, in no order as far as places have got another name; 0 is this server itself, which comes first.
    pub places: Uint32Array,
    /// One for each of these places, as JSON: to parse that takes a third of the time in which so many texts cross.
    pub base_urls: String,
}

/// The sheet that JavaScript keeps.
pub(super) struct Sheet<'a>(&'a mut [u8]);

impl<'a> Sheet<'a> {
    /// Of the engine with this number: what the sheet holds of another one counts for nothing.
    pub(super) fn new(bytes: &'a mut [u8], engine: u32) -> Self {
        let mut sheet = Self(bytes);
        let engine = f64::from(engine);
        if sheet.get(ENGINE) != engine {
            // No place holds after more changes than there ever are.
            for (word, value) in [(ENGINE, engine), (CHANGES, f64::INFINITY), (LENGTH, -1.0), (TOUCHES, -1.0)]
            {
                sheet.set(word, value);
            }
        }
        sheet
    }

    /// How often places had got other names when JavaScript was told them.
    pub(super) fn changes(&self) -> u64 {
        self.get(CHANGES) as u64
    }

    /// Brings it up to date, as far as it has room, and gives the names that are new.
    pub(super) fn update(&mut self, machine: &Machine) -> Option<Names> {
        let (own, is_online) = machine.own_entry();
        self.set(OWN_STAMP, own.last_update.0 as f64);
        self.set(OWN_FLAGS, flags(own.monitor, is_online).into());
        self.set(LIVING, machine.living() as f64);
        self.show(machine);
        let before = (self.get(CHANGES), self.get(LENGTH));
        let after = (machine.place_changes() as f64, machine.other_count() as f64);
        if before == after {
            return None;
        }
        let names = machine.names_since(self.changes(), before.1 as usize);
        self.set(CHANGES, after.0);
        self.set(LENGTH, after.1);
        let mine = (before.1 < 0.0).then_some((0, own.base_url));
        let others = names.into_iter().map(|(place, name)| (place + 1, name));
        let (places, base_urls): (Vec<u32>, Vec<Arc<str>>) =
            mine.into_iter().chain(others).map(|(place, name)| (place as u32, name)).unzip();
        // Writing texts into memory has no way to fail.
        let base_urls = serde_json::to_string(&base_urls).unwrap_or_default();
        Some(Names { places: places.into(), base_urls })
    }

    fn show(&mut self, machine: &Machine) {
        let columns = machine.columns();
        let touches = machine.touches() as f64;
        let (_, body) = self.0.split_at_mut(SHEET_HEAD * WORD);
        let room = body.len() / (WORD + 1);
        if columns.len() > room {
            return self.set(TOUCHES, -1.0);
        }
        if self.get(TOUCHES) == touches {
            return;
        }
        let (_, body) = self.0.split_at_mut(SHEET_HEAD * WORD);
        let (stamps, marks) = body.split_at_mut(room * WORD);
        let places = stamps.chunks_exact_mut(WORD).zip(marks);
        for ((stamp, monitor, is_online), (word, mark)) in columns.zip(places) {
            word.copy_from_slice(&(stamp.0 as f64).to_ne_bytes());
            *mark = flags(monitor, is_online);
        }
        self.set(TOUCHES, touches);
    }

    fn get(&self, word: usize) -> f64 {
        word_at(self.0, word)
    }

    fn set(&mut self, word: usize, value: f64) {
        set_word(self.0, word, value);
    }
}

/// Entries of a gossip request, as JavaScript has written them down.
pub(super) struct Heard<'a>(pub(super) &'a mut [u8]);

impl Heard<'_> {
    /// What is said of the whole request, as long as no part of it has been merged.
    pub(super) fn beginning(&self) -> Option<Beginning> {
        let [entries, malformed] = [TO, MALFORMED].map(|word| word_at(self.0, word) as usize);
        (word_at(self.0, BEGINS) != 0.0).then_some(Beginning { entries, malformed })
    }

    /// `names` are those of entries without a place, one after the other.
    pub(super) fn entries<'n>(&self, names: &'n str) -> impl Iterator<Item = PlacedEntry<'n>> {
        let [from, to] = [FROM, TO].map(|word| word_at(self.0, word) as usize);
        let words = self.0.chunks_exact(2 * WORD).skip(HEARD_HEAD / 2 + from).take(to.saturating_sub(from));
        let mut names = names.split('\0');
        words.map(move |words| {
            let code = word_at(words, 0) as u64;
            let whom = match code / WHOM {
                NAMED => Whom::Named(names.next().unwrap_or_default()),
                ME => Whom::Me,
                place => Whom::Place((place - FIRST_PLACE) as usize),
            };
            let is = |flag: u8| code & u64::from(flag) != 0;
            PlacedEntry {
                whom,
                says_online: is(ONLINE),
                monitor: is(MONITOR),
                last_update: word_at(words, 1),
            }
        })
    }

    /// A copy of what is written there; the room for it may be much larger.
    pub(super) fn copy(&self) -> Vec<u8> {
        let words = HEARD_HEAD + 2 * word_at(self.0, TO) as usize;
        self.0.get(..words * WORD).unwrap_or(self.0).to_vec()
    }

    /// How many of them were merged.
    pub(super) fn were_merged(&mut self, heard: usize) {
        set_word(self.0, HEARD, heard as f64);
    }
}

fn flags(monitor: bool, is_online: bool) -> u8 {
    u8::from(monitor) * MONITOR + u8::from(is_online) * ONLINE
}

fn word_at(bytes: &[u8], word: usize) -> f64 {
    bytes
        .get(word * WORD..)
        .and_then(|bytes| bytes.first_chunk())
        .map_or(0.0, |word| f64::from_ne_bytes(*word))
}

fn set_word(bytes: &mut [u8], word: usize, value: f64) {
    if let Some(word) = bytes.get_mut(word * WORD..).and_then(|bytes| bytes.first_chunk_mut()) {
        *word = value.to_ne_bytes();
    }
}
