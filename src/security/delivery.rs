//! The delivery of one message: which requests it takes, in which order.
//!
//! ```text
//! known process ────────────────────────────────▶ signed message
//! first contact ──▶ challenge ──▶ proof ────────▶ signed message
//!                       │ silence, or no success
//!                       ▼
//!                  list request without a header
//!                       │ no proof
//!                       ▼
//!                  the raw secret, or nothing: `SHAZBOT_LEGACY`
//! ```
//!
//! A signed message that is rejected leads back to a challenge, since the peer may have restarted.
//! The caller sends what [`Delivery::next`] says, and reports the outcome.

use std::time::Duration;

use super::keys::{Keyring, Keys};
use super::message::{Address, Answered, Response, SignedRequest, read_response};
use super::process::ProcessNumber;
use super::proof::{Nonce, Proof};
use super::sessions::{Basis, Permission, RejectedBy, Sessions};
use crate::protocol::time::{Now, Tick};

/// Longest wait for the answer to a challenge. Gateways reject or drop unknown headers, and the
/// message itself must still be sent in time.
pub const CHALLENGE_TIMEOUT: Duration = Duration::from_secs(1);
/// Rejections of one message, after which its delivery ends: once for a restarted peer, once for a
/// sibling of the process that has proved the secret.
const MAX_REJECTIONS: u8 = 2;

/// The content of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A gossip message.
    Gossip,
    /// A request to the own URL that shows which process answers there. A challenge suffices.
    OwnUrl,
    /// A request for the peer's list, which holds no secret.
    List,
}

/// The next request of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A list request with this challenge, for at most [`CHALLENGE_TIMEOUT`].
    Challenge(Nonce),
    /// A list request without a header, for at most [`CHALLENGE_TIMEOUT`] if a message follows.
    List,
    /// The message, signed for this address.
    Signed(Address),
    /// The message with the raw secret, and this nonce in its extension.
    Raw(Nonce),
    /// None: this process has answered at the own URL.
    Answered(ProcessNumber),
    /// None: the peer has not proved the secret, and may not be sent it.
    Withhold,
}

/// The answer to a list request, with or without a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListAnswer<'a> {
    /// A success, with the proof in its body, if any.
    Success(Option<&'a str>),
    /// No answer, or no success.
    Failure,
}

/// What follows an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The delivery has ended with this answer.
    Deliver,
    /// The delivery goes on with [`Delivery::next`].
    Continue,
}

/// The state of one delivery.
#[derive(Debug)]
pub struct Delivery {
    base_url: String,
    content: Content,
    /// Whether the operator has named this URL: it is on the master list or the allow list.
    is_known: bool,
    progress: Progress,
    /// The process that has proved the secret in this delivery.
    proved: Option<ProcessNumber>,
    /// The basis of the latest signed message.
    basis: Basis,
    rejections: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Begin,
    Challenged(Nonce),
    /// The challenge was not answered with a success.
    Unanswered,
    /// The peer was asked without a header.
    AskedPlainly,
    /// The peer has answered without a proof.
    Unproved,
}

impl Delivery {
    /// Begins the delivery of a message to this normalised URL.
    pub fn new(base_url: &str, content: Content, is_known: bool) -> Self {
        Self {
            base_url: base_url.to_owned(),
            content,
            is_known,
            progress: Progress::Begin,
            proved: None,
            basis: Basis::Earlier,
            rejections: 0,
        }
    }

    /// The URL of the receiver.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The process that has proved the secret in this delivery, since the latest rejection.
    pub fn proved(&self) -> Option<ProcessNumber> {
        self.proved
    }

    /// Whether the message is withheld, not just late, after a list without a proof. Unless raw
    /// secrets are accepted, a server is excluded only if it answers a challenge without a proof.
    pub fn is_withheld(&self, accepts_raw: bool) -> bool {
        accepts_raw || self.progress == Progress::Unproved
    }

    /// Returns the next request. The nonce is used if the request needs one.
    pub fn next(&mut self, sessions: &mut Sessions, nonce: Nonce, now: Now) -> Step {
        // A request of the peer may have shown its process since the last step.
        let permission = match self.content {
            Content::Gossip => sessions.permission(&self.base_url, self.is_known, now),
            Content::OwnUrl | Content::List => Permission::Nothing,
        };
        if let Permission::Signed(address) = permission {
            self.basis = match (address, self.proved) {
                (Address::Group(_), _) => Basis::Group,
                (Address::Process(..), Some(_)) => Basis::NewProof,
                (Address::Process(..), None) => Basis::Earlier,
            };
            return Step::Signed(address);
        }
        match (self.progress, self.content) {
            (Progress::Begin, Content::List) => self.challenge(nonce),
            (Progress::Begin, Content::OwnUrl) => match self.proved {
                Some(process) => Step::Answered(process),
                None => self.challenge(nonce),
            },
            (Progress::Begin, Content::Gossip) if permission == Permission::Raw => Step::Raw(nonce),
            (Progress::Begin, Content::Gossip) => self.challenge(nonce),
            (Progress::Unanswered, _) => {
                self.progress = Progress::AskedPlainly;
                Step::List
            }
            _ => match sessions.unproved_permission(&self.base_url, self.is_known) {
                Permission::Raw => Step::Raw(nonce),
                _ => Step::Withhold,
            },
        }
    }

    fn challenge(&mut self, nonce: Nonce) -> Step {
        self.progress = Progress::Challenged(nonce);
        Step::Challenge(nonce)
    }

    /// Records the answer to a list request.
    pub fn record_list(
        &mut self,
        sessions: &mut Sessions,
        keyring: &Keyring,
        answer: ListAnswer<'_>,
        now: Tick,
    ) -> Next {
        let next = match self.content {
            Content::List => Next::Deliver,
            Content::Gossip | Content::OwnUrl => Next::Continue,
        };
        // Without a proof, a list is worth something only if servers of version 1 may take part.
        let next_unproved = if sessions.accepts_unproved_lists() { next } else { Next::Continue };
        match (self.progress, answer) {
            (Progress::Challenged(nonce), ListAnswer::Success(proof)) => {
                match proof.and_then(|proof| self.read_proof(proof, keyring, nonce)) {
                    Some(proof) => {
                        sessions.record_proof(&self.base_url, &proof, now);
                        self.proved = Some(proof.process);
                        self.progress = Progress::Begin;
                    }
                    None => {
                        sessions.record_unproved(&self.base_url);
                        self.progress = Progress::Unproved;
                        return next_unproved;
                    }
                }
                next
            }
            (Progress::Challenged(_), ListAnswer::Failure) => {
                self.progress = Progress::Unanswered;
                Next::Continue
            }
            (_, ListAnswer::Success(_)) => {
                sessions.record_unproved(&self.base_url);
                next_unproved
            }
            (_, ListAnswer::Failure) => next,
        }
    }

    /// Reads a proof of this URL. One that names another URL proves nothing for this one.
    fn read_proof(&self, text: &str, keyring: &Keyring, nonce: Nonce) -> Option<Proof> {
        Proof::read(text, keyring, nonce).filter(|proof| proof.base_url == self.base_url)
    }

    /// Records a proof in the answer to a message with the raw secret. Returns whether it is valid.
    pub fn record_raw_proof(
        &mut self,
        sessions: &mut Sessions,
        keyring: &Keyring,
        nonce: Nonce,
        proof: &str,
        now: Tick,
    ) -> bool {
        let Some(proof) = self.read_proof(proof, keyring, nonce) else { return false };
        sessions.record_proof(&self.base_url, &proof, now);
        true
    }

    /// Signs the message for this address.
    pub fn sign(&self, sessions: &mut Sessions, keys: &Keys, address: Address, payload: &str) -> Sent {
        let (sequence, request) = sessions.sign(keys, &self.base_url, address, payload);
        Sent { sequence, request }
    }

    /// Verifies the `v2` field of the response to a signed message.
    pub fn read_response<'a>(
        &self,
        sessions: &mut Sessions,
        keyring: &'a Keyring,
        sent: &Sent,
        text: &'a str,
        now: Tick,
    ) -> Option<Response<'a>> {
        let party = sessions.party();
        let request = Answered { requester: party, sequence: sent.sequence, mac: sent.request.mac };
        let response = read_response(text, |id| keyring.find(id), &self.base_url, &request)?;
        sessions.record_response(&self.base_url, response.process, response.epoch, now);
        Some(response)
    }

    /// Records that a signed message was rejected, or answered with a success that is not signed.
    pub fn record_rejection(&mut self, sessions: &mut Sessions, by: RejectedBy, now: Tick) -> Next {
        self.rejections += 1;
        let may_challenge = sessions.record_rejection(&self.base_url, by, self.basis, now);
        if self.rejections > MAX_REJECTIONS || !may_challenge {
            return Next::Deliver;
        }
        self.progress = Progress::Begin;
        self.proved = None;
        Next::Continue
    }
}

/// A signed message in flight.
#[derive(Debug)]
pub struct Sent {
    sequence: u64,
    request: SignedRequest,
}

impl Sent {
    /// The `Authorization` header.
    pub fn header(&self) -> &str {
        &self.request.header
    }
}

#[cfg(test)]
mod tests;
