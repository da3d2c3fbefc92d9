//! Pages: what fits into one request, as the peer's body parser may refuse more.

use std::time::Duration;

use crate::protocol::machine::Machine;
use crate::protocol::types::limits::TOMBSTONE_TOLD;
use crate::protocol::types::time::{Moment, Tick};
use crate::protocol::wire::message::{Entry, Lists};

/// The parsers of Express refuse bodies over 100 kB; this leaves room.
const MAX_PAGE_BYTES: usize = 64_000;
/// What the native extension takes of that, where it is offered.
const EXTENSION_BYTES: usize = 10_000;
/// A peer that finds even a page too large is sent half of it, down to a sixteenth.
const MAX_HALVINGS: u8 = 4;
/// What an entry takes beside its URL, at most.
const ENTRY_BYTES: usize = 80;
/// Changes this young are news, which go before all else.
const NEWS: Duration = Duration::from_secs(60);

struct Page {
    lists: Lists,
    room: usize,
}

impl Page {
    fn add(&mut self, entry: Entry, online: bool) -> bool {
        let Some(room) = self.room.checked_sub(entry_bytes(&entry.base_url)) else { return false };
        self.room = room;
        if online {
            self.lists.online.push(entry)
        } else {
            self.lists.offline.push(entry)
        }
        true
    }
}

impl Machine {
    pub(in crate::protocol) fn halve_pages(&mut self, peer: &str) {
        if let Some(member) = self.members.roster.get_mut(peer) {
            member.halve_pages(MAX_HALVINGS);
        }
    }

    /// Everything, if it fits; otherwise the own entry, then news (at most half a page), then a slice that moves on from
    /// page to page.
    pub(in crate::protocol) fn compose_page(&mut self, halvings: u8, now: Tick) -> Lists {
        let size = self.page_bytes() >> halvings;
        let all: usize =
            self.members.roster.iter().map(|(identity, member)| entry_bytes(member.spelling(identity))).sum();
        if entry_bytes(&self.members.me.entry().base_url) + all <= size {
            return self.lists(true);
        }
        let mut page = Page { lists: Lists::default(), room: size / 2 };
        page.add(self.members.me.entry(), self.members.me.is_online());
        let mut is_on_page = vec![false; self.members.roster.len()];
        let mut news: Vec<(Moment, usize)> = (0..self.members.roster.len())
            .filter_map(|index| Some((self.members.roster.at(index)?.1.changed_at, index)))
            .filter(|(changed_at, _)| changed_at.age(now) < NEWS)
            .collect();
        news.sort_unstable_by(|a, b| b.cmp(a));
        for (_, index) in news {
            if !self.add_to(&mut page, index) {
                break;
            }
            if let Some(mark) = is_on_page.get_mut(index) {
                *mark = true;
            }
        }
        page.room += size - size / 2;
        let start = self.exchanges.page_cursor % self.members.roster.len().max(1);
        for index in (start..self.members.roster.len()).chain(0..start) {
            if is_on_page.get(index) == Some(&false) && !self.add_to(&mut page, index) {
                break;
            }
            self.exchanges.page_cursor = index + 1;
        }
        page.lists
    }

    /// The own entry, and who has died or left lately: little enough to be sent often.
    pub(in crate::protocol) fn compose_obituaries(&mut self, halvings: u8, now: Tick) -> Lists {
        let mut page = Page { lists: Lists::default(), room: self.page_bytes() >> halvings };
        page.add(self.members.me.entry(), self.members.me.is_online());
        for (identity, member) in self.members.roster.iter() {
            let is_news = !member.is_online() && member.changed_at.age(now) < TOMBSTONE_TOLD;
            if is_news && !page.add(member.entry(identity), false) {
                break;
            }
        }
        page.lists
    }

    fn page_bytes(&self) -> usize {
        if self.is_native() { MAX_PAGE_BYTES - EXTENSION_BYTES } else { MAX_PAGE_BYTES }
    }

    fn add_to(&self, page: &mut Page, index: usize) -> bool {
        self.members
            .roster
            .at(index)
            .is_some_and(|(identity, member)| page.add(member.entry(identity), member.is_online()))
    }
}

fn entry_bytes(base_url: &str) -> usize {
    // A quotation mark takes two bytes in JSON.
    base_url.len() + base_url.bytes().filter(|byte| *byte == b'"').count() + ENTRY_BYTES
}
