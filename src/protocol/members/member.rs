//! What this server knows about one other server.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::members::member::check::{Check, UntriedCheck};
use crate::protocol::members::member::proof::{Facts, Verdict};
use crate::protocol::members::member::unproved_answers::UnprovedAnswers;
use crate::protocol::types::accusers::Accusers;
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::status::Status;
use crate::protocol::types::text::shared::SharedText;
use crate::protocol::types::time::{Incarnation, Moment, Now, Stamp, Tick};
use crate::protocol::types::version::Version;
use crate::protocol::wire::message::Entry;

mod access;
pub(in crate::protocol) mod check;
pub(in crate::protocol) mod proof;
pub(in crate::protocol) mod standing;
pub(in crate::protocol) mod suspicion;
pub(in crate::protocol) mod unproved_answers;

/// Time in which hearsay does not overturn what this server itself has found.
pub(in crate::protocol) const FIRST_HAND_TIME: Duration = Duration::from_secs(60);

/// The wire format that a server was last found to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Wire {
    /// No exchange has shown it yet.
    Unknown,
    /// It sent the native extension.
    Native,
    /// It ignored the native extension.
    Legacy,
}

/// What this server knows about one other server.
///
/// Kept to 40 bytes, as there may be 100,000; rarely used fields live in `Rare`.
#[derive(Debug, Clone)]
pub(in crate::protocol) struct Member {
    rare: Option<Box<Rare>>,
    /// The version shown.
    pub(super) stamp: Stamp,
    /// The version among native servers; `NONE` for a legacy peer. Only the roster changes it.
    pub(super) incarnation: Incarnation,
    verdict_at: Moment,
    /// When the last newer claim came, or the server was added.
    pub(super) refreshed_at: Moment,
    /// When its status changed here, or another process of it appeared.
    pub(super) changed_at: Moment,
    /// Only the roster changes it, because it keeps counts.
    pub(super) status: Status,
    /// Only the roster changes it.
    pub(super) wire: Wire,
    pub(super) monitor: bool,
    facts: Facts,
    untried_check: UntriedCheck,
}

/// Fields that few members need.
#[derive(Debug, Clone, Default, PartialEq)]
struct Rare {
    /// The highest stamp ever seen in a claim, if it is higher than the one shown; otherwise 0.
    highest_seen: Stamp,
    rarer: Option<Box<Rarer>>,
}

/// Fields that even fewer members need.
#[derive(Debug, Clone, Default, PartialEq)]
struct Rarer {
    /// The server's own spelling of its URL; until it has spoken, the first one seen. `None` if
    /// that is the normalised form.
    spelling: Option<Arc<str>>,
    check: Option<Check>,
    /// Replies to requests up to this one do not settle the latest hearsay.
    disputed_after: u32,
    /// How often its page size was halved because it rejected pages as too large.
    page_halvings: u8,
    /// Until when the native extension is not offered to it.
    extension_ignored_until: Tick,
    /// Until when it is not contacted, as it requested.
    left_alone_until: Tick,
    /// Its answers that prove nothing.
    unproved_answers: UnprovedAnswers,
}

impl Member {
    pub(in crate::protocol) fn new(
        url: &BaseUrl,
        status: Status,
        monitor: bool,
        stamp: Stamp,
        now: Now,
    ) -> Self {
        let mut member = Self {
            rare: None,
            stamp,
            incarnation: Incarnation::NONE,
            verdict_at: Moment::default(),
            refreshed_at: now.tick.into(),
            changed_at: now.tick.into(),
            status,
            wire: Wire::Unknown,
            monitor,
            facts: Facts::default(),
            untried_check: UntriedCheck::default(),
        };
        member.set_spelling(url.identity(), url.spelling());
        member
    }

    /// The spelling of its URL that is shown.
    #[inline]
    pub(in crate::protocol) fn spelling<'a>(&'a self, identity: &'a str) -> &'a str {
        self.own_spelling().map_or(identity, |spelling| spelling)
    }

    /// The spelling that is shown, unless it is the identity.
    #[inline]
    pub(in crate::protocol) fn own_spelling(&self) -> Option<&Arc<str>> {
        self.rarer()?.spelling.as_ref()
    }

    /// The spelling that is shown, to be kept.
    #[inline]
    pub(in crate::protocol) fn base_url(&self, identity: impl Into<Arc<str>>) -> Arc<str> {
        self.own_spelling().map_or_else(|| identity.into(), Arc::clone)
    }

    /// Sets the spelling that is shown.
    pub(in crate::protocol) fn set_spelling(&mut self, identity: &str, spelling: &Arc<str>) {
        if **spelling != *identity {
            self.rarer_or_insert().spelling = Some(Arc::clone(spelling));
        } else if let Some(rarer) = self.rarer_mut() {
            rarer.spelling = None;
        }
    }

    #[inline]
    pub(in crate::protocol) fn entry(&self, identity: impl Into<SharedText>) -> Entry {
        let own = self.own_spelling().map(|spelling| Arc::clone(spelling).into());
        let base_url = own.unwrap_or_else(|| identity.into());
        Entry { base_url, monitor: self.monitor, last_update: self.stamp }
    }

    /// What is held about it, as a claim for native servers.
    pub(super) fn claim(&self, identity: impl Into<Arc<str>>, accusers: Accusers, now: Now) -> Claim {
        let age = if self.is_online() { 0 } else { self.changed_at.age(now.tick).as_secs() };
        let Version { incarnation, status, last_update, monitor, accusers } = self.version(accusers);
        let age = u32::try_from(age).unwrap_or(u32::MAX);
        Claim { base_url: self.base_url(identity), status, incarnation, last_update, monitor, age, accusers }
    }

    #[inline]
    pub(in crate::protocol) fn version(&self, accusers: Accusers) -> Version {
        Version {
            incarnation: self.incarnation,
            status: self.status,
            last_update: self.stamp,
            monitor: self.monitor,
            accusers,
        }
    }

    /// Whether any claim has ever shown it to be a native server.
    #[inline]
    pub(in crate::protocol) fn is_native(&self) -> bool {
        self.incarnation != Incarnation::NONE
    }

    /// Whether it ignored the native extension so recently that it is not offered again.
    pub(in crate::protocol) fn ignores_extension(&self, now: Tick) -> bool {
        self.wire == Wire::Legacy && self.rarer().is_some_and(|rarer| now < rarer.extension_ignored_until)
    }

    pub(in crate::protocol) fn skip_extension_until(&mut self, until: Tick) {
        self.rarer_or_insert().extension_ignored_until = until;
    }

    /// Whether it has requested not to be contacted for now.
    pub(in crate::protocol) fn is_left_alone(&self, now: Tick) -> bool {
        self.rarer().is_some_and(|rarer| now < rarer.left_alone_until)
    }

    pub(in crate::protocol) fn leave_alone_until(&mut self, until: Tick) {
        self.rarer_or_insert().left_alone_until = until;
    }

    /// Whether it is contacted as a legacy peer: it never used the native extension, or last
    /// ignored it.
    pub(in crate::protocol) fn is_contacted_as_legacy(&self) -> bool {
        match self.wire {
            Wire::Native => false,
            Wire::Unknown => !self.is_native(),
            Wire::Legacy => true,
        }
    }

    #[inline]
    pub(in crate::protocol) fn is_online(&self) -> bool {
        self.status.is_online()
    }

    /// Whether this server itself reached this verdict so recently that it verifies hearsay against
    /// it first.
    pub(in crate::protocol) fn is_first_hand(&self, verdict: Verdict, now: Now) -> bool {
        self.facts.has(verdict.fact()) && self.verdict_at.age(now.tick) < FIRST_HAND_TIME
    }

    /// Records what this server itself has found about the member.
    pub(in crate::protocol) fn record_verdict(&mut self, verdict: Verdict, now: Now) {
        self.facts.set(Facts::FOUND_ALIVE, verdict == Verdict::Alive);
        self.facts.set(Facts::FOUND_DEAD, verdict == Verdict::Dead);
        self.verdict_at = now.tick.into();
    }

    /// Whether it has answered since it came online here.
    pub(in crate::protocol) fn has_answered(&self) -> bool {
        self.facts.has(Facts::ANSWERED)
    }

    /// Records that it has answered since it came online here.
    pub(in crate::protocol) fn record_answered(&mut self) {
        self.facts.set(Facts::ANSWERED, true);
    }

    /// Records that it has not answered since it came online here.
    pub(in crate::protocol) fn clear_answered(&mut self) {
        self.facts.set(Facts::ANSWERED, false);
    }

    /// Records that hearsay contradicts its status. The reply to the last request in flight to it,
    /// if any, does not settle that, since it may predate the news.
    pub(in crate::protocol) fn dispute(&mut self, last_asked: Option<ExchangeId>) {
        // Most have no request in flight. A message may name thousands, whose rare fields would be
        // kept.
        if let Some(asked) = last_asked {
            self.rarer_or_insert().disputed_after = u32::try_from(asked.0).unwrap_or(u32::MAX);
        }
    }

    /// Whether this request was sent too early to settle the latest hearsay.
    pub(in crate::protocol) fn is_disputed_since(&self, asked: ExchangeId) -> bool {
        self.rarer().is_some_and(|rarer| asked.0 <= u64::from(rarer.disputed_after))
    }

    /// Changes the stamp shown.
    #[inline]
    pub(in crate::protocol) fn restamp(&mut self, stamp: Stamp) {
        let shown = std::mem::replace(&mut self.stamp, stamp);
        if shown > stamp || self.rare.as_ref().is_some_and(|rare| rare.highest_seen != Stamp::default()) {
            self.keep_highest_seen(shown);
        }
    }

    #[cold]
    fn keep_highest_seen(&mut self, shown: Stamp) {
        let stamp = self.stamp;
        let rare = self.rare_or_insert();
        let highest = if rare.highest_seen == Stamp::default() { shown } else { rare.highest_seen };
        rare.highest_seen = if highest > stamp { highest } else { Stamp::default() };
        self.drop_empty_rare();
    }

    /// Adopts the stamp of a newer claim.
    #[inline]
    pub(in crate::protocol) fn renew(&mut self, stamp: Stamp, now: Now) {
        self.restamp(stamp);
        self.refreshed_at = now.tick.into();
    }

    /// The highest stamp ever seen in any claim, ignored ones included. It never falls.
    #[inline]
    pub(in crate::protocol) fn highest_seen(&self) -> Stamp {
        self.rare.as_ref().map_or(self.stamp, |rare| rare.highest_seen.max(self.stamp))
    }

    /// Records the stamp of a claim that is not shown.
    #[inline]
    pub(in crate::protocol) fn record_stamp(&mut self, stamp: Stamp) {
        if stamp > self.stamp && stamp > self.highest_seen() {
            self.rare_or_insert().highest_seen = stamp;
        }
    }

    /// A stamp for a tombstone that beats every claim seen, even one from a fast clock.
    pub(in crate::protocol) fn tombstone_stamp(&self, now: Stamp) -> Stamp {
        now.max(self.highest_seen().next())
    }

    /// Its answers that prove nothing, if it has rare fields.
    pub(in crate::protocol) fn unproved_answers(&self) -> Option<&UnprovedAnswers> {
        self.rarer().map(|rarer| &rarer.unproved_answers)
    }

    pub(in crate::protocol) fn unproved_answers_mut(&mut self) -> Option<&mut UnprovedAnswers> {
        self.rarer_mut().map(|rarer| &mut rarer.unproved_answers)
    }

    pub(in crate::protocol) fn unproved_answers_or_insert(&mut self) -> &mut UnprovedAnswers {
        &mut self.rarer_or_insert().unproved_answers
    }

    pub(in crate::protocol) fn page_halvings(&self) -> u8 {
        self.rarer().map_or(0, |rarer| rarer.page_halvings)
    }

    pub(in crate::protocol) fn halve_pages(&mut self, at_most: u8) {
        let rarer = self.rarer_or_insert();
        rarer.page_halvings = (rarer.page_halvings + 1).min(at_most);
    }

    // Otherwise, thousands of members would keep their rare fields after a partition.
    pub(in crate::protocol) fn drop_empty_rare(&mut self) {
        let Some(rare) = &mut self.rare else { return };
        rare.rarer.take_if(|rarer| **rarer == Rarer::default());
        self.rare.take_if(|rare| **rare == Rare::default());
    }

    fn rarer(&self) -> Option<&Rarer> {
        self.rare.as_ref()?.rarer.as_deref()
    }

    fn rarer_mut(&mut self) -> Option<&mut Rarer> {
        self.rare.as_mut()?.rarer.as_deref_mut()
    }

    fn rarer_or_insert(&mut self) -> &mut Rarer {
        self.rare_or_insert().rarer.get_or_insert_default()
    }

    fn rare_or_insert(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_small() {
        assert!(size_of::<Member>() <= 40, "{}", size_of::<Member>());
        assert!(size_of::<Rare>() <= 16, "{}", size_of::<Rare>());
    }
}
