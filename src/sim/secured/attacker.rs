//! An attacker on the network: it reads, changes, drops, delays and redirects messages.
//!
//! It leaves messages with an accepted raw secret as they are, since it could read the secret
//! there: the scheme cannot protect those.

use std::collections::VecDeque;
use std::sync::Arc;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::http::{HttpRequest, HttpResponse, without};
use super::node::{keys_of, secret_text};
use super::strikes::Record;
use crate::protocol::envelope::{proof_in_list, signed_answer, signed_body};
use crate::protocol::message::Entry;
use crate::protocol::time::Stamp;
use crate::security::keys::Keys;
use crate::security::message::{Answered, Header, Party, Route, is_signed, sign_response};
use crate::security::process::ProcessNumber;
use crate::security::proof::{Nonce, Proof};
use crate::sim::clock::{EPOCH, Millis};
use crate::sim::wire::{Content, HostId, Outcome, Request};
use crate::sim::world::{World, WorldEvent};

/// Messages that it remembers.
const MAX_RECORDS: usize = 2_000;
/// Its longest delay of a message: longer than two epochs.
const MAX_DELAY: Millis = 1_500_000;

/// The attacker.
#[derive(Debug)]
pub struct Attacker {
    /// The share of messages that it changes or drops.
    pub intensity: f64,
    /// Secrets that no server accepts any more.
    old_secrets: Vec<u8>,
    /// Addresses at which it listens.
    pub(super) hosts: Vec<HostId>,
    pub(super) requests: VecDeque<Record>,
    pub(super) responses: VecDeque<HttpResponse>,
    pub(super) rng: Xoshiro256PlusPlus,
    /// The number of its deeds.
    pub deeds: u64,
}

impl Attacker {
    pub(super) fn new(seed: u64) -> Self {
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

    pub(super) fn learn(&mut self, secret: u8) {
        self.old_secrets.push(secret);
    }

    pub(super) fn secrets(&self) -> Vec<u8> {
        self.old_secrets.clone()
    }

    /// The keys of an old secret, or of one that it guesses.
    pub(super) fn keys(&mut self) -> Keys {
        let guess = self.rng.random_range(100..=u8::MAX);
        keys_of(self.choose(&self.old_secrets.clone()).unwrap_or(guess))
    }

    pub(super) fn secret(&mut self) -> String {
        let secrets = self.old_secrets.clone();
        self.choose(&secrets).map_or_else(|| "guess".to_owned(), secret_text)
    }

    pub(super) fn choose<T: Clone>(&mut self, options: &[T]) -> Option<T> {
        if options.is_empty() {
            return None;
        }
        options.get(self.rng.random_range(0..options.len())).cloned()
    }

    pub(super) fn acts(&mut self) -> bool {
        let acts = self.intensity > 0.0 && self.rng.random_bool(self.intensity);
        self.deeds += u64::from(acts);
        acts
    }

    /// Changes one bit.
    pub(super) fn flip(&mut self, bytes: &mut [u8]) {
        if !bytes.is_empty() {
            let index = self.rng.random_range(0..bytes.len());
            bytes[index] ^= 1 << self.rng.random_range(0..8);
        }
    }

    pub(super) fn flip_text(&mut self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        self.flip(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub(super) fn recorded_request(&mut self) -> Option<Record> {
        if self.requests.is_empty() {
            return None;
        }
        self.requests.get(self.rng.random_range(0..self.requests.len())).cloned()
    }

    fn recorded_response(&mut self) -> Option<HttpResponse> {
        if self.responses.is_empty() {
            return None;
        }
        self.responses.get(self.rng.random_range(0..self.responses.len())).cloned()
    }
}

/// Whether a request has no raw secret: it is signed, a challenge, or public.
fn is_open(request: &HttpRequest) -> bool {
    request.route == Route::List || request.authorization.as_deref().is_some_and(is_signed)
}

fn push<T>(records: &mut VecDeque<T>, record: T) {
    if records.len() >= MAX_RECORDS {
        records.pop_front();
    }
    records.push_back(record);
}

impl World {
    /// Lets the attacker see a request, and maybe change it. Returns whether it goes on.
    pub(in crate::sim) fn tap_request(&mut self, request: &mut Request) -> bool {
        let Some(secured) = self.secured.as_deref_mut() else { return true };
        let Content::Http(http) = &request.content else { return true };
        if !is_open(http) {
            return true;
        }
        let attacker = &mut secured.attacker;
        let record = Record { from: request.from, to: request.to, request: Arc::clone(http) };
        push(&mut attacker.requests, record);
        if !attacker.acts() {
            return true;
        }
        let mut changed = (**http).clone();
        let other = attacker.recorded_request();
        match attacker.rng.random_range(0..9) {
            0 => return false,
            1 => changed.authorization = changed.authorization.map(|text| attacker.flip_text(&text)),
            2 => attacker.flip(&mut changed.body),
            3 => changed.authorization = None,
            4 => changed.authorization = other.and_then(|other| other.request.authorization.clone()),
            5 => changed.body = other.map_or_else(Vec::new, |other| other.request.body.clone()),
            6 => {
                // The request itself comes through later, without its sender.
                let delay = attacker.rng.random_range(0..MAX_DELAY);
                let late = Box::new(Request { sender: None, ..request.clone() });
                self.queue.push(self.time + delay, WorldEvent::Arrival(late));
                return false;
            }
            7 => {
                let delay = attacker.rng.random_range(0..1_000);
                let copy = Box::new(Request { sender: None, ..request.clone() });
                self.queue.push(self.time + delay, WorldEvent::Arrival(copy));
            }
            _ => request.to = other.map_or(request.to, |other| other.to),
        }
        request.content = Content::Http(Arc::new(changed));
        true
    }

    /// Lets the attacker see a response, and maybe change it.
    pub(in crate::sim) fn tap_response(&mut self, request: &Request, outcome: Outcome) -> Outcome {
        let Some(secured) = self.secured.as_deref_mut() else { return outcome };
        let (Content::Http(asked), Outcome::Http(response)) = (&request.content, &outcome) else {
            return outcome;
        };
        if !is_open(asked) {
            return outcome;
        }
        push(&mut secured.attacker.responses, response.clone());
        if !secured.attacker.acts() {
            return outcome;
        }
        let url = self.hosts.get(request.to.index()).map(|host| Arc::clone(&host.url)).unwrap_or_default();
        let attacker = &mut secured.attacker;
        let mut changed = response.clone();
        match attacker.rng.random_range(0..10) {
            0 => return Outcome::Timeout,
            1 => attacker.flip(&mut changed.body),
            2 => changed.body = without(&response.body, "proof"),
            3 => changed.body = without(&response.body, "v2"),
            4 => changed = attacker.recorded_response().unwrap_or(changed),
            5 => changed = HttpResponse::foreign_rejection(),
            6 => changed = HttpResponse::unauthorized(),
            7 => changed = HttpResponse::ok(br#"{"online":[],"offline":[]}"#.to_vec()),
            8 => changed = attacker.forge_response(asked, &url, &changed),
            _ => {
                if let Some(relayed) = self.relay_challenge(asked) {
                    changed = relayed;
                }
            }
        }
        Outcome::Http(changed)
    }

    /// Passes a challenge on to another server, whose proof is genuine but names another URL.
    fn relay_challenge(&mut self, asked: &HttpRequest) -> Option<HttpResponse> {
        let secured = self.secured.as_deref_mut()?;
        let others: Vec<_> = secured.nodes.keys().copied().collect();
        let other = secured.attacker.choose(&others)?;
        self.serve_route(other, &HttpRequest { route: Route::List, ..asked.clone() })
    }

    /// Lets the attacker listen at a new address. Returns its host.
    pub fn add_hostile_host(&mut self) -> HostId {
        let host = self.add_host();
        if let Some(secured) = &mut self.secured {
            secured.attacker.hosts.push(host);
        }
        host
    }

    /// The answer of the attacker at its own address; `None` for any other address.
    pub(in crate::sim) fn answer_as_attacker(&mut self, request: &Request) -> Option<Outcome> {
        let Content::Http(asked) = &request.content else { return None };
        let host = self.hosts.get(request.to.index())?;
        let (url, is_free) = (Arc::clone(&host.url), host.processes.is_empty());
        let time = self.time;
        let attacker = &mut self.secured.as_deref_mut()?.attacker;
        if !is_free || !attacker.hosts.contains(&request.to) {
            return None;
        }
        if asked.authorization.as_deref().is_some_and(is_signed) {
            return Some(Outcome::Http(HttpResponse::foreign_rejection()));
        }
        let last_update = Stamp(EPOCH + time);
        let own = [Entry { base_url: Arc::clone(&url), monitor: false, last_update }];
        let response = match attacker.rng.random_range(0..5) {
            0 => return Some(Outcome::Timeout),
            1 => HttpResponse::foreign_rejection(),
            2 => HttpResponse::list(&own, None),
            3 => {
                let plain = HttpResponse::list(&own, None);
                attacker.forge_response(asked, &url, &plain)
            }
            _ => self.relay_challenge(asked).unwrap_or_else(|| HttpResponse::list(&own, None)),
        };
        Some(Outcome::Http(response))
    }
}

impl Attacker {
    /// Makes a proof or a signed response with an old secret, or moves the proof of another URL to
    /// this one.
    fn forge_response(
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
