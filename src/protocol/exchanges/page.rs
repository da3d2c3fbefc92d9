//! Pages: parts of the roster that fit into one request, as the peer's body parser may reject more.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::time::Duration;

use crate::protocol::context::Context;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::members::Members;
use crate::protocol::members::roster::Roster;
use crate::protocol::types::limits::TOMBSTONE_SPREAD;
use crate::protocol::types::status::ListKind;
use crate::protocol::types::time::{Moment, Tick};
use crate::protocol::wire::message::{Entry, Lists};

/// Size of a page. The body parser of Express rejects bodies over 100 kB; this leaves a margin.
const MAX_PAGE_BYTES: usize = 64_000;
/// Part of a page reserved for the native extension, if that is offered.
const EXTENSION_BYTES: usize = 10_000;
/// Halvings of pages for a peer that rejects them as too large: down to a sixteenth.
const MAX_HALVINGS: u8 = 4;
/// Maximum size of an entry without its URL, in bytes.
const ENTRY_BYTES: usize = 80;
/// Age up to which a change is news, which comes first on a page.
const NEWS: Duration = Duration::from_secs(60);

struct Page {
    lists: Lists,
    room: usize,
}

impl Page {
    /// Returns a page with this server's own entry.
    fn begin(members: &Members, room: usize) -> Self {
        let mut page = Self { lists: Lists::default(), room };
        page.add(members.local.entry(), ListKind::of(members.local.is_online()));
        page
    }

    /// Adds an entry, and returns whether it fits.
    fn add(&mut self, entry: Entry, listed: ListKind) -> bool {
        let Some(room) = self.room.checked_sub(entry_bytes(&entry.base_url)) else { return false };
        self.room = room;
        match listed {
            ListKind::Online => self.lists.online.push(entry),
            ListKind::Offline => self.lists.offline.push(entry),
        }
        true
    }

    fn add_member(&mut self, roster: &Roster, index: usize) -> bool {
        roster
            .list_entry(index)
            .is_some_and(|(member, entry)| self.add(entry, ListKind::of(member.is_online())))
    }
}

/// Halves the pages for a peer that rejected one as too large.
pub(in crate::protocol) fn halve(members: &mut Members, peer: &str) {
    if let Some(member) = members.roster.get_mut(peer) {
        member.halve_pages(MAX_HALVINGS);
    }
}

/// Returns this server's own entry and the servers that recently died or left: little enough to be
/// sent often.
pub(in crate::protocol) fn death_notices(members: &Members, cx: &Context, halvings: u8, now: Tick) -> Lists {
    let mut page = Page::begin(members, page_bytes(cx) >> halvings);
    for (identity, member) in members.roster.iter() {
        let is_news = !member.is_online() && member.changed_at().age(now) < TOMBSTONE_SPREAD;
        if is_news && !page.add(member.entry(identity), ListKind::Offline) {
            break;
        }
    }
    page.lists
}

impl Exchanges {
    /// Returns the full roster, if it fits. Otherwise the page contains its own entry, then news
    /// (at most half a page), then a slice that advances from page to page.
    pub(in crate::protocol) fn compose_page(
        &mut self,
        members: &Members,
        cx: &Context,
        halvings: u8,
        now: Tick,
    ) -> Lists {
        let roster = &members.roster;
        let size = page_bytes(cx) >> halvings;
        let others: usize =
            roster.iter().map(|(identity, member)| entry_bytes(member.spelling(identity))).sum();
        if entry_bytes(&members.local.entry().base_url) + others <= size {
            return members.lists();
        }
        let mut page = Page::begin(members, size / 2);
        let mut on_page = BTreeSet::new();
        for index in latest_news(roster, page.room / ENTRY_BYTES + 1, now) {
            if !page.add_member(roster, index) {
                break;
            }
            on_page.insert(index);
        }
        page.room += size - size / 2;
        let start = self.page_cursor % roster.len().max(1);
        for index in (start..roster.len()).chain(0..start) {
            if !on_page.contains(&index) && !page.add_member(roster, index) {
                break;
            }
            self.page_cursor = index + 1;
        }
        page.lists
    }
}

/// The members with the latest changes, up to this many, the latest first.
fn latest_news(roster: &Roster, at_most: usize, now: Tick) -> impl Iterator<Item = usize> {
    // Thousands may have changed, of which few fit.
    let mut latest: BinaryHeap<Reverse<(Moment, usize)>> = BinaryHeap::new();
    for index in (0..roster.len()).rev() {
        let Some((_, member)) = roster.at(index) else { continue };
        let change = Reverse((member.changed_at(), index));
        if member.changed_at().age(now) >= NEWS {
            continue;
        }
        if latest.len() < at_most {
            latest.push(change);
        } else if let Some(mut oldest) = latest.peek_mut().filter(|oldest| change < **oldest) {
            *oldest = change;
        }
    }
    latest.into_sorted_vec().into_iter().map(|Reverse((_, index))| index)
}

fn page_bytes(cx: &Context) -> usize {
    if cx.is_native() { MAX_PAGE_BYTES - EXTENSION_BYTES } else { MAX_PAGE_BYTES }
}

fn entry_bytes(base_url: &str) -> usize {
    // A quotation mark takes two bytes in JSON.
    base_url.len() + base_url.bytes().filter(|byte| *byte == b'"').count() + ENTRY_BYTES
}
