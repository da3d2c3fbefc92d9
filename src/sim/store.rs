//! The store of the master list, with its faults.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::clock::Millis;
use crate::protocol::document::{Condition, Document, DocumentEntry, DownloadFailure, Upload};
use crate::protocol::message::{Entry, Lists};
use crate::protocol::time::Stamp;

/// The round trip of a request.
const ROUND_TRIP: Millis = 20;

/// The statuses with which a flaky store rejects writes.
const TEMPORARY_STATUSES: [u16; 4] = [409, 500, 429, 503];

/// A fault of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// It does not answer.
    Down,
    /// It answers every request with this status.
    Status(u16),
    /// It is slower by this time.
    Slow(Millis),
    /// It returns an empty list.
    Empty,
    /// It returns the list from when the fault began.
    Stale,
    /// It confirms writes and drops them.
    LosesWrites,
    /// Another writer writes just before every conditional write.
    Contended,
    /// It answers two of three requests with a temporary error.
    Flaky,
    /// It rejects conditional requests with this status.
    Unconditional(u16),
    /// Its writes never match the ETags that it returns.
    MismatchedTags,
}

/// The store of the master list.
#[derive(Debug, Default)]
pub struct Store {
    current: Option<Arc<Version>>,
    stale: Option<Arc<Version>>,
    versions: u64,
    fault: Fault,
    /// Whether it returns ETags and supports conditions.
    pub has_conditions: bool,
    /// The number of accepted writes.
    pub writes: u64,
    /// The number of requests, which decides a flaky store's response.
    requests: u64,
}

/// A stored list, parsed once for all that download it.
#[derive(Debug)]
pub struct Version {
    /// As a machine reads it.
    pub document: Result<Document, DownloadFailure>,
    /// As a legacy peer reads it.
    pub lists: Arc<Lists>,
    tag: String,
}

/// A request to the store.
#[derive(Debug)]
pub(super) enum StoreRequest {
    Download,
    Upload { entries: Vec<DocumentEntry>, condition: Condition },
    PlainUpload { entries: Vec<Entry> },
}

/// The result of a download.
#[derive(Debug)]
pub enum Download {
    /// A list.
    List(Arc<Version>),
    /// There is no list yet.
    Nothing,
    /// A failure.
    Failure(DownloadFailure),
}

fn failed(status: u16) -> Download {
    // Status and body are not a list, so this is a failure.
    let failure = Document::read(status, None, b"").err();
    Download::Failure(failure.unwrap_or_else(|| format!("answered {status}").into()))
}

#[derive(Serialize)]
struct Body<'a> {
    online: &'a [Entry],
}

impl Store {
    /// Stores a list before the world starts.
    pub fn fill(&mut self, entries: &[Entry]) {
        let body = serde_json::to_vec(&Body { online: entries }).unwrap_or_default();
        self.write(&body);
    }

    /// Starts a fault, or ends all.
    pub fn set_fault(&mut self, fault: Fault) {
        self.stale = (fault == Fault::Stale).then(|| self.current.clone()).flatten();
        self.fault = fault;
    }

    /// Returns the duration of a request.
    pub fn delay(&self) -> Millis {
        ROUND_TRIP + if let Fault::Slow(more) = self.fault { more } else { 0 }
    }

    /// Whether it answers requests.
    pub fn answers(&self) -> bool {
        self.fault != Fault::Down
    }

    /// Handles a download.
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

    /// Handles an upload.
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
                let status = TEMPORARY_STATUSES[(self.requests % TEMPORARY_STATUSES.len() as u64) as usize];
                return Upload::Answer(status, (status == 429).then_some(Duration::from_millis(500)));
            }
            Fault::Unconditional(status) if *condition != Condition::None => {
                return Upload::Answer(status, None);
            }
            Fault::MismatchedTags if *condition != Condition::None => return Upload::Answer(412, None),
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

    /// Handles a legacy peer's upload.
    pub fn upload_unconditionally(&mut self, entries: &[Entry]) -> Upload {
        let body = serde_json::to_vec(&Body { online: entries }).unwrap_or_default();
        self.upload(&body, &Condition::None)
    }

    fn fails(&self) -> bool {
        !self.requests.is_multiple_of(3)
    }

    /// Stores the same list as another writer, with a new ETag.
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
        let online = online.map(|listed| Entry {
            base_url: (&*listed.base_url).into(),
            monitor: listed.monitor,
            last_update: Stamp(listed.last_update as u64),
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
    fn a_condition_protects_another_writers_list() {
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
        store.set_fault(Fault::Flaky);
        let answers: Vec<Upload> = (0..9).map(|_| store.upload_unconditionally(&[])).collect();
        let accepted = answers.iter().filter(|answer| **answer == Upload::Answer(200, None)).count();
        assert_eq!((accepted, store.writes), (3, 3), "{answers:?}");
        for (fault, status) in [(Fault::Unconditional(400), 400), (Fault::MismatchedTags, 412)] {
            store.set_fault(fault);
            let tagged = Condition::Unchanged("\"3\"".to_owned());
            assert_eq!(store.upload(b"{}", &tagged), Upload::Answer(status, None));
            assert_eq!(store.upload_unconditionally(&[]), Upload::Answer(200, None));
        }
    }

    #[test]
    fn faults_take_effect_and_end() {
        let mut store = Store::default();
        store.fill(&[entry("http://a/")]);
        store.set_fault(Fault::LosesWrites);
        store.upload_unconditionally(&[]);
        assert_eq!(held(&mut store), 1);
        store.set_fault(Fault::Stale);
        store.upload_unconditionally(&[entry("http://a/"), entry("http://b/")]);
        assert_eq!(held(&mut store), 1);
        store.set_fault(Fault::None);
        assert_eq!(held(&mut store), 2);
        store.set_fault(Fault::Status(500));
        assert_eq!(held(&mut store), usize::MAX);
    }
}
