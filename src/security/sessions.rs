//! The sending side: what this server knows about each peer's process, and how it may address it.
//!
//! A peer is met with a challenge. If it proves the secret, all further messages to it are signed.
//! If it does not, [`LegacyPolicy`] decides whether it is sent the raw secret. A delivery
//! ([`super::delivery`]) goes through these steps for one message.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use super::keys::Keys;
use super::message::{Address, Party, Route, SignedRequest, sign_request};
use super::process::ProcessNumber;
use super::proof::Proof;
use super::replay::EPOCH;
use crate::protocol::base_url::BaseUrl;
use crate::protocol::config::LegacyPolicy;
use crate::protocol::extension::Extension;
use crate::protocol::time::{Now, Tick};

/// Peers remembered. A forgotten one is challenged again when it is contacted.
const MAX_PEERS: usize = 100_000;
/// Peers that are looked at to find one to forget.
const MAX_EVICTION_STEPS: usize = 64;
/// Shortest time between two challenges of a peer that rejects signed messages.
const MIN_CHALLENGE_INTERVAL: Duration = Duration::from_secs(1);
/// Rejections in a row of messages that followed a proof at once, after which a URL is addressed as
/// a group: its requests reach other processes than its proofs come from.
const REJECTIONS_OF_A_GROUP: u8 = 2;

/// How a peer is addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Contact {
    /// Nothing is known: it is challenged first.
    #[default]
    Unknown,
    /// It has answered a challenge without a proof.
    Unproved,
    /// Messages to this process are signed, in this epoch of its clock.
    Process(ProcessNumber, u64),
    /// Several processes share its URL, at least until then.
    Group(Tick),
}

#[derive(Debug, Default)]
struct Peer {
    contact: Contact,
    /// Whether its URL has proved the secret in this process's life.
    has_proved: bool,
    /// The process that answered before the latest one.
    earlier_process: Option<ProcessNumber>,
    latest_process: Option<ProcessNumber>,
    /// Rejections by its own code since the last accepted message.
    rejections: u8,
    foreign: ForeignRejections,
    /// Whether the caller was told that it is sent the raw secret again.
    is_reported: bool,
    /// The time of the last challenge that followed a rejection.
    challenged_again: Option<Tick>,
}

/// Answers to signed messages that do not come from this package: something before or after the
/// routes lets the header, the payload or the signature of the response not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum ForeignRejections {
    #[default]
    None,
    One,
    /// A valid proof came after it.
    OneThenProof,
    /// Another one came after that proof. Under `allow`, the raw secret is sent again until then.
    /// One signed message is tried after it.
    Persistent(Tick),
}

/// The known peers, and the sequence of this process's messages.
#[derive(Debug)]
pub struct Sessions {
    base_url: String,
    process: ProcessNumber,
    policy: LegacyPolicy,
    peers: IndexMap<Arc<str>, Peer, FixedState>,
    sequence: u64,
    /// Where the search for a peer to forget goes on.
    cursor: usize,
    /// Peers that are sent the raw secret again, and that the caller does not know of yet. Each is
    /// named once.
    raw_again: Vec<Arc<str>>,
}

/// What this server may send to a peer now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permission {
    /// A signed message.
    Signed(Address),
    /// A challenge, as it has not proved the secret yet.
    Challenge,
    /// The raw secret.
    Raw,
    /// Nothing that holds the raw secret.
    Nothing,
}

/// What a signed message was based on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Basis {
    /// A proof in the same delivery.
    NewProof,
    /// What was known before.
    Earlier,
    /// The knowledge that several processes share the URL.
    Group,
}

/// How a peer has rejected a signed message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectedBy {
    /// Code of this package, as after a restart or a rotation of secrets.
    Itself,
    /// Something else, such as a gateway.
    Another,
}

impl Sessions {
    /// Creates the sending side of the process behind this normalised URL.
    pub fn new(base_url: &str, process: ProcessNumber, policy: LegacyPolicy) -> Self {
        Self {
            base_url: base_url.to_owned(),
            process,
            policy,
            peers: IndexMap::default(),
            sequence: 0,
            cursor: 0,
            raw_again: Vec::new(),
        }
    }

    /// This server as one side of a message.
    pub fn party(&self) -> Party<'_> {
        Party { base_url: &self.base_url, process: self.process }
    }

    /// Whether this is the normalised URL of a peer that is remembered.
    pub fn knows(&self, base_url: &str) -> bool {
        self.peers.contains_key(base_url)
    }

    /// Whether this URL has proved the secret in this process's life.
    pub fn has_proved(&self, base_url: &str) -> bool {
        self.peers.get(base_url).is_some_and(|peer| peer.has_proved)
    }

    /// Whether a message with the raw secret comes from the process that was the last to prove the
    /// secret at the URL that it names.
    pub fn is_proved_sender(&self, extension: &Extension) -> bool {
        let Ok(url) = BaseUrl::parse(&extension.me.base_url) else { return false };
        let process = ProcessNumber::new(extension.instance);
        let is_latest = |peer: &Peer| peer.has_proved && peer.latest_process == process;
        process.is_some() && self.peers.get(&**url.identity()).is_some_and(is_latest)
    }

    /// Records that a signed request of a process was accepted. It names its own epoch, so no
    /// challenge is needed for messages to it.
    ///
    /// It does not show that signed messages reach its sender. If something has rejected one, and
    /// the raw secret may be sent instead, the next message needs an answer to a challenge.
    pub fn record_request(&mut self, base_url: &str, process: ProcessNumber, epoch: u64, now: Tick) {
        let policy = self.policy;
        let peer = self.peer(base_url);
        let is_unreached = peer.foreign != ForeignRejections::None
            && matches!(peer.contact, Contact::Unknown | Contact::Unproved);
        if policy != LegacyPolicy::Allow || !is_unreached {
            peer.record_process(process, epoch, now);
        }
    }

    /// Signs a request to this address.
    pub(super) fn sign(
        &mut self,
        keys: &Keys,
        base_url: &str,
        address: Address,
        payload: &str,
    ) -> (u64, SignedRequest) {
        self.sequence += 1;
        let receiver = (base_url, address);
        let sequence = self.sequence;
        (sequence, sign_request(keys, Route::Gossip, self.party(), receiver, sequence, payload))
    }

    /// What may be sent to a peer now. `is_known` says whether the operator has named its URL.
    pub(super) fn permission(&mut self, base_url: &str, is_known: bool, now: Now) -> Permission {
        let policy = self.policy;
        let peer = self.peer(base_url);
        peer.retry_signed(now.tick);
        match peer.contact {
            Contact::Unknown => Permission::Challenge,
            Contact::Process(..) | Contact::Group(_) if peer.is_raw_again(policy) => Permission::Raw,
            Contact::Process(process, epoch) => Permission::Signed(Address::Process(process, epoch)),
            Contact::Group(until) if now.tick < until => Permission::Signed(Address::Group(now.wall.0)),
            Contact::Group(_) => Permission::Challenge,
            Contact::Unproved => peer.raw_permission(policy, is_known),
        }
    }

    /// What may be sent to a peer that has not proved the secret when it was challenged.
    pub(super) fn unproved_permission(&mut self, base_url: &str, is_known: bool) -> Permission {
        let policy = self.policy;
        self.peer(base_url).raw_permission(policy, is_known)
    }

    /// Whether the list of a server that has not proved the secret counts.
    pub(super) fn accepts_unproved_lists(&self) -> bool {
        self.policy.accepts_raw()
    }

    /// Records a valid proof of this URL.
    pub fn record_proof(&mut self, base_url: &str, proof: &Proof, now: Tick) {
        let peer = self.peer(base_url);
        peer.has_proved = true;
        if peer.foreign == ForeignRejections::One {
            peer.foreign = ForeignRejections::OneThenProof;
        }
        peer.record_process(proof.process, proof.epoch, now);
    }

    /// Records that a peer has answered a challenge without a valid proof.
    pub(super) fn record_unproved(&mut self, base_url: &str) {
        self.peer(base_url).contact = Contact::Unproved;
    }

    /// Records a verified response to a signed message, which proves the secret as well.
    pub(super) fn record_response(&mut self, base_url: &str, process: ProcessNumber, epoch: u64, now: Tick) {
        let peer = self.peer(base_url);
        peer.has_proved = true;
        peer.rejections = 0;
        peer.foreign = ForeignRejections::None;
        peer.record_process(process, epoch, now);
    }

    /// Records that a peer has rejected a signed message. Returns whether it may be challenged now.
    pub(super) fn record_rejection(
        &mut self,
        base_url: &str,
        by: RejectedBy,
        basis: Basis,
        now: Tick,
    ) -> bool {
        let policy = self.policy;
        let peer = self.peer(base_url);
        let may_challenge = peer.challenged_again.is_none_or(|at| now.since(at) >= MIN_CHALLENGE_INTERVAL);
        if may_challenge {
            peer.challenged_again = Some(now);
            peer.contact = Contact::Unknown;
        }
        match (by, basis) {
            (RejectedBy::Itself, Basis::NewProof) => {
                peer.rejections = peer.rejections.saturating_add(1);
                if peer.rejections >= REJECTIONS_OF_A_GROUP {
                    peer.contact = Contact::Group(now + EPOCH);
                }
            }
            // It may have restarted since its last proof.
            (RejectedBy::Itself, Basis::Earlier) => {}
            // None of its processes knows of a sibling.
            (RejectedBy::Itself, Basis::Group) => peer.rejections = 0,
            (RejectedBy::Another, _) => {
                peer.foreign = match peer.foreign {
                    ForeignRejections::None | ForeignRejections::One => ForeignRejections::One,
                    _ => ForeignRejections::Persistent(now + EPOCH),
                };
            }
        }
        let is_news = peer.is_raw_again(policy) && !peer.is_reported;
        peer.is_reported |= is_news;
        if is_news && self.raw_again.len() < MAX_PEERS {
            self.raw_again.push(Arc::from(base_url));
        }
        may_challenge
    }

    /// Returns the peers that are sent the raw secret again, each once.
    pub fn take_raw_again(&mut self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.raw_again)
    }

    fn peer(&mut self, base_url: &str) -> &mut Peer {
        let index = self.peers.get_index_of(base_url).unwrap_or_else(|| {
            if self.peers.len() >= MAX_PEERS {
                self.evict();
            }
            self.peers.insert_full(Arc::from(base_url), Peer::default()).0
        });
        &mut self.peers[index]
    }

    /// Forgets a peer. One that has proved the secret is forgotten last, since it might be sent the
    /// raw secret then.
    fn evict(&mut self) {
        for _ in 0..MAX_EVICTION_STEPS {
            self.cursor = (self.cursor + 1) % self.peers.len();
            if self.peers.get_index(self.cursor).is_some_and(|(_, peer)| !peer.has_proved) {
                break;
            }
        }
        self.peers.swap_remove_index(self.cursor);
    }
}

impl Peer {
    fn is_raw_again(&self, policy: LegacyPolicy) -> bool {
        policy == LegacyPolicy::Allow && matches!(self.foreign, ForeignRejections::Persistent(_))
    }

    /// Lets one signed message be tried, if the last one that something else rejected is long ago.
    fn retry_signed(&mut self, now: Tick) {
        if matches!(self.foreign, ForeignRejections::Persistent(until) if now >= until) {
            self.foreign = ForeignRejections::OneThenProof;
            self.contact = Contact::Unknown;
        }
    }

    fn raw_permission(&self, policy: LegacyPolicy, is_known: bool) -> Permission {
        let is_permitted = match policy {
            LegacyPolicy::Allow => !self.has_proved || self.is_raw_again(policy),
            LegacyPolicy::Known => is_known && !self.has_proved,
            LegacyPolicy::Off => false,
        };
        if is_permitted { Permission::Raw } else { Permission::Nothing }
    }

    /// Records the process that has answered. If one answers again after another, both live.
    fn record_process(&mut self, process: ProcessNumber, epoch: u64, now: Tick) {
        let is_back = self.latest_process != Some(process) && self.earlier_process == Some(process);
        if self.latest_process != Some(process) {
            self.earlier_process = self.latest_process.replace(process);
        }
        match self.contact {
            Contact::Group(until) if now < until => {}
            _ if is_back => self.contact = Contact::Group(now + EPOCH),
            _ => self.contact = Contact::Process(process, epoch),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_has_proved_the_secret_is_forgotten_last() {
        let mut sessions = Sessions::new("http://me/", ProcessNumber::new(1).unwrap(), LegacyPolicy::Allow);
        let proof = |base_url: &str| Proof {
            process: ProcessNumber::new(2).unwrap(),
            epoch: 0,
            sequence: 0,
            base_url: base_url.to_owned(),
        };
        sessions.record_proof("http://proved/", &proof("http://proved/"), Tick(0));
        for number in 0..MAX_PEERS + 2 * MAX_EVICTION_STEPS {
            sessions.record_unproved(&format!("http://{number}/"));
        }
        assert_eq!(sessions.peers.len(), MAX_PEERS);
        assert!(sessions.has_proved("http://proved/"));
    }
}
