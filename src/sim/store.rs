//! The store of the master list, and all that can be wrong with it.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::clock::Millis;
use crate::protocol::document::{Condition, Document, DocumentEntry, DownloadFailure, Upload};
use crate::protocol::message::{Entry, Lists};
use crate::protocol::time::Stamp;

/// A way takes this long, both ways together.
const ROUND_TRIP: Millis = 20;

/// What a flaky store answers to writes.
const PASSING: [u16; 4] = [409, 500, 429, 503];

/// What is wrong with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// It answers nothing.
    Down,
    /// It answers every request with this status.
    Status(u16),
    /// It takes this much longer.
    Slow(Millis),
    /// It gives out an empty list.
    Empty,
    /// It gives out what it held when this began.
    Stale,
    /// It says yes to a write and forgets it.
    LosesWrites,
    /// Somebody else writes just before every write under a condition.
    Contended,
    /// It answers two of three requests with an error that passes.
    Flaky,
    /// It knows no conditions, and says so with this status.
    Unconditional(u16),
    /// It gives out tags that are never those of its writes.
    UselessTags,
}

/// The store of the master list.
#[derive(Debug, Default)]
pub struct Store {
    current: Option<Arc<Version>>,
    stale: Option<Arc<Version>>,
    versions: u64,
    fault: Fault,
    /// Whether it gives tags and heeds conditions.
    pub has_conditions: bool,
    /// How many writes it has taken.
    pub writes: u64,
    /// How many requests have come, which says what a flaky store answers.
    requests: u64,
}

/// What the store holds, read once for all who download it.
#[derive(Debug)]
pub struct Version {
    /// As a machine reads it.
    pub document: Result<Document, DownloadFailure>,
    /// As a legacy peer reads it.
    pub lists: Arc<Lists>,
    tag: String,
}

/// What a server wants of the store.
#[derive(Debug)]
pub(super) enum StoreRequest {
    Download,
    Upload { entries: Vec<DocumentEntry>, condition: Condition },
    PlainUpload { entries: Vec<Entry> },
}

/// What comes of a download.
#[derive(Debug)]
pub enum Download {
    /// A list.
    List(Arc<Version>),
    /// No list yet.
    Nothing,
    /// A failure.
    Failure(DownloadFailure),
}

fn failed(status: u16) -> Download {
    // A status that is no list, so that there is a failure.
    let failure = Document::read(status, None, b"").err();
    Download::Failure(failure.unwrap_or_else(|| format!("answered {status}").into()))
}

#[derive(Serialize)]
struct Body<'a> {
    online: &'a [Entry],
}

impl Store {
    /// Fills the store before the world begins.
    pub fn fill(&mut self, entries: &[Entry]) {
        let body = serde_json::to_vec(&Body { online: entries }).unwrap_or_default();
        self.write(&body);
    }

    /// Has something go wrong from now on, or nothing any more.
    pub fn suffer(&mut self, fault: Fault) {
        self.stale = (fault == Fault::Stale).then(|| self.current.clone()).flatten();
        self.fault = fault;
    }

    /// How long a request takes.
    pub fn delay(&self) -> Millis {
        ROUND_TRIP + if let Fault::Slow(more) = self.fault { more } else { 0 }
    }

    /// Whether it answers at all.
    pub fn answers(&self) -> bool {
        self.fault != Fault::Down
    }

    /// A download.
    pub fn download(&mut self) -> Download {
        self.requests += 1;
        let held = match self.fault {
            Fault::Status(status) => return failed(status),
            Fault::Flaky if self.fails() => return failed(503),
            Fault::Empty => None,
            Fault::Stale => self.stale.as_ref(),
            _ => self.current.as_ref(),
        };
        held.map_or(Download::Nothing, |version| Download::List(Arc::clone(version)))
    }

    /// An upload.
    pub fn upload(&mut self, body: &[u8], condition: &Condition) -> Upload {
        self.requests += 1;
        let is_met = match condition {
            Condition::None => true,
            Condition::Absent => self.current.is_none(),
            Condition::Unchanged(tag) => self.current.as_ref().is_some_and(|version| version.tag == *tag),
        };
        match self.fault {
            Fault::Status(status) => return Upload::Answer(status, None),
            Fault::Flaky if self.fails() => {
                let status = PASSING[(self.requests % PASSING.len() as u64) as usize];
                return Upload::Answer(status, (status == 429).then_some(Duration::from_millis(500)));
            }
            Fault::Unconditional(status) if *condition != Condition::None => {
                return Upload::Answer(status, None);
            }
            Fault::UselessTags if *condition != Condition::None => return Upload::Answer(412, None),
            Fault::Contended if *condition != Condition::None => {
                self.rewrite();
                return Upload::Answer(412, None);
            }
            _ if self.has_conditions && !is_met => return Upload::Answer(412, None),
            Fault::LosesWrites => {}
            _ => self.write(body),
        }
        Upload::Answer(200, None)
    }

    /// The entries of a legacy peer's upload.
    pub fn upload_plainly(&mut self, entries: &[Entry]) -> Upload {
        let body = serde_json::to_vec(&Body { online: entries }).unwrap_or_default();
        self.upload(&body, &Condition::None)
    }

    fn fails(&self) -> bool {
        !self.requests.is_multiple_of(3)
    }

    /// The same list by another writer, so under another tag.
    fn rewrite(&mut self) {
        if let Some(version) = self.current.clone() {
            let body = serde_json::to_vec(&Body { online: &version.lists.online }).unwrap_or_default();
            self.write(&body);
        }
    }

    fn write(&mut self, body: &[u8]) {
        self.versions += 1;
        self.writes += 1;
        let tag = format!("\"{}\"", self.versions);
        let document = Document::read(200, self.has_conditions.then(|| tag.clone()), body);
        let online = document.iter().flat_map(|document| &document.claims.online);
        let online = online.map(|heard| Entry {
            base_url: (&*heard.base_url).into(),
            monitor: heard.monitor,
            last_update: Stamp(heard.last_update as u64),
        });
        let lists = Arc::new(Lists { online: online.collect(), offline: Vec::new() });
        self.current = Some(Arc::new(Version { document, lists, tag }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(url: &str) -> Entry {
        Entry { base_url: url.into(), monitor: false, last_update: Stamp(5) }
    }

    fn held(store: &mut Store) -> usize {
        match store.download() {
            Download::List(version) => version.lists.online.len(),
            Download::Nothing => 0,
            Download::Failure(_) => usize::MAX,
        }
    }

    #[test]
    fn a_condition_keeps_what_somebody_else_wrote() {
        let mut store = Store { has_conditions: true, ..Store::default() };
        store.fill(&[entry("http://a/")]);
        let old = Condition::Unchanged("\"1\"".to_owned());
        let mut status = |condition| match store.upload(br#"{"online":[]}"#, condition) {
            Upload::Answer(status, _) => status,
            Upload::Failure(_) => 0,
        };
        assert_eq!((status(&old), status(&old), status(&Condition::Absent)), (200, 412, 412));
    }

    #[test]
    fn a_flaky_store_answers_one_request_of_three() {
        let mut store = Store::default();
        store.suffer(Fault::Flaky);
        let answers: Vec<Upload> = (0..9).map(|_| store.upload_plainly(&[])).collect();
        let accepted = answers.iter().filter(|answer| **answer == Upload::Answer(200, None)).count();
        assert_eq!((accepted, store.writes), (3, 3), "{answers:?}");
        for (fault, status) in [(Fault::Unconditional(400), 400), (Fault::UselessTags, 412)] {
            store.suffer(fault);
            let tagged = Condition::Unchanged("\"3\"".to_owned());
            assert_eq!(store.upload(b"{}", &tagged), Upload::Answer(status, None));
            assert_eq!(store.upload_plainly(&[]), Upload::Answer(200, None));
        }
    }

    #[test]
    fn faults_show_and_end() {
        let mut store = Store::default();
        store.fill(&[entry("http://a/")]);
        store.suffer(Fault::LosesWrites);
        store.upload_plainly(&[]);
        assert_eq!(held(&mut store), 1);
        store.suffer(Fault::Stale);
        store.upload_plainly(&[entry("http://a/"), entry("http://b/")]);
        assert_eq!(held(&mut store), 1);
        store.suffer(Fault::None);
        assert_eq!(held(&mut store), 2);
        store.suffer(Fault::Status(500));
        assert_eq!(held(&mut store), usize::MAX);
    }
}
