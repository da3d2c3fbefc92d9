//! The truth about messages and proofs, which no server sees, and the checks against it.
//!
//! It records every genuine message when it is signed. Each merge must be one of them: unchanged,
//! at its receiver, in time, and once. It also records who has proved the secret to whom, and so
//! finds a raw secret that should not have been sent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::node::secret_text;
use crate::protocol::config::LegacyPolicy;
use crate::protocol::time::{Now, Stamp};
use crate::security::message::{Freshness, Header};
use crate::security::proof::Nonce;
use crate::security::replay::EPOCH;
use crate::sim::checks::Violation;
use crate::sim::clock::Millis;
use crate::sim::wire::{HostId, ProcessId};

/// Largest difference of clocks in a message to a group.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_secs(5 * 60);
/// Time after a sibling's end for which a message to the group may be accepted: 60 s after the
/// latest encounter, and the way of its proof.
const SIBLING_MEMORY: Millis = 70_000;

/// Longest time that a delivery takes.
const DELIVERY: Millis = 6_000;

/// The records, and the violations found.
#[derive(Debug, Default)]
pub struct Ledger {
    requests: BTreeMap<String, Request>,
    responses: BTreeMap<String, Response>,
    proofs: BTreeMap<String, (Arc<str>, String)>,
    /// What each process has heard from each URL.
    contacts: BTreeMap<(ProcessId, Arc<str>), Contact>,
    /// The URLs that each process has found on the master list, and when a newer list lacked them.
    known: BTreeMap<ProcessId, BTreeMap<Arc<str>, Option<Millis>>>,
    lives: Vec<Life>,
    /// Counts of what has happened.
    pub counts: Counts,
    /// The violations found.
    pub violations: Vec<Violation>,
}

/// What has happened in a run. A run in which little happens proves little.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Merged signed requests.
    pub requests: u64,
    /// Those of them that were addressed to a group.
    pub group_requests: u64,
    /// Merged responses.
    pub responses: u64,
    /// Accepted proofs.
    pub proofs: u64,
    /// Rejected signed requests.
    pub rejections: u64,
    /// Messages with the raw secret.
    pub raw: u64,
    /// Those of them that went to a URL that had proved the secret.
    pub raw_again: u64,
    /// Deliveries that withheld the message.
    pub withheld: u64,
    /// Messages with the raw secret that were rejected.
    pub raw_rejections: u64,
}

#[derive(Debug)]
struct Request {
    payload: String,
    to: Arc<str>,
    at: Millis,
    merged_by: Vec<ProcessId>,
}

#[derive(Debug)]
struct Response {
    request: String,
    from: Arc<str>,
    is_merged: bool,
}

/// What a process has heard from a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Contact {
    has_proved: bool,
    rejections: Rejections,
}

/// The rejections of signed messages by something before the routes, since the last accepted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Rejections {
    #[default]
    None,
    One,
    OneThenProof,
    Two,
}

#[derive(Debug)]
struct Life {
    process: ProcessId,
    host: HostId,
    began: Millis,
    ended: Option<Millis>,
}

impl Ledger {
    pub(in crate::sim) fn record_start(&mut self, process: ProcessId, host: HostId, at: Millis) {
        self.lives.push(Life { process, host, began: at, ended: None });
    }

    pub(in crate::sim) fn record_end(&mut self, process: ProcessId, at: Millis) {
        self.lives.iter_mut().filter(|life| life.process == process).for_each(|life| life.ended = Some(at));
    }

    pub(in crate::sim) fn record_known(
        &mut self,
        at: Millis,
        process: ProcessId,
        urls: impl Iterator<Item = Arc<str>>,
    ) {
        let known = self.known.entry(process).or_default();
        known.values_mut().for_each(|until| *until = Some(until.unwrap_or(at)));
        known.extend(urls.map(|url| (url, None)));
    }

    pub(in crate::sim) fn record_request(&mut self, header: &str, payload: &str, to: &Arc<str>, at: Millis) {
        let to = Arc::clone(to);
        let request = Request { payload: payload.to_owned(), to, at, merged_by: Vec::new() };
        if self.requests.insert(header.to_owned(), request).is_some() {
            self.report(at, "Unique", format!("two requests have the header {header}"));
        }
    }

    pub(in crate::sim) fn record_response(&mut self, text: &str, request: &str, from: &Arc<str>) {
        let (request, from) = (request.to_owned(), Arc::clone(from));
        self.responses.insert(text.to_owned(), Response { request, from, is_merged: false });
    }

    pub(in crate::sim) fn record_proof(&mut self, proof: &str, nonce: Nonce, from: &Arc<str>) {
        self.proofs.insert(proof.to_owned(), (Arc::clone(from), nonce.print()));
    }

    /// Whether a server at this URL has made the proof for this nonce.
    pub(in crate::sim) fn is_genuine(&self, proof: &str, nonce: Nonce, base_url: &str) -> bool {
        self.proofs.get(proof).is_some_and(|(from, of)| &**from == base_url && *of == nonce.print())
    }

    /// Records that a process has accepted a proof of this URL.
    pub(in crate::sim) fn record_accepted_proof(
        &mut self,
        at: Millis,
        process: ProcessId,
        base_url: &str,
        proof: &str,
        nonce: Nonce,
    ) {
        self.counts.proofs += 1;
        if !self.is_genuine(proof, nonce, base_url) {
            self.report(at, "GenuineProof", format!("{process:?} accepts {proof} as a proof of {base_url}"));
        }
        let contact = self.contacts.entry((process, Arc::from(base_url))).or_default();
        contact.has_proved = true;
        if contact.rejections == Rejections::One {
            contact.rejections = Rejections::OneThenProof;
        }
    }

    /// Records that something else than this package's code has answered a signed message.
    pub(in crate::sim) fn record_foreign_answer(&mut self, process: ProcessId, base_url: &str) {
        let contact = self.contacts.entry((process, Arc::from(base_url))).or_default();
        contact.rejections = match contact.rejections {
            Rejections::None | Rejections::One => Rejections::One,
            Rejections::OneThenProof | Rejections::Two => Rejections::Two,
        };
    }

    /// Checks a signed request that a process merges.
    pub(in crate::sim) fn check_request(
        &mut self,
        header: &str,
        payload: &str,
        receiver: (ProcessId, &str),
        time: Millis,
        now: Now,
    ) {
        let (process, base_url) = receiver;
        self.counts.requests += 1;
        let freshness = Header::read(header).map(|header| header.freshness);
        let group_clock = match freshness {
            Some(Freshness::Clock(clock)) => Some(Stamp(clock)),
            _ => None,
        };
        self.counts.group_requests += u64::from(group_clock.is_some());
        let has_sibling = self.has_sibling(process, time);
        let Some(request) = self.requests.get_mut(header) else {
            return self.report(time, "Forged", format!("{base_url} merges {header}"));
        };
        let age = Duration::from_millis(time.saturating_sub(request.at));
        let is_repeated =
            request.merged_by.contains(&process) || (group_clock.is_none() && !request.merged_by.is_empty());
        let is_late = match group_clock {
            Some(clock) => clock.age(now.wall).max(now.wall.age(clock)) > MAX_CLOCK_DIFFERENCE,
            None => age > 2 * EPOCH,
        };
        let found = [
            (request.payload != payload, "Changed"),
            (&*request.to != base_url, "Redirected"),
            (is_repeated, "Repeated"),
            (is_late, "Late"),
            (group_clock.is_some() && !has_sibling, "GroupOfOne"),
        ];
        request.merged_by.push(process);
        let finding = format!("{base_url} merges {header}, {} s old", age.as_secs());
        for (_, invariant) in found.into_iter().filter(|(is_found, _)| *is_found) {
            self.report(time, invariant, finding.clone());
        }
    }

    /// Checks the response that a process merges.
    pub(in crate::sim) fn check_response(
        &mut self,
        at: Millis,
        process: ProcessId,
        text: &str,
        request: &str,
        base_url: &str,
    ) {
        self.counts.responses += 1;
        let contact = Contact { has_proved: true, rejections: Rejections::None };
        self.contacts.insert((process, Arc::from(base_url)), contact);
        let fault = match self.responses.get_mut(text) {
            None => Some("Forged"),
            Some(response) if response.request != request => Some("Reflected"),
            Some(response) if &*response.from != base_url => Some("Redirected"),
            Some(response) => std::mem::replace(&mut response.is_merged, true).then_some("Repeated"),
        };
        if let Some(invariant) = fault {
            self.report(at, invariant, format!("{process:?} merges the response {text} of {base_url}"));
        }
    }

    /// Checks a message with the raw secret before it is sent.
    pub(in crate::sim) fn check_raw(
        &mut self,
        at: Millis,
        process: ProcessId,
        base_url: &str,
        policy: LegacyPolicy,
    ) {
        self.counts.raw += 1;
        let contact = self.contacts.get(&(process, Arc::from(base_url))).copied().unwrap_or_default();
        self.counts.raw_again += u64::from(contact.has_proved);
        let known = self.known.get(&process).and_then(|known| known.get(base_url));
        // A delivery knows the list of its begin.
        let is_known = known.is_some_and(|until| until.is_none_or(|until| at < until + DELIVERY));
        let is_allowed = match policy {
            LegacyPolicy::Allow => !contact.has_proved || contact.rejections == Rejections::Two,
            LegacyPolicy::Known => is_known && !contact.has_proved,
            LegacyPolicy::Off => false,
        };
        if !is_allowed {
            let finding = format!("{process:?} sends it to {base_url}, known: {is_known}, {contact:?}");
            self.report(at, "RawSecret", finding);
        }
    }

    /// Checks that the raw secret of a merged message is still accepted.
    pub(in crate::sim) fn check_secret(
        &mut self,
        at: Millis,
        process: ProcessId,
        text: &str,
        retired: &[u8],
    ) {
        if retired.iter().any(|secret| secret_text(*secret) == text) {
            self.report(at, "RetiredSecret", format!("{process:?} accepts {text}"));
        }
    }

    /// Whether another process has shared its URL lately.
    fn has_sibling(&self, process: ProcessId, now: Millis) -> bool {
        let Some(own) = self.lives.iter().find(|life| life.process == process) else { return false };
        self.lives.iter().any(|life| {
            let is_other = life.process != process && life.host == own.host;
            let ended = life.ended.unwrap_or(now);
            is_other && ended >= own.began && ended + SIBLING_MEMORY >= now
        })
    }

    pub(in crate::sim) fn report(&mut self, at: Millis, invariant: &'static str, finding: String) {
        self.violations.push(Violation { at, invariant, finding });
    }
}
