//! The roster: all other servers known, with counts by status.

use std::sync::Arc;

use crate::protocol::members::member::standing::Standing;
use crate::protocol::members::member::{Member, Wire};
use crate::protocol::members::roster::digest::{Digest, name_hash};
use crate::protocol::members::roster::journal::{Cause, Journal};
use crate::protocol::members::roster::news::{NewsCause, NewsRing};
use crate::protocol::members::roster::ring::Ring;
use crate::protocol::members::roster::suspicions::Suspicions;
use crate::protocol::members::roster::table::Table;
use crate::protocol::members::roster::table::index_journal::SlotChanges;
use crate::protocol::members::roster::table::latest::Latest;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Now};

pub(in crate::protocol) mod change_counts;
mod copies;
pub(in crate::protocol) mod digest;
pub(in crate::protocol) mod draws;
pub(in crate::protocol) mod journal;
pub(in crate::protocol) mod names;
pub(in crate::protocol) mod news;
pub(in crate::protocol) mod ring;
mod suspicions;
pub(in crate::protocol) mod table;

/// All other servers known, by identity. Their order depends on insertions and removals only, so it
/// is the same in every run.
#[derive(Debug)]
pub(in crate::protocol) struct Roster {
    members: Table,
    capacity: usize,
    online: usize,
    suspects: usize,
    natives: usize,
    dead: usize,
    unconfirmed: usize,
    digest: Digest,
    ring: Ring,
    /// Grows when a member is added, removed, or changes its [`Standing`].
    revision: u64,
    /// Grows whenever a member may have changed.
    member_changes: u64,
    slot_changes: SlotChanges,
    /// Changes that the log is to show.
    pub(in crate::protocol) journal: Journal,
    /// Changes that programs may follow.
    pub(in crate::protocol) news: NewsRing,
    latest: Latest,
    suspicions: Suspicions,
}

impl Roster {
    /// An empty roster of this server for this many others. The secret `seed` prevents URLs chosen
    /// to collide.
    pub(in crate::protocol) fn new(identity: &str, capacity: usize, seed: u64) -> Self {
        Self {
            members: Table::new(seed),
            capacity,
            online: 0,
            suspects: 0,
            natives: 0,
            dead: 0,
            unconfirmed: 0,
            digest: Digest::default(),
            ring: Ring::at(name_hash(identity)),
            revision: 0,
            member_changes: 0,
            slot_changes: SlotChanges::default(),
            journal: Journal::default(),
            news: NewsRing::default(),
            latest: Latest::default(),
            suspicions: Suspicions::default(),
        }
    }

    pub(in crate::protocol) fn len(&self) -> usize {
        self.members.len()
    }

    pub(in crate::protocol) fn is_full(&self) -> bool {
        self.len() >= self.capacity
    }

    /// The most members that it may have.
    pub(in crate::protocol) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(in crate::protocol) fn online_count(&self) -> usize {
        self.online
    }

    /// The number of online members that are suspects.
    pub(in crate::protocol) fn suspect_count(&self) -> usize {
        self.suspects
    }

    /// The number of online members that are contacted as native servers.
    pub(in crate::protocol) fn native_count(&self) -> usize {
        self.natives
    }

    /// The number of online members that only the master list names so far.
    pub(in crate::protocol) fn unconfirmed_count(&self) -> usize {
        self.unconfirmed
    }

    /// The hashes over the confirmed online members.
    pub(in crate::protocol) fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Grows whenever a member is added, removed, or changes its standing.
    pub(in crate::protocol) fn revision(&self) -> u64 {
        self.revision
    }

    /// Grows whenever a member is added, removed, or may have changed.
    pub(in crate::protocol) fn member_changes(&self) -> u64 {
        self.member_changes
    }

    pub(in crate::protocol) fn slot_changes(&self) -> &SlotChanges {
        &self.slot_changes
    }

    /// Searches for this server's neighbours on the ring, if they are not known.
    pub(in crate::protocol) fn update_ring(&mut self) {
        let natives = self.members.hashed().filter(|(_, _, member)| Standing::of(member).is_on_ring());
        self.ring.update(natives.map(|(name, identity, _)| (name, identity)));
    }

    /// The ring of native servers, of which not all neighbours may be known.
    pub(in crate::protocol) fn ring(&self) -> &Ring {
        &self.ring
    }

    pub(in crate::protocol) fn dead_count(&self) -> usize {
        self.dead
    }

    /// The slot of a member. For the latest sender or new member, it needs no hashing.
    #[inline]
    pub(in crate::protocol) fn slot_of(&self, identity: &str) -> Option<usize> {
        self.latest.slot_of(identity).or_else(|| self.members.slot_of(identity))
    }

    /// Remembers the sender of a message, which is looked up several times.
    pub(in crate::protocol) fn remember_sender(&self, identity: &Arc<str>, slot: usize) {
        self.latest.set(Arc::clone(identity), slot);
    }

    #[inline]
    pub(in crate::protocol) fn get(&self, identity: &str) -> Option<&Member> {
        self.members.member_at(self.slot_of(identity)?)
    }

    #[inline]
    pub(in crate::protocol) fn get_mut(&mut self, identity: &str) -> Option<&mut Member> {
        self.at_mut(self.slot_of(identity)?)
    }

    #[inline]
    pub(in crate::protocol) fn at_mut(&mut self, index: usize) -> Option<&mut Member> {
        self.member_changes += 1;
        self.members.at_mut(index)
    }

    #[inline]
    pub(in crate::protocol) fn at(&self, index: usize) -> Option<(&str, &Member)> {
        self.members.at(index)
    }

    pub(in crate::protocol) fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Member)> {
        self.members.iter()
    }

    /// Adds an unknown server. The caller has checked that there is room.
    pub(in crate::protocol) fn insert(&mut self, identity: Arc<str>, member: Member, now: Now) {
        let name = name_hash(&identity);
        self.update_totals(&identity, name, [None, Some(Standing::of(&member))]);
        self.journal.record(&identity, None, Some(member.status), member.changed_at.tick());
        let cause = self.journal.cause.into();
        self.news.record(member.entry(Arc::clone(&identity)), [None, Some(member.status)], cause, now);
        debug_assert!(self.slot_of(&identity).is_none(), "a known server is changed, not inserted");
        // What follows for a new member looks it up first.
        let slot = self.members.push(&identity, name, member);
        self.latest.set(identity, slot);
    }

    pub(in crate::protocol) fn remove(&mut self, identity: &str, now: Now) -> Option<Member> {
        let slot = self.slot_of(identity)?;
        let name = self.members.digest_hash(slot)?;
        let identity: Arc<str> = identity.into();
        self.latest.clear();
        self.forget_suspicion(slot);
        let member = self.members.swap_remove(slot)?;
        self.slot_changes.change(slot);
        // The last member has moved there, unless it was the one removed.
        self.slot_changes.change(self.len());
        self.update_totals(&identity, name, [Some(Standing::of(&member)), None]);
        self.journal.record(&identity, Some(member.status), None, now.tick);
        // A tombstone only goes by its age.
        let cause = if member.is_online() { self.journal.cause.into() } else { NewsCause::Age };
        self.news.record(member.entry(identity), [Some(member.status), None], cause, now);
        Some(member)
    }

    /// Sets the cause of the next changes, for the log and the news.
    pub(in crate::protocol) fn set_cause(&mut self, cause: Cause) {
        self.journal.cause = cause;
    }

    /// Changes the status of a member.
    pub(in crate::protocol) fn transition(&mut self, identity: &str, status: Status, now: Now) {
        if let Some(slot) = self.slot_of(identity) {
            self.transition_at(slot, status, now);
        }
    }

    /// Changes the status of the member in a slot.
    pub(in crate::protocol) fn transition_at(&mut self, slot: usize, status: Status, now: Now) {
        let is_same = |member: &Member| member.status == status && !member.is_unconfirmed();
        // Most claims repeat the status.
        if self.members.member_at(slot).is_none_or(is_same) {
            return;
        }
        let mut before = status;
        self.change_at(slot, |member| {
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
        let Some((identity, member)) = self.members.at(slot) else { return };
        let identity: Arc<str> = identity.into();
        if before.is_online() != status.is_online() {
            self.journal.record(&identity, Some(before), Some(status), now.tick);
        }
        let cause = self.journal.cause.into();
        self.news.record(member.entry(identity), [Some(before), Some(status)], cause, now);
    }

    /// Sets the incarnation of a newer claim. It is higher, unless the held one counted as 0.
    pub(in crate::protocol) fn adopt_incarnation(&mut self, identity: &str, incarnation: Incarnation) {
        self.change(identity, |member| member.incarnation = incarnation);
    }

    /// Sets the incarnation of a newer claim about the member in a slot.
    pub(in crate::protocol) fn adopt_incarnation_at(&mut self, slot: usize, incarnation: Incarnation) {
        self.change_at(slot, |member| member.incarnation = incarnation);
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
        if let Some(slot) = self.slot_of(identity) {
            self.change_at(slot, change);
        }
    }

    #[inline]
    fn change_at(&mut self, slot: usize, change: impl FnOnce(&mut Member)) {
        let Some((name, member)) = self.members.hashed_mut(slot) else { return };
        let before = Standing::of(member);
        member.confirm();
        change(member);
        let after = Standing::of(member);
        if before == after {
            return;
        }
        if before.differs_only_in_incarnation(after) {
            return self.update_incarnation(name, before, after);
        }
        self.update_counts(name, [Some(before), Some(after)]);
        if let Some((identity, _)) = self.members.at(slot) {
            self.ring.follow([before, after].map(Standing::is_on_ring), name, identity);
        }
    }

    /// Updates the counts, the digest and the ring.
    fn update_totals(&mut self, identity: &str, name: u64, change: [Option<Standing>; 2]) {
        self.update_counts(name, change);
        let change = change.map(|standing| standing.is_some_and(Standing::is_on_ring));
        self.ring.follow(change, name, identity);
    }

    /// Updates the digest after most changes: only the incarnation is another one.
    #[inline]
    fn update_incarnation(&mut self, name: u64, before: Standing, after: Standing) {
        self.revision += 1;
        self.member_changes += 1;
        if after.is_in_digest() {
            self.digest.replace(name, [before.incarnation, after.incarnation]);
        }
    }

    /// Updates the counts and the digest.
    fn update_counts(&mut self, name: u64, change: [Option<Standing>; 2]) {
        self.revision += 1;
        self.member_changes += 1;
        let [before, after] = change;
        for (standing, amount) in [(before, -1), (after, 1)] {
            if let Some(standing) = standing {
                self.count(name, standing, amount);
            }
        }
    }

    fn count(&mut self, name: u64, standing: Standing, change: isize) {
        let counter = match standing.status {
            Status::Online => &mut self.online,
            Status::Suspect => {
                self.suspects = self.suspects.saturating_add_signed(change);
                &mut self.online
            }
            Status::Dead => &mut self.dead,
            Status::Left => return,
        };
        *counter = counter.saturating_add_signed(change);
        if standing.is_unconfirmed {
            self.unconfirmed = self.unconfirmed.saturating_add_signed(change);
        }
        if standing.is_in_digest() {
            self.digest.toggle(name, standing.incarnation);
        }
        if standing.is_on_ring() {
            self.natives = self.natives.saturating_add_signed(change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::types::base_url::BaseUrl;
    use crate::protocol::types::time::{Stamp, Tick};

    #[test]
    fn the_cached_slot_is_not_used_after_another_member_moved_into_it() {
        let now = Now { tick: Tick(0), wall: Stamp(1) };
        let mut roster = Roster::new("http://me/", 3, 1);
        let urls = ["http://a/", "http://b/", "http://c/"].map(|url| BaseUrl::parse(url).unwrap());
        for (stamp, url) in urls.iter().enumerate() {
            let member = Member::new(url, Status::Online, false, Stamp(stamp as u64), now);
            roster.insert(Arc::clone(url.identity()), member, now);
        }
        let stamp = |roster: &Roster, url: &BaseUrl| roster.get(url.identity()).map(|member| member.stamp.0);
        let [a, b, c] = &urls;
        assert_eq!(stamp(&roster, a), Some(0));
        roster.remove("http://a/", now);
        assert_eq!([a, b, c].map(|url| stamp(&roster, url)), [None, Some(1), Some(2)]);
        roster.remove("http://c/", now);
        assert_eq!([c, a, b].map(|url| stamp(&roster, url)), [None, None, Some(1)]);
    }
}
