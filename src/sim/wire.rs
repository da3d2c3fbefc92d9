//! What travels: requests and what comes of them. Nothing is written out and read back; all servers share what one has said.

use std::io::{self, Write};
use std::sync::Arc;

use serde::Serialize;

use super::clock::Millis;
use crate::protocol::ExchangeId;
use crate::protocol::extension::Extension;
use crate::protocol::message::{Entry, Lists, ReceivedEntry, ReceivedLists, Refusal, Reply};

/// A host, by its place in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub u32);

/// A process, by its place in the world. A restart makes another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub u32);

impl HostId {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl ProcessId {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What the headers of a request take, about.
pub const REQUEST_HEADERS: usize = 250;
/// What the headers of an answer take, about.
pub const ANSWER_HEADERS: usize = 150;

/// Names a request to its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ticket {
    /// Of a machine.
    Native(ExchangeId),
    /// Of a legacy peer.
    Legacy(u64),
}

/// Who waits for what comes of a request.
#[derive(Debug, Clone, Copy)]
pub struct Sender {
    /// The process.
    pub process: ProcessId,
    /// Grows as it gives everything up that is under way.
    pub epoch: u32,
    /// Its name for the request.
    pub ticket: Ticket,
    /// The host that was asked; none for an errand to the store.
    pub asked: Option<HostId>,
    /// Later than this nothing is waited for.
    pub deadline: Millis,
}

/// What is asked.
#[derive(Debug, Clone)]
pub enum Question {
    /// `POST {base_url}clustershazbot/gossip`.
    Gossip {
        /// The plain lists.
        lists: Arc<Lists>,
        /// The native extension, where it is offered.
        extension: Option<Arc<Extension>>,
    },
    /// `GET {base_url}clustershazbot/list`.
    List,
}

/// A request on its way.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who waits; none for a copy that the network has made.
    pub sender: Option<Sender>,
    /// The host that it comes from.
    pub from: HostId,
    /// The host that it goes to.
    pub to: HostId,
    /// What is asked.
    pub question: Question,
    /// The size of the body.
    pub size: usize,
}

/// What comes of a request.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// An answer with lists, and nothing else.
    Lists(Arc<Lists>),
    /// An answer in the native extension.
    Native(Box<Extension>),
    /// A refusal.
    Refused(Refusal),
    /// Nobody listens.
    NoListener,
    /// Nothing came in time.
    Silence,
    /// The connection broke.
    Broken,
}

impl Question {
    /// The size of the body.
    pub fn size(&self) -> usize {
        match self {
            Self::Gossip { lists, extension } => {
                gossip_size(lists) + extension.as_ref().map_or(0, |v2| v2_size(v2))
            }
            Self::List => 0,
        }
    }
}

impl Outcome {
    /// The size of the body.
    pub fn size(&self) -> usize {
        match self {
            Self::Lists(lists) => gossip_size(lists),
            Self::Native(extension) => EMPTY_GOSSIP + v2_size(extension),
            Self::Refused(_) => 20,
            Self::NoListener | Self::Silence | Self::Broken => 0,
        }
    }

    /// Whether an answer came.
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Lists(_) | Self::Native(_) | Self::Refused(_))
    }

    /// As the machine wants it.
    pub fn reply(self) -> OwnedReply {
        match self {
            Self::Lists(lists) => OwnedReply::Lists(lists),
            Self::Native(extension) => OwnedReply::Other(Reply::Native(extension)),
            Self::Refused(refusal) => OwnedReply::Other(Reply::Refusal(refusal)),
            Self::NoListener => OwnedReply::Other(Reply::NoListener("connection refused".to_owned())),
            Self::Silence => OwnedReply::Other(Reply::Failure("no answer in time".to_owned())),
            Self::Broken => OwnedReply::Other(Reply::Failure("the connection was reset".to_owned())),
        }
    }
}

/// A reply, and what it borrows from.
#[derive(Debug)]
pub enum OwnedReply {
    /// Lists, still to be borrowed.
    Lists(Arc<Lists>),
    /// Borrows from nothing.
    Other(Reply<'static>),
}

/// Lists as they are heard.
pub fn heard(lists: &Lists) -> ReceivedLists<'_> {
    fn hear(entries: &[Entry]) -> Vec<ReceivedEntry<'_>> {
        let hear = |entry| {
            let &Entry { ref base_url, monitor, last_update } = entry;
            ReceivedEntry { base_url: (&**base_url).into(), monitor, last_update: last_update.0 as f64 }
        };
        entries.iter().map(hear).collect()
    }
    ReceivedLists { online: hear(&lists.online), offline: hear(&lists.offline), malformed: 0 }
}

const EMPTY_GOSSIP: usize = r#"{"message":"gossip","online":[],"offline":[]}"#.len();

/// The size of a gossip message with these lists.
pub fn gossip_size(lists: &Lists) -> usize {
    EMPTY_GOSSIP + entries_size(&lists.online) + entries_size(&lists.offline)
}

// Writing out thousands of entries only to see how long they are would be slow. All stamps have 13 digits.
fn entries_size(entries: &[Entry]) -> usize {
    let fixed = r#"{"baseUrl":"","monitor":true,"lastUpdate":1700000000000},"#.len();
    let each = |entry: &Entry| fixed + entry.base_url.len() + usize::from(!entry.monitor);
    entries.iter().map(each).sum::<usize>().saturating_sub(1)
}

fn v2_size(extension: &Extension) -> usize {
    r#","v2":"#.len() + json_size(extension)
}

/// The size of something as JSON.
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
    // Counting has no way to fail.
    let _ = serde_json::to_writer(&mut counter, value);
    counter.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::time::Stamp;

    #[test]
    fn sizes_are_those_of_the_written_messages() {
        let entry = |url: &str, monitor| Entry {
            base_url: url.into(),
            monitor,
            last_update: Stamp(1_700_000_000_000),
        };
        let lists = [
            Lists::default(),
            Lists { online: vec![entry("http://a/", true)], offline: vec![] },
            Lists {
                online: vec![entry("http://a/", true), entry("http://bc/", false)],
                offline: vec![entry("http://d/", false)],
            },
        ];
        for lists in lists {
            assert_eq!(gossip_size(&lists), lists.to_gossip_json(None).len());
        }
    }
}
