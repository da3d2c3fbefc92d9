//! Roster slots: the indices of members in the roster, for callers that keep a copy of it.
//!
//! When a member is removed, the last member moves into its slot. All others keep their slots.

use std::sync::Arc;

use crate::protocol::machine::Machine;
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::merging::intake::{ListEntry, check_stamp};
use crate::protocol::merging::plain::{self, PlainClaim, PlainSource};
use crate::protocol::types::ids::Source;
use crate::protocol::types::limits::Rejection;
use crate::protocol::types::status::ListKind;
use crate::protocol::types::time::{Now, Stamp};
use crate::protocol::wire::message::ReceivedEntry;

/// An entry of a gossip request from a caller that keeps a copy of the roster.
#[derive(Debug, Clone, PartialEq)]
pub struct SlotEntry<'a> {
    /// The server that it is about.
    pub subject: SubjectRef<'a>,
    /// Whether the entry lists it as online.
    pub says_online: bool,
    /// False if missing.
    pub monitor: bool,
    /// Any number, or NaN.
    pub last_update: f64,
}

/// The size of a gossip request, known before its entries are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestStart {
    /// Entries that follow.
    pub entries: usize,
    /// Malformed entries, which are not among those that follow.
    pub malformed: usize,
}

/// The server that an entry is about, as a caller with a copy of the roster names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectRef<'a> {
    /// This server.
    Me,
    /// A member, by its slot.
    Slot(usize),
    /// Any server, by its URL as received.
    Url(&'a str),
}

impl Machine {
    /// Returns a number that grows whenever the URL of a slot changes, or a slot is removed.
    pub fn slot_changes(&self) -> u64 {
        self.members.roster.slot_changes().changes()
    }

    /// Returns the URLs that a copy lacks: one with `length` slots, taken after this many
    /// `changes`.
    ///
    /// The changed slots come first, unordered and with repetitions, then the new slots in order.
    pub fn urls_since(&self, changes: u64, length: usize) -> Vec<(usize, Arc<str>)> {
        let kept = length.min(self.members.roster.len());
        let mut slots: Vec<usize> = match self.members.roster.slot_changes().since(changes) {
            Some(changed) => changed.filter(|slot| *slot < kept).collect(),
            None => (0..kept).collect(),
        };
        slots.extend(kept..self.members.roster.len());
        let name = |slot| {
            let (identity, member) = self.members.roster.at(slot)?;
            Some((slot, member.base_url(identity)))
        };
        slots.into_iter().filter_map(name).collect()
    }

    /// Returns the stamp, `monitor` and whether it is online for each member, in the order of the
    /// slots.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (Stamp, bool, bool)> {
        self.members.roster.iter().map(|(_, member)| (member.stamp(), member.monitor(), member.is_online()))
    }

    /// Returns a number that grows whenever [`Machine::columns`] may have changed.
    pub fn member_changes(&self) -> u64 {
        self.members.roster.member_changes()
    }

    /// Begins a gossip request whose entries follow in parts.
    pub fn handle_request_start(&mut self, now: Now, RequestStart { entries, malformed }: RequestStart) {
        self.begin_request(now);
        self.exchanges.received.plain += 1;
        self.expect_entries(entries);
        self.record_request(now);
        if malformed > 0 {
            self.cx.log_rejections(Rejection::Malformed, malformed);
        }
    }

    /// Merges entries of a gossip request whose slots are valid after this many `changes`.
    ///
    /// Returns the number of entries merged before the first one with a slot that may have changed
    /// since. As in [`Machine::handle_claims`], offline entries come first.
    pub fn handle_slot_entries<'a>(
        &mut self,
        now: Now,
        changes: u64,
        entries: impl Iterator<Item = SlotEntry<'a>>,
    ) -> usize {
        let mut merged = 0;
        self.set_sender(Source::Request);
        self.members.roster.set_cause(Cause::Hearsay);
        for entry in entries {
            let SlotEntry { subject, monitor, last_update, .. } = entry;
            let listed = ListKind::of(entry.says_online);
            match subject {
                // `Me` too: another engine may have had another URL.
                SubjectRef::Slot(_) | SubjectRef::Me if self.slot_changes() != changes => break,
                SubjectRef::Slot(slot) => self.merge_at_slot(now, slot, &entry),
                SubjectRef::Me => match check_stamp(last_update, now) {
                    Ok(stamp) => self.merge_about_local_server(listed.status(), stamp, now),
                    Err(rejection) => {
                        let Self { merging, members, cx, .. } = self;
                        merging.rejected.reject(members, cx, rejection, members.local.identity(), now);
                    }
                },
                SubjectRef::Url(name) => {
                    let entry = ReceivedEntry { base_url: name.into(), monitor, last_update };
                    self.merge_entry(ListEntry { source: Source::Request, listed, entry: &entry }, now);
                }
            }
            merged += 1;
        }
        self.schedule_verification(now.tick);
        merged
    }

    fn merge_at_slot(&mut self, now: Now, slot: usize, entry: &SlotEntry<'_>) {
        let SlotEntry { says_online, monitor, last_update, .. } = *entry;
        let status = ListKind::of(says_online).status();
        let Some((identity, _)) = self.members.roster.at(slot) else { return };
        let stamp = match check_stamp(last_update, now) {
            Ok(stamp) => stamp,
            Err(Rejection::FarAhead) => {
                let identity: Arc<str> = identity.into();
                return self.reject_far_ahead(&identity, status, now);
            }
            Err(rejection) => return self.cx.log_rejection(rejection),
        };
        let claim = PlainClaim { status, monitor, stamp, source: PlainSource::Peer };
        if plain::merge_repeated_at(&mut self.members, slot, claim, now) {
            return;
        }
        if let Some((identity, _)) = self.members.roster.at(slot) {
            let identity: Arc<str> = identity.into();
            self.merge_about_known(&identity, claim, now);
        }
    }
}
