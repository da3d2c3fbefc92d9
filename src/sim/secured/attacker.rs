//! An attacker on the network: it reads, changes, drops, delays and redirects messages.
//!
//! It leaves messages with an accepted raw secret as they are, since it could read the secret
//! there: the scheme cannot protect those.

use std::collections::VecDeque;
use std::sync::Arc;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::node::{keys_of, secret_text};
use crate::protocol::envelope::{proof_in_list, signed_answer, signed_body};
use crate::security::keys::Keys;
use crate::security::message::{Answered, Header, Party, Route, is_signed, sign_response};
use crate::security::process::ProcessNumber;
use crate::security::proof::{Nonce, Proof};
use crate::sim::http::{HttpRequest, HttpResponse};
use crate::sim::wire::HostId;

/// Messages that it remembers.
const MAX_RECORDS: usize = 2_000;

/// The attacker.
#[derive(Debug)]
pub struct Attacker {
    /// The share of messages that it changes or drops.
    pub intensity: f64,
    /// Secrets that no server accepts any more.
    old_secrets: Vec<u8>,
    /// Addresses at which it listens.
    pub(in crate::sim) hosts: Vec<HostId>,
    pub(in crate::sim) requests: VecDeque<Record>,
    pub(in crate::sim) responses: VecDeque<HttpResponse>,
    pub(in crate::sim) rng: Xoshiro256PlusPlus,
    /// The number of its deeds.
    pub deeds: u64,
}

/// A request that the attacker has seen.
#[derive(Debug, Clone)]
pub(in crate::sim) struct Record {
    pub(in crate::sim) from: HostId,
    pub(in crate::sim) to: HostId,
    pub(in crate::sim) request: Arc<HttpRequest>,
}

impl Attacker {
    pub(in crate::sim) fn new(seed: u64) -> Self {
        Self {
            intensity: 0.0,
            old_secrets: Vec::new(),
            hosts: Vec::new(),
            requests: VecDeque::new(),
            responses: VecDeque::new(),
            rng: Xoshiro256PlusPlus::seed_from_u64(seed ^ 0xa77ac),
            deeds: 0,
        }
    }

    /// Ends the attack.
    pub fn end(&mut self) {
        self.intensity = 0.0;
        self.hosts.clear();
    }

    pub(in crate::sim) fn learn(&mut self, secret: u8) {
        self.old_secrets.push(secret);
    }

    pub(in crate::sim) fn secrets(&self) -> Vec<u8> {
        self.old_secrets.clone()
    }

    /// The keys of an old secret, or of one that it guesses.
    pub(in crate::sim) fn keys(&mut self) -> Keys {
        let guess = self.rng.random_range(100..=u8::MAX);
        keys_of(self.choose(&self.old_secrets.clone()).unwrap_or(guess))
    }

    pub(in crate::sim) fn secret(&mut self) -> String {
        let secrets = self.old_secrets.clone();
        self.choose(&secrets).map_or_else(|| "guess".to_owned(), secret_text)
    }

    pub(in crate::sim) fn choose<T: Clone>(&mut self, options: &[T]) -> Option<T> {
        if options.is_empty() {
            return None;
        }
        options.get(self.rng.random_range(0..options.len())).cloned()
    }

    pub(in crate::sim) fn acts(&mut self) -> bool {
        let acts = self.intensity > 0.0 && self.rng.random_bool(self.intensity);
        self.deeds += u64::from(acts);
        acts
    }

    /// Changes one bit.
    pub(in crate::sim) fn flip(&mut self, bytes: &mut [u8]) {
        if !bytes.is_empty() {
            let index = self.rng.random_range(0..bytes.len());
            bytes[index] ^= 1 << self.rng.random_range(0..8);
        }
    }

    pub(in crate::sim) fn flip_text(&mut self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        self.flip(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub(in crate::sim) fn recorded_request(&mut self) -> Option<Record> {
        if self.requests.is_empty() {
            return None;
        }
        self.requests.get(self.rng.random_range(0..self.requests.len())).cloned()
    }

    pub(in crate::sim) fn recorded_response(&mut self) -> Option<HttpResponse> {
        if self.responses.is_empty() {
            return None;
        }
        self.responses.get(self.rng.random_range(0..self.responses.len())).cloned()
    }
}

/// Whether a request has no raw secret: it is signed, a challenge, or public.
pub(in crate::sim) fn is_open(request: &HttpRequest) -> bool {
    request.route == Route::List || request.authorization.as_deref().is_some_and(is_signed)
}

pub(in crate::sim) fn push<T>(records: &mut VecDeque<T>, record: T) {
    if records.len() >= MAX_RECORDS {
        records.pop_front();
    }
    records.push_back(record);
}

impl Attacker {
    /// Makes a proof or a signed response with an old secret, or moves the proof of another URL to
    /// this one.
    pub(in crate::sim) fn forge_response(
        &mut self,
        asked: &HttpRequest,
        base_url: &str,
        genuine: &HttpResponse,
    ) -> HttpResponse {
        let keys = self.keys();
        let process = ProcessNumber::new(self.rng.random()).unwrap_or(ProcessNumber::MIN);
        let authorization = asked.authorization.as_deref().unwrap_or_default();
        if let Some(nonce) = Nonce::from_header(authorization) {
            let proof = match proof_in_list(&genuine.body) {
                Some(proof) if self.rng.random() => {
                    let fields: Vec<&str> = proof.splitn(7, '.').collect();
                    format!("{}.{base_url}", fields[..fields.len() - 1].join("."))
                }
                _ => {
                    let base_url = base_url.to_owned();
                    Proof { process, epoch: 0, sequence: 0, base_url }.print(&keys, nonce)
                }
            };
            return HttpResponse::list(&[], Some(proof));
        }
        let Some(header) = Header::read(authorization) else { return genuine.clone() };
        let answered = Answered { requester: header.sender, sequence: header.sequence, mac: header.mac() };
        let payload = signed_answer(&genuine.body)
            .and_then(|text| text.splitn(6, '.').nth(5).map(str::to_owned))
            .unwrap_or_default();
        let text = sign_response(&keys, Party { base_url, process }, 0, &answered, &payload);
        HttpResponse::ok(signed_body(&text))
    }
}
