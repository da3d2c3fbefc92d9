//! The native extension: the key `v2` of a gossip message, by which native servers communicate.
//!
//! ```text
//! A ── POST {B}clustershazbot/gossip {"message":"gossip","online":[],"offline":[],"v2":{…}} ──▶ B
//! A ◀──────────────────────────── 200 {"message":"gossip","online":[],"offline":[],"v2":{…}} ── B
//! ```
//! `v2` is
//! ```text
//! {"me":claim, "id":"9f3…", "kind":"push"|"probe"|"probe-for"|"sync", "living":n, "hash":"f1c…", "lag":ms, "claims":[claim, …]}
//! claim = [baseUrl, "alive"|"suspect"|"dead"|"left", incarnation, lastUpdate, 0|1 (monitor), age in s | [accuser, …]]
//! ```
//! and, depending on the kind, `target`, `found` and `buckets`; in answers `fresh`, `elsewhere`,
//! `clock` and `siblings`; in signed messages `epoch`. Unknown keys are ignored.

use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::protocol::types::claim::Claim;
use crate::protocol::types::limits::MAX_MEMBERS;
use crate::protocol::types::text::scalars::{Text, Whole};
use crate::protocol::types::time::Stamp;
use crate::protocol::wire::json_fields;
use crate::protocol::wire::message::array;

/// Buckets in which two rosters are compared.
pub const BUCKETS: usize = 64;
/// Largest number of indices of news, or of other peers, that is parsed.
const MAX_LISTED: usize = 1_000;
/// Bytes of `["","left",0,0,0]`, the shortest claim. Shorter elements are rejected without parsing.
const SHORTEST_CLAIM: usize = 17;

/// The purpose of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Sends news.
    Push,
    /// Asks whether the receiver answers.
    Probe,
    /// Asks the receiver to probe this server.
    ProbeFor(Arc<str>),
    /// Asks for the entries of all buckets whose hashes differ; without hashes, for all entries.
    Sync(Option<Box<[u64; BUCKETS]>>),
    /// A kind that only a later version knows.
    Other,
}

/// The finding of a helper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The server answers.
    Alive,
    /// Its port is closed.
    PortClosed,
    /// It does not answer.
    Silent,
    /// Something answers that may be another service. This finding changes nothing.
    Unproved,
}

/// The content of `v2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// The claim of the sender about itself.
    pub me: Claim,
    /// Distinguishes the sender's process from others behind the same URL.
    pub instance: u64,
    /// The purpose of the message.
    pub kind: Kind,
    /// The number of living servers that the sender knows, itself included.
    pub living: u32,
    /// The hash of their claims.
    pub hash: u64,
    /// The lag of the sender's event loop, in milliseconds.
    pub lag: u32,
    /// News, or the requested entries.
    pub claims: Vec<Claim>,
    /// The number of malformed claims.
    pub malformed: usize,
    /// In an answer: the indices of the request's claims that were news.
    pub fresh: Vec<u32>,
    /// A finding about a server that the receiver asked to be probed.
    pub found: Option<(Arc<str>, Finding)>,
    /// In the answer of a server too busy for a sync: other servers to ask.
    pub elsewhere: Vec<Arc<str>>,
    /// In an answer that rejects the request's claim about its sender because of the clock: the
    /// wall clock of the answerer.
    pub clock: Option<Stamp>,
    /// In an answer: whether several processes use the URL of the requester.
    pub siblings: bool,
    /// The epoch of the sender, which signed messages to it must name.
    pub epoch: u64,
}

impl Extension {
    /// Parses the value of `v2`; `None` if it is malformed.
    pub fn read(text: &str) -> Option<Self> {
        Self::read_by(text, None)
    }

    /// Parses the payload of a signed message. What it omits about its signer is in the signature:
    /// this base URL and this process number.
    pub fn read_signed(text: &str, base_url: &str, instance: u64) -> Option<Self> {
        let mut extension = Self::read_by(text, Some(instance))?;
        if extension.me.base_url.is_empty() {
            extension.me.base_url = Arc::from(base_url);
        }
        Some(extension)
    }

    fn read_by(text: &str, signer: Option<u64>) -> Option<Self> {
        let names = [
            "me",
            "id",
            "kind",
            "living",
            "hash",
            "lag",
            "claims",
            "target",
            "buckets",
            "fresh",
            "found",
            "elsewhere",
            "clock",
            "siblings",
            "epoch",
        ];
        let [
            me,
            id,
            kind,
            living,
            hash,
            lag,
            claims,
            target,
            buckets,
            fresh,
            found,
            elsewhere,
            clock,
            siblings,
            epoch,
        ] = json_fields::read(text, names).ok()?;
        let kind = read_kind(kind?, target, buckets)?;
        let (claims, malformed) = claims.map(read_claims).unwrap_or_default();
        let fresh: Vec<Whole<u32>> = fresh.and_then(parse).unwrap_or_default();
        let mut elsewhere: Vec<Arc<str>> = elsewhere.and_then(parse).unwrap_or_default();
        elsewhere.truncate(MAX_LISTED);
        Some(Self {
            me: parse(me?)?,
            instance: match (id, signer) {
                (Some(id), _) => read_hex(&parse::<Text<'_>>(id)?.0)?,
                (None, signer) => signer?,
            },
            kind,
            living: living.and_then(read_whole).unwrap_or_default(),
            hash: hash.and_then(parse::<Text<'_>>).and_then(|hash| read_hex(&hash.0)).unwrap_or_default(),
            lag: lag.and_then(read_whole).unwrap_or_default(),
            claims,
            malformed,
            fresh: fresh.into_iter().take(MAX_LISTED).map(|Whole(index)| index).collect(),
            found: found.and_then(read_found),
            elsewhere,
            clock: clock.and_then(parse::<Whole<u64>>).map(|Whole(millis)| Stamp(millis)),
            siblings: siblings.and_then(parse).unwrap_or_default(),
            epoch: epoch.and_then(parse).map(|Whole(epoch)| epoch).unwrap_or_default(),
        })
    }

    /// The value of `v2`.
    pub fn to_json(&self) -> String {
        // Serialising strings, numbers and flags to memory cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The payload of a signed message of the process with this normalised URL.
    pub fn to_signed_json(&self, base_url: &str) -> String {
        serde_json::to_string(&Signed { extension: self, base_url }).unwrap_or_default()
    }
}

fn read_kind(kind: &RawValue, target: Option<&RawValue>, buckets: Option<&RawValue>) -> Option<Kind> {
    Some(match (&*parse::<Text<'_>>(kind)?.0, target, buckets) {
        ("push", ..) => Kind::Push,
        ("probe", ..) => Kind::Probe,
        ("probe-for", Some(target), _) => Kind::ProbeFor(parse(target)?),
        ("sync", _, Some(buckets)) => Kind::Sync(Some(read_buckets(buckets)?)),
        ("sync", ..) => Kind::Sync(None),
        _ => Kind::Other,
    })
}

fn parse<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

fn read_whole(raw: &RawValue) -> Option<u32> {
    parse(raw).map(|Whole(number)| number)
}

fn read_hex(text: &str) -> Option<u64> {
    (text.len() <= 16).then(|| u64::from_str_radix(text, 16).ok())?
}

fn read_buckets(raw: &RawValue) -> Option<Box<[u64; BUCKETS]>> {
    let texts: Vec<Text<'_>> = parse(raw)?;
    let hashes: Vec<u64> = texts.iter().map(|text| read_hex(&text.0)).collect::<Option<_>>()?;
    Box::<[u64; BUCKETS]>::try_from(hashes).ok()
}

/// The claims, and the number of malformed ones. Claims beyond the size of the largest roster are
/// not parsed.
fn read_claims(raw: &RawValue) -> (Vec<Claim>, usize) {
    let mut malformed = 0;
    let mut claims: Vec<Claim> = parse(raw).unwrap_or_else(|| {
        let rows = array(raw).unwrap_or_default();
        let is_row = |row: &&RawValue| row.get().starts_with('[') && row.get().len() >= SHORTEST_CLAIM;
        let claims: Vec<Claim> = rows.iter().copied().filter(is_row).filter_map(parse).collect();
        malformed = rows.len() - claims.len();
        claims
    });
    claims.truncate(MAX_MEMBERS);
    (claims, malformed)
}

fn read_found(raw: &RawValue) -> Option<(Arc<str>, Finding)> {
    let (target, Text(finding)): (Arc<str>, Text<'_>) = parse(raw)?;
    let finding = match &*finding {
        "alive" => Finding::Alive,
        "refused" => Finding::PortClosed,
        "silent" => Finding::Silent,
        "unproved" => Finding::Unproved,
        _ => return None,
    };
    Some((target, finding))
}

impl Finding {
    fn name(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::PortClosed => "refused",
            Self::Silent => "silent",
            Self::Unproved => "unproved",
        }
    }
}

struct Hex(u64);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:x}", self.0))
    }
}

impl Serialize for Extension {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("me", &self.me)?;
        map.serialize_entry("id", &Hex(self.instance))?;
        self.serialize_rest(&mut map)?;
        map.end()
    }
}

/// An extension without what the signature says about its signer.
struct Signed<'a> {
    extension: &'a Extension,
    base_url: &'a str,
}

impl Serialize for Signed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut me = self.extension.me.clone();
        // A spelling of its own has to be sent.
        if &*me.base_url == self.base_url {
            me.base_url = Arc::default();
        }
        map.serialize_entry("me", &me)?;
        self.extension.serialize_rest(&mut map)?;
        map.end()
    }
}

impl Extension {
    fn serialize_rest<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let kind = match &self.kind {
            Kind::Push => "push",
            Kind::Probe => "probe",
            Kind::ProbeFor(_) => "probe-for",
            Kind::Sync(_) => "sync",
            Kind::Other => "other",
        };
        map.serialize_entry("kind", kind)?;
        map.serialize_entry("living", &self.living)?;
        map.serialize_entry("hash", &Hex(self.hash))?;
        if self.lag > 0 {
            map.serialize_entry("lag", &self.lag)?;
        }
        match &self.kind {
            Kind::ProbeFor(target) => map.serialize_entry("target", target)?,
            Kind::Sync(Some(buckets)) => {
                let hashes: Vec<Hex> = buckets.iter().copied().map(Hex).collect();
                map.serialize_entry("buckets", &hashes)?;
            }
            _ => {}
        }
        if !self.claims.is_empty() {
            map.serialize_entry("claims", &self.claims)?;
        }
        if !self.fresh.is_empty() {
            map.serialize_entry("fresh", &self.fresh)?;
        }
        if let Some((target, finding)) = &self.found {
            map.serialize_entry("found", &(target, finding.name()))?;
        }
        if !self.elsewhere.is_empty() {
            map.serialize_entry("elsewhere", &self.elsewhere)?;
        }
        if let Some(clock) = self.clock {
            map.serialize_entry("clock", &clock)?;
        }
        if self.siblings {
            map.serialize_entry("siblings", &true)?;
        }
        if self.epoch > 0 {
            map.serialize_entry("epoch", &self.epoch)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
