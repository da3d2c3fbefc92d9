//! Signed messages: the header of a request, and the signature of its response.
//!
//! ```text
//! A ── POST {B}clustershazbot/gossip ───────────────────────────────────────────────────▶ B
//!      Authorization: Shazbot 2.<key id>.<process>.<freshness>.<sequence>.<length>.<digest>.<mac>.<A>
//!      {"message":"gossip","online":[],"offline":[],"v2":"<payload>"}
//! A ◀── 200 {"message":"gossip","online":[],"offline":[],
//!            "v2":"2.<key id>.<process>.<epoch>.<mac>.<payload>"} ────────────────────────── B
//! ```
//!
//! The payload is one base64url string, which parsers and sanitizers leave alone. The MAC of a
//! request covers the header alone, so that a forged one is rejected before its body is read. The
//! digest in the header then ties the payload to it.

use ring::digest;
use subtle::ConstantTimeEq;

use super::encoding::{VERSION, decode, encode, fields, number};
use super::keys::{KeyId, KeyUse, Keys};
use super::mac::Mac;
use super::process::ProcessNumber;

/// The scheme of the `Authorization` header of a signed request.
const SCHEME: &str = "Shazbot ";
/// Longest accepted header, in bytes: a base URL of 512 whose characters all become three when they
/// are normalised, and the other fields.
const MAX_HEADER_BYTES: usize = 2_000;
/// Bytes of a SHA-256 digest.
const DIGEST_BYTES: usize = 32;

/// The route of a signed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// `POST gossip`
    Gossip,
    /// `GET list`
    List,
    /// `POST control`
    Control,
}

impl Route {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Gossip => b"gossip request",
            Self::List => b"list request",
            Self::Control => b"control request",
        }
    }

    /// The key that signs requests of this route.
    pub(super) fn key_use(self) -> KeyUse {
        match self {
            Self::Gossip => KeyUse::Request,
            Self::List | Self::Control => KeyUse::Control,
        }
    }
}

/// Which process a request addresses, and how it shows that it is recent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    /// One process, in this epoch of its own clock.
    Process(ProcessNumber, u64),
    /// Any process behind the URL, at this time of the sender's wall clock in milliseconds.
    Group(u64),
}

impl Address {
    /// The letter and the number of the printed form.
    fn freshness(self) -> (char, u64) {
        match self {
            Self::Process(_, epoch) => ('e', epoch),
            Self::Group(clock) => ('c', clock),
        }
    }

    fn process_bytes(self) -> [u8; 8] {
        match self {
            Self::Process(process, _) => process.bytes(),
            Self::Group(_) => [0; 8],
        }
    }
}

/// A server as one side of a message: its URL in normalised form, and its process.
#[derive(Debug, Clone, Copy)]
pub struct Party<'a> {
    /// The normalised base URL.
    pub base_url: &'a str,
    /// The process number.
    pub process: ProcessNumber,
}

/// A signed request, ready to be sent.
#[derive(Debug)]
pub struct SignedRequest {
    /// The `Authorization` header.
    pub header: String,
    /// The MAC, to which the response is tied.
    pub mac: Mac,
}

/// The parsed header of a signed request. Nothing in it is trusted before [`Header::verify`].
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// The id of the key that signed it.
    pub key_id: KeyId,
    /// The sender.
    pub sender: Party<'a>,
    /// The kind of address, with the epoch or the clock.
    pub freshness: Freshness,
    /// The sequence of the request among those of the sender's process.
    pub sequence: u64,
    length: u64,
    digest: [u8; DIGEST_BYTES],
    mac: Mac,
}

/// How a header shows that it is recent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// The receiver's epoch: the request addresses one process.
    Epoch(u64),
    /// The sender's wall clock in milliseconds: the request addresses any process.
    Clock(u64),
}

/// Whether the header is one of a signed request, well-formed or not.
pub fn is_signed(header: &str) -> bool {
    header.strip_prefix(SCHEME).is_some_and(|rest| rest.starts_with(VERSION))
}

/// Signs a request with this payload.
pub fn sign_request(
    keys: &Keys,
    route: Route,
    sender: Party<'_>,
    receiver: (&str, Address),
    sequence: u64,
    payload: &str,
) -> SignedRequest {
    let (base_url, address) = receiver;
    let (digest, length) = (digest_of(payload), payload.len() as u64);
    let signed = Signed { route, sender, base_url, address, sequence, digest: &digest, length };
    let mac = signed.mac(keys);
    let (letter, freshness) = address.freshness();
    let header = format!(
        "{SCHEME}{VERSION}.{}.{}.{letter}{freshness}.{sequence}.{length}.{}.{}.{}",
        keys.id(),
        sender.process,
        encode(&digest),
        mac.print(),
        sender.base_url
    );
    SignedRequest { header, mac }
}

impl<'a> Header<'a> {
    /// Parses a header.
    pub fn read(header: &'a str) -> Option<Self> {
        let text = header.strip_prefix(SCHEME).filter(|_| header.len() <= MAX_HEADER_BYTES)?;
        let [version, key_id, process, freshness, sequence, length, digest, mac, base_url] = fields(text)?;
        let freshness = match (freshness.strip_prefix('e'), freshness.strip_prefix('c')) {
            (Some(epoch), _) => Freshness::Epoch(number(epoch)?),
            (_, Some(clock)) => Freshness::Clock(number(clock)?),
            _ => return None,
        };
        (version == VERSION).then_some(())?;
        Some(Self {
            key_id: KeyId::read(key_id)?,
            sender: Party { base_url, process: ProcessNumber::read(process)? },
            freshness,
            sequence: number(sequence)?,
            length: number(length)?,
            digest: decode(digest)?,
            mac: Mac::read(mac)?,
        })
    }

    /// The same fields with another URL of the sender.
    pub(super) fn with_url<'b>(&self, base_url: &'b str) -> Header<'b> {
        Header { sender: Party { base_url, process: self.sender.process }, ..*self }
    }

    /// Whether the header was signed with these keys for this receiver.
    pub fn verify(&self, keys: &Keys, route: Route, receiver: Party<'_>) -> bool {
        let address = match self.freshness {
            Freshness::Epoch(epoch) => Address::Process(receiver.process, epoch),
            Freshness::Clock(clock) => Address::Group(clock),
        };
        let signed = Signed {
            route,
            sender: self.sender,
            base_url: receiver.base_url,
            address,
            sequence: self.sequence,
            digest: &self.digest,
            length: self.length,
        };
        self.key_id == keys.id() && self.mac.matches(&signed.mac(keys))
    }

    /// Whether this is the payload that was signed.
    pub fn covers(&self, payload: &str) -> bool {
        self.length == payload.len() as u64 && digest_of(payload).ct_eq(&self.digest).into()
    }

    /// The MAC, to which the response is tied.
    pub fn mac(&self) -> Mac {
        self.mac
    }
}

/// The content of a request that its MAC covers.
struct Signed<'a> {
    route: Route,
    sender: Party<'a>,
    base_url: &'a str,
    address: Address,
    sequence: u64,
    digest: &'a [u8; DIGEST_BYTES],
    length: u64,
}

impl Signed<'_> {
    fn mac(&self, keys: &Keys) -> Mac {
        let (letter, freshness) = self.address.freshness();
        let fields: [&[u8]; 11] = [
            self.route.label(),
            VERSION.as_bytes(),
            keys.id_bytes(),
            self.sender.base_url.as_bytes(),
            &self.sender.process.bytes(),
            self.base_url.as_bytes(),
            &self.address.process_bytes(),
            &[letter as u8],
            &freshness.to_be_bytes(),
            &self.sequence.to_be_bytes(),
            &[&self.length.to_be_bytes()[..], self.digest].concat(),
        ];
        Mac::of(keys, self.route.key_use(), &fields)
    }
}

/// A signed request from the point of view of its response.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The sender of the request.
    pub requester: Party<'a>,
    /// The sequence of the request.
    pub sequence: u64,
    /// The MAC of the request.
    pub mac: Mac,
}

/// Signs the response to a gossip request. Returns the value of its `v2` field.
pub fn sign_response(
    keys: &Keys,
    responder: Party<'_>,
    epoch: u64,
    request: &Answered<'_>,
    payload: &str,
) -> String {
    let mac = response_mac(keys, responder, epoch, request, payload).print();
    let (key_id, process) = (encode(keys.id_bytes()), encode(&responder.process.bytes()));
    [VERSION, &key_id, &process, &epoch.to_string(), &mac, payload].join(".")
}

/// A verified response.
#[derive(Debug, PartialEq, Eq)]
pub struct Response<'a> {
    /// The process that has answered.
    pub process: ProcessNumber,
    /// Its current epoch.
    pub epoch: u64,
    /// The payload, in base64url.
    pub payload: &'a str,
}

/// Reads the `v2` field of a response; `None` unless the server at this URL has signed it for this
/// request.
pub fn read_response<'a>(
    text: &'a str,
    find: impl FnOnce(KeyId) -> Option<&'a Keys>,
    base_url: &str,
    request: &Answered<'_>,
) -> Option<Response<'a>> {
    let [version, key_id, process, epoch, mac, payload] = fields(text)?;
    (version == VERSION).then_some(())?;
    let keys = find(KeyId::read(key_id)?)?;
    let (process, epoch) = (ProcessNumber::read(process)?, number(epoch)?);
    let expected = response_mac(keys, Party { base_url, process }, epoch, request, payload);
    Mac::read(mac)?.matches(&expected).then_some(Response { process, epoch, payload })
}

fn response_mac(keys: &Keys, responder: Party<'_>, epoch: u64, request: &Answered<'_>, payload: &str) -> Mac {
    let fields: [&[u8]; 10] = [
        b"gossip response",
        VERSION.as_bytes(),
        keys.id_bytes(),
        responder.base_url.as_bytes(),
        &responder.process.bytes(),
        request.requester.base_url.as_bytes(),
        &[request.requester.process.bytes(), request.sequence.to_be_bytes()].concat(),
        &epoch.to_be_bytes(),
        &[&(payload.len() as u64).to_be_bytes()[..], &digest_of(payload)].concat(),
        request.mac.bytes(),
    ];
    Mac::of(keys, KeyUse::Response, &fields)
}

fn digest_of(payload: &str) -> [u8; DIGEST_BYTES] {
    let digest = digest::digest(&digest::SHA256, payload.as_bytes());
    let mut bytes = [0; DIGEST_BYTES];
    bytes.copy_from_slice(digest.as_ref());
    bytes
}

#[cfg(test)]
mod tests;
