//! Everything in the machine that grows, with its cap.

use std::sync::Arc;

use crate::protocol::context::effect::MAX_EFFECTS;
use crate::protocol::context::log::MAX_REMEMBERED_LINES;
use crate::protocol::context::output::MAX_EVENTS;
use crate::protocol::exchanges::in_flight::MAX_REQUESTS;
use crate::protocol::exchanges::local_health::ROUND_TRIPS;
use crate::protocol::machine::Machine;
use crate::protocol::members::archive::MAX_ARCHIVED;
use crate::protocol::members::hidden::MAX_HIDDEN;
use crate::protocol::members::isolation::MAX_BURIALS;
use crate::protocol::members::roster::table::index_journal::MAX_CHANGES;
use crate::protocol::merging::newcomers::MAX_SENDERS;
use crate::protocol::merging::outsiders::MAX_OUTSIDERS;
use crate::protocol::native::anti_entropy::MAX_FULL_ROSTERS;
use crate::protocol::native::detection::investigation::MAX_OPEN;
use crate::protocol::native::detection::probe_order::MAX_WAITING;
use crate::protocol::native::detection::relay::MAX_RELAYS;
use crate::protocol::native::detection::unreached::MAX_UNREACHED;
use crate::protocol::native::processes::MAX_PROCESSES;

/// The length of one queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLength {
    /// The kind of its elements.
    pub name: &'static str,
    /// Its current number of elements.
    pub length: usize,
    /// The maximum of `length`.
    pub cap: usize,
}

impl Machine {
    /// Returns the lengths of all queues, lists and maps that grow with the input.
    pub fn queue_lengths(&self) -> Vec<QueueLength> {
        let servers = self.members.roster.capacity();
        let [queued, waiting, refusing, absent] = self.legacy.verification.lengths();
        let [to_be_pushed, deferred_pushes] = self.legacy.push.lengths();
        let [unmet, doubtful] = self.native.detection.strangers.lengths();
        let [relays, askers, deferred] = self.native.detection.relays.lengths();
        let [urgent, disputed] = self.native.detection.probe_order.lengths();
        [
            ("servers", self.members.roster.len(), servers),
            ("archive", self.members.archive.len(), MAX_ARCHIVED),
            ("changed slots", self.members.roster.slot_changes().len(), MAX_CHANGES),
            ("suspicion deadlines", self.members.roster.review_count(), servers),
            ("verifications queued", queued, servers),
            ("verifications waiting", waiting, servers),
            ("reviews of refusals", refusing, servers),
            ("inquiries to absent servers", absent, servers),
            ("senders of new names", self.merging.newcomers.len(), MAX_SENDERS),
            ("outsiders", self.merging.outsiders.len(), MAX_OUTSIDERS),
            ("unconfirmed entries to ask", self.legacy.listings.len(), servers + 2 * MAX_HIDDEN),
            ("hidden servers", self.members.hidden.len(), MAX_HIDDEN),
            ("strangers in batches", unmet, 2 * servers),
            ("doubtful strangers", doubtful, servers),
            ("investigations", self.native.detection.investigations.len(), MAX_OPEN),
            ("relays", relays, MAX_RELAYS),
            ("askers of relays", askers, MAX_RELAYS * MAX_RELAYS),
            ("findings deferred", deferred, MAX_RELAYS),
            ("urgent probes", urgent, MAX_WAITING),
            ("disputed deaths", disputed, MAX_WAITING),
            // This server itself may be the subject of one.
            ("rumours", self.exchanges.rumours.len(), servers + 1),
            ("pushes waiting", to_be_pushed, servers),
            ("pushes deferred", deferred_pushes, servers),
            ("requests in flight", self.exchanges.in_flight.len(), MAX_REQUESTS),
            // Beside the exchanges: those with the master list, and the order to abandon all.
            ("requests to be sent", self.cx.transmits.len(), MAX_REQUESTS + 3),
            // The events that end a start and a leave are never dropped.
            ("events", self.cx.events.len(), MAX_EVENTS + 2),
            ("effects", self.cx.effects.len(), MAX_EFFECTS),
            ("failures logged", self.cx.log.failure_count(), MAX_REMEMBERED_LINES),
            ("newcomers with closed ports", self.native.detection.unreached.len(), MAX_UNREACHED),
            ("process numbers seen", self.native.processes.len(), MAX_PROCESSES),
            ("burials", self.members.isolation.burial_count(), MAX_BURIALS),
            ("round trips", self.exchanges.health.round_trip_count(), ROUND_TRIPS),
            ("rosters handed out", self.native.anti_entropy.handed_out_count(), MAX_FULL_ROSTERS),
        ]
        .map(|(name, length, cap)| QueueLength { name, length, cap })
        .to_vec()
    }

    /// Returns the number of requests in flight to legacy peers, except to servers that no server
    /// has met.
    pub fn requests_to_legacy_peers(&self) -> usize {
        self.exchanges.requests_to_legacy_peers(&self.members)
    }

    /// Returns the number of requests in flight to servers that no server has met.
    pub fn requests_to_unmet(&self) -> usize {
        self.exchanges.requests_to_unmet(&self.members)
    }

    /// Removes a forgotten member from all queues.
    pub(in crate::protocol::machine) fn forget_in_queues(&mut self, identity: &Arc<str>) {
        self.legacy.verification.forget(&self.members.roster, identity);
        self.legacy.listings.forget(identity);
        self.native.forget(&self.members.roster, identity);
        self.exchanges.rumours.forget(self.members.roster.key_of(identity));
        self.legacy.push.forget(identity);
    }
}
