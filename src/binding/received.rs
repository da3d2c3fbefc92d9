//! The entries of a gossip request, as JavaScript passes them.

use super::layout::{EntryFlag, EntrySubject, ReceivedWord, URL_SEPARATOR, WORD_BYTES};
use super::words::{set_word, word_at};
use crate::protocol::roster_slots::{RequestStart, SlotEntry, SubjectRef};

const NAMED: u64 = EntrySubject::Named as u64;
const OWN: u64 = EntrySubject::Own as u64;
const FIRST_SLOT: u64 = EntrySubject::FirstSlot as u64;

/// A buffer written by JavaScript.
pub(super) struct ReceivedEntries<'a>(pub(super) &'a mut [u8]);

impl ReceivedEntries<'_> {
    /// Describes the whole request; `None` if a part of it has already been merged.
    pub(super) fn start(&self) -> Option<RequestStart> {
        let [entries, malformed] =
            [ReceivedWord::To, ReceivedWord::Malformed].map(|word| self.get(word) as usize);
        (self.get(ReceivedWord::IsStart) != 0.0).then_some(RequestStart { entries, malformed })
    }

    /// Returns the entries to merge. `urls` are those of servers without a slot, joined.
    pub(super) fn entries<'u>(&self, urls: &'u str) -> impl Iterator<Item = SlotEntry<'u>> {
        let [from, to] = [ReceivedWord::From, ReceivedWord::To].map(|word| self.get(word) as usize);
        let first = ReceivedWord::Entries as usize / 2 + from;
        let words = self.0.chunks_exact(2 * WORD_BYTES).skip(first).take(to.saturating_sub(from));
        let mut urls = urls.split(URL_SEPARATOR);
        words.map(move |words| {
            let code = word_at(words, 0) as u64;
            let subject = match code / EntrySubject::Factor as u64 {
                NAMED => SubjectRef::Url(urls.next().unwrap_or_default()),
                OWN => SubjectRef::Me,
                slot => SubjectRef::Slot((slot - FIRST_SLOT) as usize),
            };
            let is = |flag: EntryFlag| code & flag as u64 != 0;
            SlotEntry {
                subject,
                says_online: is(EntryFlag::Online),
                monitor: is(EntryFlag::Monitor),
                last_update: word_at(words, 1),
            }
        })
    }

    /// Copies the written part; the buffer may be much larger.
    pub(super) fn copy(&self) -> Vec<u8> {
        let words = ReceivedWord::Entries as usize + 2 * self.get(ReceivedWord::To) as usize;
        self.0.get(..words * WORD_BYTES).unwrap_or(self.0).to_vec()
    }

    /// Records how many entries were merged.
    pub(super) fn set_merged(&mut self, merged: usize) {
        set_word(self.0, ReceivedWord::Merged as usize, merged as f64);
    }

    fn get(&self, word: ReceivedWord) -> f64 {
        word_at(self.0, word as usize)
    }
}
