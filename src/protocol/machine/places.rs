//! Places: where members stand in the roster, for those outside who keep a copy of it and name members by their place.
//!
//! A place holds as long as nobody goes, for then the last member takes the place that has become free.

use std::sync::Arc;

use crate::protocol::machine::Machine;
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::merging::intake::check_stamp;
use crate::protocol::merging::plain::LegacyClaim;
use crate::protocol::types::ids::Source;
use crate::protocol::types::limits::Rejection;
use crate::protocol::types::time::{Now, Stamp};
use crate::protocol::wire::message::ReceivedEntry;

/// One server as it was heard of, by somebody who keeps a copy of the roster.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedEntry<'a> {
    /// Whom it is about.
    pub whom: Whom<'a>,
    /// Whether it is said to be running.
    pub says_online: bool,
    /// A missing one is false.
    pub monitor: bool,
    /// Any number, or NaN.
    pub last_update: f64,
}

/// What is known of a gossip request before its entries are heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beginning {
    /// Entries that follow.
    pub entries: usize,
    /// Entries that were no objects with a text and a number, and are not among those that follow.
    pub malformed: usize,
}

/// How somebody who keeps a copy of the roster names a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom<'a> {
    /// The server that is asked.
    Me,
    /// By its place.
    Place(usize),
    /// By any text.
    Named(&'a str),
}

impl Machine {
    /// Grows whenever a place gets another name, or none.
    pub fn place_changes(&self) -> u64 {
        self.members.roster.places().changes()
    }

    /// The names that a copy lacks which had so many of them, after so many changes: first those of places that it knew, in
    /// no order and some of them more than once, then the new ones in order.
    pub fn names_since(&self, changes: u64, length: usize) -> Vec<(usize, Arc<str>)> {
        let kept = length.min(self.members.roster.len());
        let mut places: Vec<usize> = match self.members.roster.places().since(changes) {
            Some(changed) => changed.filter(|place| *place < kept).collect(),
            None => (0..kept).collect(),
        };
        places.extend(kept..self.members.roster.len());
        let name = |place| {
            let (identity, member) = self.members.roster.at(place)?;
            Some((place, Arc::clone(member.spelling(identity))))
        };
        places.into_iter().filter_map(name).collect()
    }

    /// Stamp, flag and list of all others, by place.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (Stamp, bool, bool)> {
        self.members.roster.iter().map(|(_, member)| (member.stamp, member.monitor, member.is_online()))
    }

    /// Grows whenever [`Machine::columns`] may have changed.
    pub fn touches(&self) -> u64 {
        self.members.roster.touches()
    }

    /// A gossip request begins whose entries are heard by and by.
    pub fn handle_beginning(&mut self, now: Now, Beginning { entries, malformed }: Beginning) {
        self.begin_request(now);
        self.expect_entries(entries);
        self.note_request(now);
        if malformed > 0 {
            self.cx.log_rejection(Rejection::Malformed);
        }
    }

    /// Hears entries of a gossip request whose places are those after so many changes; tells how many it has heard before
    /// one named a place that may be another by now. As in [`Machine::handle_claims`], tombstones come first.
    pub fn handle_placed<'a>(
        &mut self,
        now: Now,
        changes: u64,
        entries: impl Iterator<Item = PlacedEntry<'a>>,
    ) -> usize {
        let mut heard = 0;
        self.members.roster.because(Cause::Hearsay);
        for PlacedEntry { whom, says_online, monitor, last_update } in entries {
            match whom {
                // Of another engine, the own name may have been another too.
                Whom::Place(_) | Whom::Me if self.place_changes() != changes => break,
                Whom::Place(place) => self.hear_at(now, place, says_online, monitor, last_update),
                Whom::Me => match check_stamp(last_update, now) {
                    Ok(stamp) => self.hear_about_myself(says_online, stamp, now),
                    Err(rejection) => self.reject(rejection, &Arc::from(self.members.me.identity()), now),
                },
                Whom::Named(name) => {
                    let entry = ReceivedEntry { base_url: name.into(), monitor, last_update };
                    self.hear(now, Source::Request, says_online, &entry);
                }
            }
            heard += 1;
        }
        self.schedule_verification(now.tick);
        heard
    }

    fn hear_at(&mut self, now: Now, place: usize, says_online: bool, monitor: bool, last_update: f64) {
        let Some((identity, member)) = self.members.roster.at(place) else { return };
        let stamp = match check_stamp(last_update, now) {
            Ok(stamp) => stamp,
            Err(Rejection::FarAhead) => {
                let identity = Arc::clone(identity);
                self.reject(Rejection::FarAhead, &identity, now);
                return self.verify_far_ahead(&identity, says_online, now);
            }
            Err(rejection) => return self.cx.log_rejection(rejection),
        };
        let claim = LegacyClaim { says_online, monitor, stamp, is_verified: false, is_absent: false };
        if member.is_online() != says_online || member.is_unconfirmed {
            let identity = Arc::clone(identity);
            return self.hear_about_known(identity, claim, now);
        }
        // Most of what is heard is known: then nothing is touched.
        if stamp > member.stamp
            && let Some(member) = self.members.roster.at_mut(place)
        {
            member.hear_agreement(claim, now);
        }
    }
}
