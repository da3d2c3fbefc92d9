//! The store of the master list, and all that can be wrong with it.

use std::sync::Arc;

use serde::Serialize;

use super::clock::Millis;
use crate::protocol::document::Document;
use crate::protocol::master_list::{Condition, Upload};
use crate::protocol::message::{Entry, Lists};
use crate::protocol::time::Stamp;

/// A way takes this long, both ways together.
const ROUND_TRIP: Millis = 20;

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
    /// It refuses every write under a condition.
    Contended,
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
}

/// What the store holds, read once for all who download it.
#[derive(Debug)]
pub struct Version {
    /// As a machine reads it.
    pub document: Result<Document, String>,
    /// As a legacy peer reads it.
    pub lists: Arc<Lists>,
    tag: String,
}

/// What comes of a download.
#[derive(Debug)]
pub enum Download {
    /// A list.
    List(Arc<Version>),
    /// No list yet.
    Nothing,
    /// A failure.
    Failure(String),
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
    pub fn download(&self) -> Download {
        let held = match self.fault {
            Fault::Status(status) => return Download::Failure(format!("answered {status}")),
            Fault::Empty => None,
            Fault::Stale => self.stale.as_ref(),
            _ => self.current.as_ref(),
        };
        held.map_or(Download::Nothing, |version| Download::List(Arc::clone(version)))
    }

    /// An upload.
    pub fn upload(&mut self, body: &[u8], condition: &Condition) -> Upload {
        let is_met = match condition {
            Condition::None => true,
            Condition::Absent => self.current.is_none(),
            Condition::Unchanged(tag) => self.current.as_ref().is_some_and(|version| version.tag == *tag),
        };
        match self.fault {
            Fault::Status(status) => return Upload::Answer(status),
            Fault::Contended if *condition != Condition::None => return Upload::Answer(412),
            _ if self.has_conditions && !is_met => return Upload::Answer(412),
            Fault::LosesWrites => {}
            _ => self.write(body),
        }
        Upload::Answer(200)
    }

    /// The entries of a legacy peer's upload.
    pub fn upload_plainly(&mut self, entries: &[Entry]) -> Upload {
        let body = serde_json::to_vec(&Body { online: entries }).unwrap_or_default();
        self.upload(&body, &Condition::None)
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

    fn held(store: &Store) -> usize {
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
        assert_eq!(store.upload(br#"{"online":[]}"#, &old), Upload::Answer(200));
        assert_eq!(store.upload(br#"{"online":[]}"#, &old), Upload::Answer(412));
        assert_eq!(store.upload(br#"{"online":[]}"#, &Condition::Absent), Upload::Answer(412));
    }

    #[test]
    fn faults_show_and_end() {
        let mut store = Store::default();
        store.fill(&[entry("http://a/")]);
        store.suffer(Fault::LosesWrites);
        store.upload_plainly(&[]);
        assert_eq!(held(&store), 1);
        store.suffer(Fault::Stale);
        store.upload_plainly(&[entry("http://a/"), entry("http://b/")]);
        assert_eq!(held(&store), 1);
        store.suffer(Fault::None);
        assert_eq!(held(&store), 2);
        store.suffer(Fault::Status(500));
        assert_eq!(held(&store), usize::MAX);
    }
}
