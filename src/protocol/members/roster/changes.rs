//! Changes of the roster. Each of them keeps the counts, and is told as news if the state of a
//! server changes.

use std::sync::Arc;

use crate::protocol::members::member::suspicion::Suspicion;
use crate::protocol::members::member::{Member, Wire};
use crate::protocol::members::roster::digest::name_hash;
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::members::roster::news::NewsCause;
use crate::protocol::members::roster::{Roster, Standing};
use crate::protocol::types::accusers::Accusers;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Now};

impl Roster {
    /// Adds an unknown server. The caller has checked that there is room.
    pub(in crate::protocol) fn insert(&mut self, identity: Arc<str>, member: Member, now: Now) {
        self.update_totals(&identity, None, Some(Standing::of(&member)));
        self.journal.record(&identity, None, Some(member.status), member.changed_at.tick());
        let cause = self.journal.cause.into();
        self.news.record(member.entry(&identity), [None, Some(member.status)], cause, now);
        let (slot, previous) = self.members.insert_full(identity, member);
        // What follows for a new member looks it up first.
        self.latest.set(slot);
        debug_assert!(previous.is_none(), "a known server is changed, not inserted");
    }

    pub(in crate::protocol) fn remove(&mut self, identity: &str, now: Now) -> Option<Member> {
        let (slot, identity, member) = self.members.swap_remove_full(identity)?;
        self.slot_changes.change(slot);
        // The last member has moved there, unless it was the one removed.
        self.slot_changes.change(self.len());
        self.update_totals(&identity, Some(Standing::of(&member)), None);
        self.journal.record(&identity, Some(member.status), None, now.tick);
        // A tombstone only goes by its age.
        let cause = if member.is_online() { self.journal.cause.into() } else { NewsCause::Age };
        self.news.record(member.entry(&identity), [Some(member.status), None], cause, now);
        Some(member)
    }

    /// Sets the cause of the next changes, for the log and the news.
    pub(in crate::protocol) fn set_cause(&mut self, cause: Cause) {
        self.journal.cause = cause;
    }

    /// Changes the status of a member.
    pub(in crate::protocol) fn transition(&mut self, identity: &str, status: Status, now: Now) {
        let mut before = status;
        self.change(identity, |member| {
            before = std::mem::replace(&mut member.status, status);
            if before != status {
                member.changed_at = now.tick.into();
                if !before.is_online() && status.is_online() {
                    member.reset_proofs();
                }
            }
        });
        if before == status {
            return;
        }
        let Some(slot) = self.slot_of(identity) else { return };
        let Some((identity, member)) = self.members.get_index(slot) else { return };
        if before.is_online() != status.is_online() {
            self.journal.record(identity, Some(before), Some(status), now.tick);
        }
        let cause = self.journal.cause.into();
        self.news.record(member.entry(identity), [Some(before), Some(status)], cause, now);
    }

    /// Suspects a member, which these servers have found silent.
    pub(in crate::protocol) fn begin_suspicion(&mut self, identity: &str, accusers: Accusers, now: Now) {
        self.transition(identity, Status::Suspect, now);
        if let Some(member) = self.get_mut(identity) {
            member.set_suspicion(Suspicion::new(accusers, now.tick));
        }
    }

    /// Sets the spelling with which a member is shown. For programs, which know servers by their
    /// URLs, another one takes its place.
    pub(in crate::protocol) fn set_spelling(&mut self, identity: &str, spelling: &Arc<str>, now: Now) {
        let Some(slot) = self.slot_of(identity) else { return };
        let Some((identity, member)) = self.members.get_index_mut(slot) else { return };
        if member.spelling(identity) == spelling {
            return;
        }
        let (state, cause) = (Some(member.status), self.journal.cause.into());
        self.news.record(member.entry(identity), [state, None], cause, now);
        member.set_spelling(identity, spelling);
        self.slot_changes.change(slot);
        self.news.record(member.entry(identity), [None, state], cause, now);
    }

    /// Sets the incarnation of a newer claim. It is higher, unless the held one counted as 0.
    pub(in crate::protocol) fn adopt_incarnation(&mut self, identity: &str, incarnation: Incarnation) {
        self.change(identity, |member| member.incarnation = incarnation);
    }

    /// Sets a higher incarnation; ignores a lower one.
    pub(in crate::protocol) fn raise_incarnation(&mut self, identity: &str, incarnation: Incarnation) {
        self.change(identity, |member| member.incarnation = member.incarnation.max(incarnation));
    }

    /// Sets the wire format that a member uses.
    pub(in crate::protocol) fn set_wire(&mut self, identity: &str, wire: Wire) {
        self.change(identity, |member| member.wire = wire);
    }

    /// Confirms a member that only the master list has named so far, because a living server names
    /// it too.
    pub(in crate::protocol) fn confirm(&mut self, identity: &str) {
        self.change(identity, |_| {});
    }

    /// Changes a member, which also confirms it, and updates the counts.
    fn change(&mut self, identity: &str, change: impl FnOnce(&mut Member)) {
        let Some(slot) = self.slot_of(identity) else { return };
        let Some((identity, member)) = self.members.get_index_mut(slot) else { return };
        let before = Standing::of(member);
        member.is_unconfirmed = false;
        change(member);
        let after = Standing::of(member);
        if before != after {
            let identity = Arc::clone(identity);
            self.update_totals(&identity, Some(before), Some(after));
        }
    }

    /// Updates the counts, the digest and the ring.
    fn update_totals(&mut self, identity: &Arc<str>, before: Option<Standing>, after: Option<Standing>) {
        self.revision += 1;
        self.member_changes += 1;
        let name = name_hash(identity);
        for (standing, change) in [(before, -1), (after, 1)] {
            if let Some(standing) = standing {
                self.count(name, standing, change);
            }
        }
        match [before, after].map(|standing| standing.is_some_and(Standing::is_on_ring)) {
            [false, true] => self.ring.insert(name, identity),
            [true, false] => self.ring.remove(identity),
            _ => {}
        }
    }

    fn count(&mut self, name: u64, standing: Standing, change: isize) {
        if standing.status == Status::Suspect {
            self.suspects = self.suspects.saturating_add_signed(change);
        }
        let counter = match standing.status {
            Status::Online | Status::Suspect => &mut self.online,
            Status::Dead => &mut self.dead,
            Status::Left => return,
        };
        *counter = counter.saturating_add_signed(change);
        if standing.is_unconfirmed {
            self.unconfirmed = self.unconfirmed.saturating_add_signed(change);
        } else if standing.status.is_online() {
            self.digest.toggle(name, standing.incarnation);
        }
        if standing.is_on_ring() {
            self.natives = self.natives.saturating_add_signed(change);
        }
    }
}
