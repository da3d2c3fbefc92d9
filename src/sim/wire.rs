//! Requests and their outcomes. Messages are not serialised; servers share the sender's values.

use std::io::{self, Write};
use std::rc::Rc;
use std::sync::Arc;

use serde::Serialize;

use super::clock::Millis;
use super::http::{HttpRequest, HttpResponse};
use super::names::{Listed, Listing, Names};
use crate::protocol::ExchangeId;
use crate::protocol::claim::Claim;
use crate::protocol::extension::Extension;
use crate::protocol::message::{Entry, Lists, ReceivedEntry, ReceivedLists, Refusal, Reply};
use crate::protocol::output::Transmit;
use crate::protocol::status::Status;

/// A host, by its index in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub u32);

/// A process, by its index in the world. A restart creates another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub u32);

impl HostId {
    /// Returns the index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl ProcessId {
    /// Returns the index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The approximate size of a request's headers in bytes.
pub const REQUEST_HEADERS: usize = 250;
/// The approximate size of a response's headers in bytes.
pub const ANSWER_HEADERS: usize = 150;

/// Identifies a request to its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestId {
    /// A machine's request.
    Native(ExchangeId),
    /// A legacy peer's request.
    Legacy(u64),
    /// A request of a task in a secured world.
    Task(u64),
}

/// The sender that awaits an outcome.
#[derive(Debug, Clone, Copy)]
pub struct Sender {
    /// The process.
    pub process: ProcessId,
    /// The sender's epoch, which grows when it abandons all requests.
    pub epoch: u32,
    /// The sender's identifier of the request.
    pub request_id: RequestId,
    /// The requested host; `None` for the store.
    pub target: Option<HostId>,
    /// When the request times out.
    pub deadline: Millis,
}

/// The content of a request.
#[derive(Debug, Clone)]
pub enum Content {
    /// `POST {base_url}clustershazbot/gossip`.
    Gossip {
        /// The plain lists.
        lists: Arc<Lists>,
        /// The native extension, if there is one.
        extension: Option<Arc<Extension>>,
    },
    /// The same from a legacy peer.
    Listing(Rc<Listing>),
    /// `GET {base_url}clustershazbot/list`.
    List,
    /// A real request, in a secured world.
    Http(Arc<HttpRequest>),
}

/// A request in transit.
#[derive(Debug, Clone)]
pub struct Request {
    /// The sender; `None` for a duplicate.
    pub sender: Option<Sender>,
    /// The host that it comes from.
    pub from: HostId,
    /// The host that it goes to.
    pub to: HostId,
    /// The content.
    pub content: Content,
    /// The size of the body in bytes.
    pub size: usize,
    /// Whether an attacker has made, copied or redirected it, so that it is no load of the cluster.
    pub is_hostile: bool,
}

/// The outcome of a request.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// A response with plain lists only.
    Lists(Arc<Lists>),
    /// The same from a legacy peer.
    Listing(Rc<Listing>),
    /// A response in the native extension.
    Native(Box<Extension>),
    /// A real response, in a secured world.
    Http(HttpResponse),
    /// A rejection.
    Refused(Refusal),
    /// The connection was refused.
    NoListener,
    /// A timeout.
    Timeout,
    /// A broken connection.
    ConnectionReset,
}

impl Content {
    /// Returns the size of the body in bytes.
    pub fn size(&self) -> usize {
        match self {
            Self::Gossip { lists, extension } => {
                gossip_size(lists) + extension.as_ref().map_or(0, |v2| v2_size(v2))
            }
            Self::Listing(listing) => listing_size(listing),
            Self::List => 0,
            Self::Http(request) => request.body.len(),
        }
    }
}

impl Outcome {
    /// Returns the size of the body in bytes.
    pub fn size(&self) -> usize {
        match self {
            Self::Lists(lists) => gossip_size(lists),
            Self::Listing(listing) => listing_size(listing),
            Self::Native(extension) => native_size(extension),
            Self::Http(response) => response.body.len(),
            Self::Refused(_) => 20,
            Self::NoListener | Self::Timeout | Self::ConnectionReset => 0,
        }
    }

    /// Whether a response arrived.
    pub fn is_answer(&self) -> bool {
        self.has_lists() || matches!(self, Self::Native(_) | Self::Http(_) | Self::Refused(_))
    }

    /// Whether a response with plain lists only arrived.
    pub fn has_lists(&self) -> bool {
        matches!(self, Self::Lists(_) | Self::Listing(_))
    }

    /// Returns its plain lists as a legacy peer reads them.
    pub fn listing(&self, names: &Names) -> Option<Rc<Listing>> {
        match self {
            Self::Lists(lists) => Some(Rc::new(names.listing(lists))),
            Self::Listing(listing) => Some(Rc::clone(listing)),
            _ => None,
        }
    }

    /// Returns it as the machine's reply.
    pub fn reply(self) -> OwnedReply {
        match self {
            Self::Lists(lists) => OwnedReply::Lists(lists),
            Self::Listing(listing) => OwnedReply::Lists(Arc::new(listing.to_lists())),
            Self::Native(extension) => OwnedReply::Other(Reply::Native(extension)),
            Self::Http(response) => response.into_plain().reply(),
            Self::Refused(refusal) => OwnedReply::Other(Reply::Refusal(refusal)),
            Self::NoListener => OwnedReply::Other(Reply::NoListener("connection refused".to_owned())),
            Self::Timeout => OwnedReply::Other(Reply::Failure("no answer in time".to_owned())),
            Self::ConnectionReset => OwnedReply::Other(Reply::Failure("the connection was reset".to_owned())),
        }
    }
}

/// A reply with the data that it borrows.
#[derive(Debug)]
pub enum OwnedReply {
    /// Lists that the reply borrows.
    Lists(Arc<Lists>),
    /// A reply that borrows nothing.
    Other(Reply<'static>),
}

/// Returns lists as received entries.
pub fn received_lists(lists: &Lists) -> ReceivedLists<'_> {
    fn received_entries(entries: &[Entry]) -> Vec<ReceivedEntry<'_>> {
        let received = |entry| {
            let &Entry { ref base_url, monitor, last_update } = entry;
            ReceivedEntry { base_url: (&**base_url).into(), monitor, last_update: last_update.0 as f64 }
        };
        entries.iter().map(received).collect()
    }
    ReceivedLists {
        online: received_entries(&lists.online),
        offline: received_entries(&lists.offline),
        malformed: 0,
    }
}

const EMPTY_GOSSIP: usize = r#"{"message":"gossip","online":[],"offline":[]}"#.len();

/// Returns the size of a gossip message with these lists.
pub fn gossip_size(lists: &Lists) -> usize {
    EMPTY_GOSSIP + entries_size(&lists.online) + entries_size(&lists.offline)
}

fn entries_size(entries: &[Entry]) -> usize {
    let each = |entry: &Entry| entry_size(entry.base_url.len(), entry.monitor);
    entries.iter().map(each).sum::<usize>().saturating_sub(1)
}

/// Returns the size of a gossip message with a legacy peer's lists.
fn listing_size(listing: &Listing) -> usize {
    let Listing { names, online, offline } = listing;
    let each = |listed: &Listed| entry_size(names.length(listed.name), listed.monitor);
    let entries = |list: &[Listed]| list.iter().map(each).sum::<usize>().saturating_sub(1);
    EMPTY_GOSSIP + entries(online) + entries(offline)
}

/// Returns the size of an entry with its comma.
// Serialising thousands of entries just for their size would be slow. All stamps have 13 digits.
fn entry_size(name_length: usize, monitor: bool) -> usize {
    r#"{"baseUrl":"","monitor":true,"lastUpdate":1700000000000},"#.len() + name_length + usize::from(!monitor)
}

/// Returns the size of the body of a gossip message that a machine sends.
pub(super) fn transmit_size(transmit: &Transmit) -> Option<usize> {
    let Transmit::Gossip { lists, extension, .. } = transmit else { return None };
    Some(gossip_size(lists) + extension.as_ref().map_or(0, |v2| v2_size(v2)))
}

/// Returns the size of a native answer.
pub(super) fn native_size(extension: &Extension) -> usize {
    EMPTY_GOSSIP + v2_size(extension)
}

// Serialising thousands of claims just for their size would be slow.
fn v2_size(extension: &Extension) -> usize {
    let Extension { me, kind, fresh, found, elsewhere, claims, .. } = extension;
    let rest = Extension {
        me: me.clone(),
        kind: kind.clone(),
        fresh: fresh.clone(),
        found: found.clone(),
        elsewhere: elsewhere.clone(),
        claims: Vec::new(),
        ..*extension
    };
    let each = |claim: &Claim| claim_size(claim) + ",".len();
    let listed = if claims.is_empty() { 0 } else { r#""claims":[]"#.len() };
    r#","v2":"#.len() + json_size(&rest) + listed + claims.iter().map(each).sum::<usize>()
}

/// Returns the size of a claim as JSON.
fn claim_size(claim: &Claim) -> usize {
    let digits = |number: u64| number.checked_ilog10().map_or(1, |tens| tens as usize + 1);
    let Claim { base_url, status, incarnation, last_update, age, accusers, .. } = claim;
    // Without an early end, the compiler compares many bytes at once.
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    let is_plain = base_url.bytes().fold(true, |are_plain, byte| are_plain & is_plain(byte));
    let url = if is_plain { base_url.len() + r#""""#.len() } else { json_size(base_url) };
    let rest = match status {
        Status::Online => 0,
        Status::Suspect => {
            let listed: usize = accusers.iter().map(|accuser| digits(accuser.into()) + ",".len()).sum();
            ",[]".len() + listed.saturating_sub(1)
        }
        Status::Dead | Status::Left => ",".len() + digits((*age).into()),
    };
    let numbers = digits(incarnation.0.into()) + digits(last_update.0);
    r#"[,"",,,0]"#.len() + url + status.name().len() + numbers + rest
}

/// Returns the size of a value as JSON.
pub fn json_size(value: &impl Serialize) -> usize {
    struct Counter(usize);
    impl Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    // Counting cannot fail.
    let _ = serde_json::to_writer(&mut counter, value);
    counter.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::time::Stamp;

    #[test]
    fn computed_sizes_match_serialised_messages() {
        let entry =
            |url: &str| Entry { base_url: url.into(), monitor: false, last_update: Stamp(1_700_000_000_000) };
        let monitor = |url| Entry { monitor: true, ..entry(url) };
        let lists = [
            Lists::default(),
            Lists { online: vec![monitor("http://a/")], offline: vec![] },
            Lists {
                online: vec![monitor("http://a/"), entry("http://bc/")],
                offline: vec![entry("http://d/")],
            },
        ];
        for lists in lists {
            let size = lists.to_gossip_json(None).len();
            assert_eq!((gossip_size(&lists), listing_size(&Names::default().listing(&lists))), (size, size));
        }
    }

    #[test]
    fn computed_sizes_match_serialised_claims() {
        let parse = |text: &str| serde_json::from_str::<Claim>(text).unwrap();
        let me = r#"["http://a/","alive",1700000000,1700000000000,0]"#;
        let others = [
            r#"["http://\"b\\/","alive",0,0,1]"#,
            r#"["http://b/","suspect",9,10,0,[]]"#,
            r#"["http://b/","suspect",4294967295,99,0,[1,23,456]]"#,
            r#"["http://b/","dead",10,9,1,100]"#,
            r#"["http://b/","left",10,9,0,0]"#,
        ];
        for count in 0..=others.len() {
            let claims = others.iter().take(count).map(|text| parse(text)).collect();
            let message = format!(r#"{{"me":{me},"id":"1f","kind":"push","lag":7}}"#);
            let extension = Extension { claims, fresh: vec![1, 2], ..Extension::read(&message).unwrap() };
            assert_eq!(v2_size(&extension), r#","v2":"#.len() + extension.to_json().len());
        }
    }
}
