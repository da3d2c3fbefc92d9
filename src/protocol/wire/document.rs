//! The master list as a document: lenient parsing, and the form that is uploaded.

use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use url::Url;

use crate::protocol::wire::message::{Entry, ReceivedEntry, ReceivedLists, read_arrays, read_entry};

/// A downloaded master list.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its claims. A caller that merges them in slices may take them out.
    pub claims: ReceivedLists<'static>,
    pub(in crate::protocol) etag: Option<String>,
    /// 404 or 204: there is no list yet.
    pub(in crate::protocol) is_absent: bool,
    /// 404: there is no resource yet.
    pub(in crate::protocol) is_missing: bool,
    /// It came from another URL than the requested one, so its tag belongs to another resource.
    pub is_elsewhere: bool,
    pub(in crate::protocol) rows: Vec<Row>,
}

/// Why a download failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadFailure {
    /// The reason, for the log.
    pub reason: String,
    /// Whether the same request may succeed a moment later.
    pub is_passing: bool,
    /// The `Retry-After` of the store.
    pub retry_after: Option<Duration>,
}

/// The outcome of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upload {
    /// An answer with this HTTP status, and its `Retry-After`.
    Answer(u16, Option<Duration>),
    /// No answer, with the reason.
    Failure(String),
}

/// The condition of an upload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Condition {
    /// No condition.
    #[default]
    None,
    /// `If-Match`: only if the list has not changed.
    Unchanged(String),
    /// `If-None-Match: *`: only if there is no list yet.
    Absent,
}

/// An entry of an uploaded list.
#[derive(Debug, Clone)]
pub enum DocumentEntry {
    /// A server that this one knows.
    Known(Entry),
    /// An entry that is kept as another server wrote it.
    Verbatim(Box<RawValue>),
}

impl DocumentEntry {
    /// The body of an upload.
    pub fn to_document_json(entries: &[Self]) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            online: &'a [DocumentEntry],
        }
        // Serialising strings, numbers and parsed JSON to memory cannot fail.
        serde_json::to_vec(&Body { online: entries }).unwrap_or_default()
    }
}

impl Serialize for DocumentEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(entry) => entry.serialize(serializer),
            Self::Verbatim(raw) => raw.serialize(serializer),
        }
    }
}

impl From<String> for DownloadFailure {
    /// No answer came.
    fn from(reason: String) -> Self {
        Self { reason, is_passing: true, retry_after: None }
    }
}

#[derive(Debug, Clone)]
pub(in crate::protocol) struct Row {
    pub(in crate::protocol) raw: Box<RawValue>,
    pub(in crate::protocol) entry: Option<ReceivedEntry<'static>>,
}

impl Document {
    /// Parses the answer to a download. 404 and 204 are an empty list.
    ///
    /// # Errors
    /// Returns why the answer is not a list.
    pub fn read(status: u16, etag: Option<String>, body: &[u8]) -> Result<Self, DownloadFailure> {
        let is_absent = matches!(status, 204 | 404);
        if !(is_absent || (200..=299).contains(&status)) {
            let is_passing = matches!(status, 408 | 409 | 425 | 429 | 500..=599);
            return Err(DownloadFailure { is_passing, ..format!("answered {status}").into() });
        }
        let text = String::from_utf8_lossy(body);
        let text = if is_absent { r#"{"online":[]}"# } else { &*text };
        let (online, offline) =
            read_arrays(text).map_err(|reason| format!("answered {status} with {reason}"))?;
        let mut claims = ReceivedLists::from_arrays(&[], &offline).into_owned();
        let mut rows: Vec<Row> = online.into_iter().map(Row::read).collect();
        claims.online = rows.iter().filter_map(|row| row.entry.clone()).collect();
        claims.malformed += rows.len() - claims.online.len();
        rows.retain(|row| row.raw.get().starts_with('{'));
        Ok(Self {
            claims,
            // A weak tag does not distinguish versions, and the tag of a 404 belongs to the error
            // page.
            etag: etag.filter(|etag| status != 404 && etag.starts_with('"')),
            is_absent,
            is_missing: status == 404,
            is_elsewhere: false,
            rows,
        })
    }
}

impl Row {
    fn read(raw: &RawValue) -> Self {
        Self { raw: raw.to_owned(), entry: read_entry(raw.get()).map(ReceivedEntry::into_owned) }
    }
}

/// A URL that is safe to log: without user info, query and fragment.
pub(in crate::protocol) fn without_secrets(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut url) if matches!(url.scheme(), "http" | "https") => {
            url.set_query(None);
            url.set_fragment(None);
            // Both succeed for http and https URLs.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.into()
        }
        Ok(url) => format!("{}:…", url.scheme()),
        Err(_) => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lists_and_missing_lists_are_read() {
        for (status, body) in [(200, r#"{"online":[]}"#), (404, "<html>"), (204, "")] {
            assert!(Document::read(status, None, body.as_bytes()).is_ok(), "{status}");
        }
        for (status, body) in [
            (200, "{}"),
            (200, "null"),
            (200, "<html>"),
            (200, "[]"),
            (200, r#"{"online":[{"#),
            (403, ""),
            (500, r#"{"online":[]}"#),
        ] {
            assert!(Document::read(status, None, body.as_bytes()).is_err(), "{status} {body}");
        }
    }

    #[test]
    fn a_weak_tag_is_not_used_as_a_condition() {
        let read = |etag: &str| Document::read(200, Some(etag.to_owned()), br#"{"online":[]}"#).unwrap().etag;
        assert_eq!(read("\"a\""), Some("\"a\"".to_owned()));
        assert_eq!(read("W/\"a\""), None);
        assert_eq!(Document::read(404, Some("\"error page\"".to_owned()), b"").unwrap().etag, None);
    }

    #[test]
    fn logged_urls_contain_no_secrets() {
        assert_eq!(without_secrets("https://user:pass@h/list?sig=secret#x"), "https://h/list");
        assert_eq!(without_secrets("data:application/json,{}"), "data:…");
    }
}
