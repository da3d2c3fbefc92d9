//! Requests of other servers, and the answers to them.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::exchanges::native_message::accusation_notice;
use crate::protocol::machine::Machine;
use crate::protocol::members::member::proof::Proof;
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::merging::native::MergeOutcome;
use crate::protocol::merging::newcomers::Sender;
use crate::protocol::merging::outsiders::Direction;
use crate::protocol::native::peers::{archived_objection, log_malformed};
use crate::protocol::types::claim::Claim;
use crate::protocol::types::ids::{Origin, Source};
use crate::protocol::types::limits::MAX_EVENT_LOOP_LAG;
use crate::protocol::types::time::Now;
use crate::protocol::wire::extension::{Extension, Kind};
use crate::protocol::wire::message::ReceivedLists;

impl Machine {
    /// Handles a gossip request: refreshes its own stamp and merges. [`Machine::lists`] then
    /// returns the answer.
    pub fn handle_request(&mut self, now: Now, lists: &ReceivedLists<'_>) {
        self.begin_request(now);
        self.exchanges.received.plain += 1;
        self.expect_entries(lists.len());
        self.record_request(now);
        self.merge_lists(now, Source::Request, lists);
    }

    /// Whether all but `limit` of the entries name servers that this one knows by this URL.
    pub fn knows_all_but(&self, limit: usize, lists: &ReceivedLists<'_>) -> bool {
        let entries = lists.online.iter().chain(&lists.offline);
        let unknown = entries.filter(|entry| self.members.roster.slot_of(&entry.base_url).is_none());
        unknown.take(limit + 1).count() <= limit
    }

    /// Begins to handle a request.
    pub(in crate::protocol::machine) fn begin_request(&mut self, now: Now) {
        self.check_clock(now);
        self.members.local.refresh(now);
    }

    /// Handles a gossip request with the native extension, and returns that of the answer. The
    /// extension has all relevant content.
    pub fn handle_native_request(&mut self, now: Now, received: &Extension) -> Extension {
        self.begin_request(now);
        self.exchanges.received.native += 1;
        if received.instance == self.exchanges.instance {
            // This server has reached itself, by another URL or through a load balancer.
            return self.exchanges.extension(&self.members, Kind::Push, Vec::new());
        }
        self.record_request(now);
        let is_sibling = self.record_process(received);
        log_malformed(&mut self.cx, received);
        self.expect_entries(received.claims.len());
        self.merging.newcomers.set_sender(Sender::Claimed(Arc::clone(&received.me.base_url)));
        // Claims come first: if the sender's own claim is news, it counts among the fresh ones.
        let held = self.incarnation_of_sender(&received.me.base_url);
        let MergeOutcome { fresh, mut objections } =
            self.merge_native_claims(&received.claims, Origin::Rumour, now);
        self.admit_native(&received.me.base_url, Direction::Request, now);
        self.merging.newcomers.set_sender(Sender::Itself);
        let sender = self.merge_sender_claim(received, held, Cause::SelfReported, now);
        objections.extend(match &sender {
            Some(sender) => {
                self.handle_sender(sender, received, now);
                accusation_notice(&self.members, sender, Some(received.me.incarnation), now)
            }
            None => archived_objection(&self.members, &self.cx, &received.me, now),
        });
        let mut answer = self.answer_natively(received, sender.as_deref(), objections, now);
        answer.fresh = fresh;
        answer.clock = received.me.incarnation.is_far_ahead(now).then_some(now.wall);
        answer.siblings =
            sender.is_some_and(|sender| self.native.processes.record(&sender, received.instance));
        if is_sibling {
            // Only a sibling asks whether this process continues.
            answer.me = self.members.local.claim();
        }
        self.schedule_verification(now.tick);
        answer
    }

    /// The message to a server of which nothing is known but that it speaks the native extension.
    pub fn greeting(&self) -> Extension {
        self.exchanges.extension(&self.members, Kind::Push, Vec::new())
    }

    /// Returns the answer to a native request whose content is not read.
    pub fn answer_unread(&mut self) -> Extension {
        self.exchanges.received.native += 1;
        self.greeting()
    }

    /// The number of this process, by which others distinguish it from its siblings.
    pub fn process_number(&self) -> u64 {
        self.exchanges.instance
    }

    /// Handles the parts of a request other than its claims.
    fn handle_sender(&mut self, sender: &Arc<str>, received: &Extension, now: Now) {
        if Duration::from_millis(received.lag.into()) > MAX_EVENT_LOOP_LAG {
            self.native.detection.investigations.close(sender);
        }
        self.members.prove(sender, Proof::Exchange);
        self.native.detection.unreached.record_message(sender, now.tick);
        match &received.kind {
            Kind::Probe => {
                self.native.detection.probe_order.record_probe(&self.members, &self.cx, sender, now.tick);
            }
            Kind::ProbeFor(target) => self.relay_probe(sender, target, now),
            _ => {}
        }
        if let Some((target, finding)) = &received.found {
            self.handle_finding(sender, target, *finding, now);
        }
    }

    /// Returns the answer: objections, then what the sender requests, or else news.
    fn answer_natively(
        &mut self,
        received: &Extension,
        sender: Option<&str>,
        mut claims: Vec<Claim>,
        now: Now,
    ) -> Extension {
        let Self { native, members, exchanges, cx, .. } = self;
        if let Kind::Sync(theirs) = &received.kind {
            return native.answer_sync(members, exchanges, cx, theirs.as_deref(), claims, now);
        }
        claims.extend(exchanges.rumours.claims_for_sender(members, sender, now));
        exchanges.extension(members, Kind::Push, claims)
    }
}
