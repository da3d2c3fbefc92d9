//! The receiver: decides whether a signed request is genuine, recent and new.
//!
//! The header alone decides first, so that a forged request is rejected before its body is read and
//! changes nothing. Only a request that passes all checks is recorded.

use std::time::Duration;

use super::keys::{Keyring, Keys};
use super::message::{Answered, Freshness, Header, Party, Route, sign_response};
use super::process::ProcessNumber;
use super::proof::{Nonce, Proof};
use super::replay::{EPOCH, Unacceptable, Windows};
use crate::protocol::time::{Now, Stamp, Tick};

/// Largest difference between the clocks of the sender and the receiver of a request to a group.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_secs(5 * 60);
/// Time after an encounter with a sibling for which a process accepts requests to its group.
const SIBLING_SEEN: Duration = Duration::from_secs(60);
/// Time for which the sequence of a proof is valid for a control or list request.
const PROOF_SEQUENCE: Duration = Duration::from_secs(60);
/// List requests remembered, all of them from holders of a secret. Further ones within the same
/// minute are rejected.
const MAX_LIST_REQUESTS: usize = 10_000;
/// Control requests with one sequence, all of them from holders of the control secret. Further ones
/// within the same millisecond are rejected.
const MAX_CONTROL_REQUESTS: usize = 100;

/// Why a request is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// The header is malformed.
    Malformed,
    /// The key is unknown: the sender has another secret.
    UnknownKey,
    /// The signature is wrong, or meant for another receiver, process or route.
    Signature,
    /// The request is too old, or was made for an earlier process.
    Stale,
    /// The request was received before.
    Replayed,
    /// Too many senders are remembered.
    TooManySenders,
    /// The payload is not the one that was signed.
    Payload,
    /// The request addresses a group, and this process knows of no sibling.
    NoSibling,
}

impl Rejection {
    /// The name of the reason, for counters and audits.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownKey => "key",
            Self::Malformed | Self::Signature => "signature",
            Self::Stale => "stale",
            Self::Replayed => "replayed",
            Self::TooManySenders => "senders",
            Self::Payload => "payload",
            Self::NoSibling => "sibling",
        }
    }
}

/// The state of a server's receiving side.
#[derive(Debug)]
pub struct Receiver {
    base_url: String,
    process: ProcessNumber,
    /// Epochs and sequences of proofs count from here.
    started: Tick,
    windows: Windows,
    list_requests: Vec<ProvenRequest>,
    /// The control requests with the highest sequence. Earlier ones are rejected, so that one that
    /// was held back does not undo a later one.
    control_requests: Vec<ProvenRequest>,
    sibling_seen: Option<Tick>,
    verified: Option<Verified>,
}

/// The header whose signature was verified last. A request is usually checked twice: before and
/// after its body is read.
#[derive(Debug)]
struct Verified {
    route: Route,
    text: String,
    /// Its fields, with an empty URL of the sender.
    fields: Header<'static>,
    /// Where the URL of the sender starts in the text.
    url_from: usize,
}

impl Verified {
    fn new(route: Route, text: &str, header: &Header<'_>) -> Self {
        let url_from = text.len() - header.sender.base_url.len();
        Self { route, text: text.to_owned(), fields: header.with_url(""), url_from }
    }

    /// Returns the fields if this text is the same one for the same route.
    fn header_in<'a>(&self, route: Route, text: &'a str) -> Option<Header<'a>> {
        let is_same = self.route == route && self.text == text;
        is_same.then(|| text.get(self.url_from..).map(|url| self.fields.with_url(url)))?
    }
}

/// A request with the sequence of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ProvenRequest {
    sequence: u64,
    sender: ProcessNumber,
}

impl Receiver {
    /// Creates the receiver of the process behind this normalised URL.
    pub fn new(base_url: &str, process: ProcessNumber, now: Tick) -> Self {
        Self {
            base_url: base_url.to_owned(),
            process,
            started: now,
            windows: Windows::default(),
            list_requests: Vec::new(),
            control_requests: Vec::new(),
            sibling_seen: None,
            verified: None,
        }
    }

    /// This server as one side of a message.
    pub fn party(&self) -> Party<'_> {
        Party { base_url: &self.base_url, process: self.process }
    }

    /// The current epoch.
    pub fn epoch(&self, now: Tick) -> u64 {
        now.since(self.started).as_secs() / EPOCH.as_secs()
    }

    /// Answers a challenge.
    pub fn prove(&self, keys: &Keys, nonce: Nonce, now: Tick) -> String {
        let proof = Proof {
            process: self.process,
            epoch: self.epoch(now),
            sequence: self.proof_sequence(now),
            base_url: self.base_url.clone(),
        };
        proof.print(keys, nonce)
    }

    /// Records who has answered a challenge at the own URL. Returns whether it is a sibling.
    pub fn record_own_url(&mut self, keyring: &Keyring, proof: &str, nonce: Nonce, now: Tick) -> bool {
        let is_sibling = Proof::read(proof, keyring, nonce)
            .is_some_and(|proof| proof.base_url == self.base_url && proof.process != self.process);
        if is_sibling {
            self.record_sibling(now);
        }
        is_sibling
    }

    /// Records that another process behind the same URL was met.
    pub fn record_sibling(&mut self, now: Tick) {
        self.sibling_seen = Some(now);
    }

    /// Whether this process should look for a sibling, given the outcome of a request: the request
    /// addresses a group, and the last encounter with a sibling is old.
    pub fn needs_sibling(&self, outcome: &Result<Header<'_>, Rejection>, now: Tick) -> bool {
        match outcome {
            Ok(header) => {
                matches!(header.freshness, Freshness::Clock(_)) && !self.has_met_sibling_lately(now)
            }
            Err(rejection) => *rejection == Rejection::NoSibling,
        }
    }

    /// Whether the last encounter with a sibling is so recent that no search is due.
    pub fn has_met_sibling_lately(&self, now: Tick) -> bool {
        self.sibling_seen.is_some_and(|at| now.since(at) < SIBLING_SEEN / 2)
    }

    /// Forgets which signature was verified, because the accepted keys have changed.
    pub fn forget_verified(&mut self) {
        self.verified = None;
    }

    /// Checks the header of a signed request. It may still be accepted afterwards.
    ///
    /// # Errors
    /// Returns why the request is rejected.
    pub fn check(
        &mut self,
        keyring: &Keyring,
        route: Route,
        header: &str,
        now: Now,
    ) -> Result<(), Rejection> {
        self.check_header(keyring, route, header, now).map(|_| ())
    }

    /// Accepts a signed request with this payload, and records it. Each request is accepted once.
    ///
    /// # Errors
    /// Returns why the request is rejected. Nothing is recorded then.
    pub fn accept<'a>(
        &mut self,
        keyring: &Keyring,
        route: Route,
        header: &'a str,
        payload: &str,
        now: Now,
    ) -> Result<Header<'a>, Rejection> {
        let header = self.check_header(keyring, route, header, now)?;
        if !header.covers(payload) {
            return Err(Rejection::Payload);
        }
        match route {
            Route::Gossip => {
                self.windows.record(header.sender.process, header.sequence, now.tick)?;
            }
            Route::List => self.record_list_request(&header, now.tick)?,
            Route::Control => self.record_control_request(&header)?,
        }
        if header.sender.base_url == self.base_url && header.sender.process != self.process {
            self.record_sibling(now.tick);
        }
        Ok(header)
    }

    /// Signs the response to an accepted gossip request, under the key of the request. Returns the
    /// value of its `v2` field.
    pub fn sign_response(
        &self,
        keyring: &Keyring,
        header: &Header<'_>,
        payload: &str,
        now: Tick,
    ) -> Option<String> {
        let keys = keyring.find(header.key_id)?;
        let request = Answered { requester: header.sender, sequence: header.sequence, mac: header.mac() };
        Some(sign_response(keys, self.party(), self.epoch(now), &request, payload))
    }

    fn check_header<'a>(
        &mut self,
        keyring: &Keyring,
        route: Route,
        text: &'a str,
        now: Now,
    ) -> Result<Header<'a>, Rejection> {
        let header = self.verify(keyring, route, text)?;
        match (header.freshness, route) {
            (Freshness::Epoch(epoch), _) => self.check_epoch(epoch, now.tick)?,
            (Freshness::Clock(clock), Route::Gossip) => self.check_group(clock, now)?,
            (Freshness::Clock(_), _) => return Err(Rejection::Signature),
        }
        match route {
            Route::Gossip => self.windows.check(header.sender.process, header.sequence, now.tick)?,
            Route::List | Route::Control => self.check_proven_request(route, &header, now.tick)?,
        }
        Ok(header)
    }

    fn verify<'a>(
        &mut self,
        keyring: &Keyring,
        route: Route,
        text: &'a str,
    ) -> Result<Header<'a>, Rejection> {
        let again = self.verified.as_ref().and_then(|last| last.header_in(route, text));
        let header = again.or_else(|| Header::read(text)).ok_or(Rejection::Malformed)?;
        let keys = keyring.find(header.key_id).ok_or(Rejection::UnknownKey)?;
        if again.is_some() {
            return Ok(header);
        }
        if !header.verify(keys, route, self.party()) {
            return Err(Rejection::Signature);
        }
        self.verified = Some(Verified::new(route, text, &header));
        Ok(header)
    }

    fn check_epoch(&self, epoch: u64, now: Tick) -> Result<(), Rejection> {
        let current = self.epoch(now);
        let is_accepted = epoch == current || epoch.checked_add(1) == Some(current);
        if is_accepted { Ok(()) } else { Err(Rejection::Stale) }
    }

    fn check_group(&self, clock: u64, now: Now) -> Result<(), Rejection> {
        let (clock, wall) = (Stamp(clock), now.wall);
        if clock.age(wall).max(wall.age(clock)) > MAX_CLOCK_DIFFERENCE {
            return Err(Rejection::Stale);
        }
        let knows_sibling = self.sibling_seen.is_some_and(|at| now.tick.since(at) < SIBLING_SEEN);
        if knows_sibling { Ok(()) } else { Err(Rejection::NoSibling) }
    }

    /// A number that grows with time, and so shows when it was issued.
    fn proof_sequence(&self, now: Tick) -> u64 {
        u64::try_from(now.since(self.started).as_millis()).unwrap_or(u64::MAX)
    }

    /// The oldest sequence of a proof that is still accepted.
    fn oldest_sequence(&self, now: Tick) -> u64 {
        self.proof_sequence(now).saturating_sub(PROOF_SEQUENCE.as_millis() as u64)
    }

    fn check_proven_request(&self, route: Route, header: &Header<'_>, now: Tick) -> Result<(), Rejection> {
        if !(self.oldest_sequence(now)..=self.proof_sequence(now)).contains(&header.sequence) {
            return Err(Rejection::Stale);
        }
        let request = ProvenRequest::of(header);
        let is_recorded = match route {
            Route::Control => self.control_requests.contains(&request),
            Route::Gossip | Route::List => self.list_requests.contains(&request),
        };
        if is_recorded {
            return Err(Rejection::Replayed);
        }
        let is_overtaken = route == Route::Control
            && self.control_requests.first().is_some_and(|latest| latest.sequence > header.sequence);
        if is_overtaken { Err(Rejection::Stale) } else { Ok(()) }
    }

    fn record_list_request(&mut self, header: &Header<'_>, now: Tick) -> Result<(), Rejection> {
        let oldest = self.oldest_sequence(now);
        self.list_requests.retain(|request| request.sequence >= oldest);
        if self.list_requests.len() >= MAX_LIST_REQUESTS {
            return Err(Rejection::TooManySenders);
        }
        self.list_requests.push(ProvenRequest::of(header));
        Ok(())
    }

    fn record_control_request(&mut self, header: &Header<'_>) -> Result<(), Rejection> {
        self.control_requests.retain(|request| request.sequence >= header.sequence);
        if self.control_requests.len() >= MAX_CONTROL_REQUESTS {
            return Err(Rejection::TooManySenders);
        }
        self.control_requests.push(ProvenRequest::of(header));
        Ok(())
    }
}

impl ProvenRequest {
    fn of(header: &Header<'_>) -> Self {
        Self { sequence: header.sequence, sender: header.sender.process }
    }
}

impl From<Unacceptable> for Rejection {
    fn from(unacceptable: Unacceptable) -> Self {
        match unacceptable {
            Unacceptable::Replayed => Self::Replayed,
            Unacceptable::Full => Self::TooManySenders,
        }
    }
}

#[cfg(test)]
mod tests;
