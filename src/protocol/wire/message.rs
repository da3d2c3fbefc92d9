//! Messages of version 1: lists of servers, and how they are serialised and leniently parsed.
//!
//! ```text
//! A ── POST {B}clustershazbot/gossip {"message":"gossip","online":[…],"offline":[…]} ──▶ B   merges
//! A ◀───────────────────────────── 200 {"message":"gossip","online":[…],"offline":[…]} ── B
//! A ── GET {B}clustershazbot/list ──▶ B                                                       merges nothing
//! A ◀── 200 {"online":[…]} ── B
//! ```

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::protocol::types::text::scalars::{Text, number};
use crate::protocol::types::text::shared::SharedText;
use crate::protocol::types::time::Stamp;
use crate::protocol::wire::extension::Extension;
use crate::protocol::wire::{json_fields, lists, received};

/// The text in the body, whatever the status, of a server that runs no engine.
const ENGINE_NOT_STARTED: &str = "Clustershazbot engine not started";
/// How errors describe a JSON object without a list of servers.
const NO_ONLINE: &str = "no array `online`";
/// The longest honoured `Retry-After` of a peer.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3_600);
/// Entries parsed in one list: ten times the members of a full roster. Also in
/// `js/requests/messages.js`.
pub(in crate::protocol) const MAX_ENTRIES: usize = 1_000_000;

/// A server in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The server's own spelling, with a final slash.
    pub base_url: SharedText,
    /// Whether it is a monitor.
    pub monitor: bool,
    /// The version of the entry.
    pub last_update: Stamp,
}

/// Two lists of servers: everything that a server knows, or one page of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Lists {
    /// Believed to be running.
    pub online: Vec<Entry>,
    /// Known to have left or died.
    pub offline: Vec<Entry>,
}

impl Lists {
    /// The body of a gossip request.
    pub fn to_gossip_json(&self, v2: Option<&Extension>) -> Vec<u8> {
        #[derive(Serialize)]
        struct Message<'a> {
            message: &'static str,
            online: &'a [Entry],
            offline: &'a [Entry],
            #[serde(skip_serializing_if = "Option::is_none")]
            v2: Option<&'a Extension>,
        }
        // Serialising strings, numbers and flags to memory cannot fail.
        serde_json::to_vec(&Message { message: "gossip", online: &self.online, offline: &self.offline, v2 })
            .unwrap_or_default()
    }
}

/// A received entry, not yet checked.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceivedEntry<'a> {
    /// Any text.
    pub base_url: Cow<'a, str>,
    /// False if missing.
    pub monitor: bool,
    /// Any number, or NaN.
    pub last_update: f64,
}

/// Received lists.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReceivedLists<'a> {
    /// Servers listed as online.
    pub online: Vec<ReceivedEntry<'a>>,
    /// Servers listed as offline.
    pub offline: Vec<ReceivedEntry<'a>>,
    /// Entries that are not objects with a string `baseUrl` and a number `lastUpdate`.
    pub malformed: usize,
}

/// The reply of a peer to a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply<'a> {
    /// Lists of servers without the native extension.
    Lists(ReceivedLists<'a>),
    /// A message with the native extension.
    Native(Box<Extension>),
    /// A refusal, which proves nothing about the server: wrong secret, body too large, too many
    /// requests, or an address that this server may not contact.
    Refusal(Refusal),
    /// Another answer: a server lives there, but does not offer the routes at this path.
    Unclear(String),
    /// Nothing listens on its port.
    NoListener(String),
    /// No answer, or that of a server without an engine or behind a broken gateway.
    Failure(String),
}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 401: it has another secret.
    Unauthorized,
    /// It has not proved the secret, so this server has not sent it the message.
    Withheld,
    /// 413: the page is too large for it.
    TooLarge,
    /// 429: too many requests, with the pause that it asks for.
    TooManyRequests(Option<Duration>),
    /// Nothing was sent: `SHAZBOT_ALLOW` allows neither its name nor its addresses.
    NotAllowed,
}

impl<'a> Reply<'a> {
    /// Classifies an answer by its status, its `Retry-After` and its body.
    pub fn read(status: u16, retry_after: Option<Duration>, body: &'a [u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        if let (200..=299, Some(extension)) = (status, read_extension(&text)) {
            return Self::Native(Box::new(extension));
        }
        let read = match &text {
            Cow::Borrowed(text) => ReceivedLists::read(text),
            Cow::Owned(text) => ReceivedLists::read(text).map(ReceivedLists::into_owned),
        };
        match (status, read) {
            (200..=299, Ok(lists)) => Self::Lists(lists),
            _ if text.contains(ENGINE_NOT_STARTED) => Self::Failure(ENGINE_NOT_STARTED.to_owned()),
            (401, _) => Self::Refusal(Refusal::Unauthorized),
            (413, _) => Self::Refusal(Refusal::TooLarge),
            (429, _) => {
                Self::Refusal(Refusal::TooManyRequests(retry_after.map(|delay| delay.min(MAX_RETRY_AFTER))))
            }
            (502..=504, _) => Self::Failure(format!("a gateway answered {status}")),
            (200..=299, Err(NO_ONLINE)) => Self::Unclear(format!(
                "answered {status} with {NO_ONLINE}: does the route wrap its response?"
            )),
            (200..=299, Err(reason)) => Self::Unclear(format!("answered {status} with {reason}")),
            _ => Self::Unclear(format!("answered {status}")),
        }
    }

    /// Returns the reply as that of a legacy peer, whose body has this text: its native extension,
    /// if any, is ignored.
    pub fn without_extension(self, body: &'a [u8]) -> Self {
        let Self::Native(_) = self else { return self };
        let text = String::from_utf8_lossy(body);
        let read = match &text {
            Cow::Borrowed(text) => ReceivedLists::read(text),
            Cow::Owned(text) => ReceivedLists::read(text).map(ReceivedLists::into_owned),
        };
        read.map_or_else(|reason| Self::Unclear(reason.to_owned()), Self::Lists)
    }
}

impl<'a> ReceivedLists<'a> {
    /// Parses `{"online":[…],"offline":[…]}`. A missing `offline` is empty; malformed entries are
    /// skipped and counted.
    ///
    /// # Errors
    /// Returns what the text is instead.
    pub fn read(text: &'a str) -> Result<Self, &'static str> {
        if let Some(lists) = lists::read(text) {
            return Ok(lists);
        }
        let [online, offline] =
            json_fields::read(without_bom(text), ["online", "offline"]).map_err(no_object)?;
        Self::from_fields(online, offline)
    }

    /// Parses the values of the two fields.
    pub(in crate::protocol) fn from_fields(
        online: Option<&'a RawValue>,
        offline: Option<&'a RawValue>,
    ) -> Result<Self, &'static str> {
        let read = (online.and_then(received::read), offline.map_or(Some(Vec::new()), received::read));
        if let (Some(online), Some(offline)) = read
            && online.len().max(offline.len()) <= MAX_ENTRIES
        {
            return Ok(Self { online, offline, malformed: 0 });
        }
        let (online, offline) = arrays(online, offline)?;
        Ok(Self::from_arrays(&online, &offline))
    }

    /// Parses the well-formed entries, and counts the others.
    pub(in crate::protocol) fn from_arrays(online: &[&'a RawValue], offline: &[&'a RawValue]) -> Self {
        let read =
            |raw: &[&'a RawValue]| -> Vec<_> { raw.iter().filter_map(|raw| read_entry(raw.get())).collect() };
        let (online_entries, offline_entries) = (read(online), read(offline));
        let malformed = online.len() + offline.len() - online_entries.len() - offline_entries.len();
        Self { online: online_entries, offline: offline_entries, malformed }
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.online.len() + self.offline.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same lists without borrowed text.
    pub fn into_owned<'b>(self) -> ReceivedLists<'b> {
        let own = |list: Vec<ReceivedEntry<'_>>| list.into_iter().map(ReceivedEntry::into_owned).collect();
        ReceivedLists { online: own(self.online), offline: own(self.offline), malformed: self.malformed }
    }
}

impl ReceivedEntry<'_> {
    pub(in crate::protocol) fn into_owned<'b>(self) -> ReceivedEntry<'b> {
        ReceivedEntry { base_url: Cow::Owned(self.base_url.into_owned()), ..self }
    }
}

/// The native extension of a gossip message; `None` if there is none, or if this is not a gossip
/// message.
pub fn read_extension(text: &str) -> Option<Extension> {
    let text = without_bom(text);
    // Plain lists may be long, so they are not parsed twice.
    if !text.contains("\"v2\"") {
        return None;
    }
    let [online, v2] = json_fields::read(text, ["online", "v2"]).ok()?;
    online.filter(|online| online.get().starts_with('['))?;
    Extension::read(v2?.get())
}

/// The two arrays of a list document, with unparsed elements.
pub(in crate::protocol) fn read_arrays(text: &str) -> Result<(Vec<&RawValue>, Vec<&RawValue>), &'static str> {
    let [online, offline] = json_fields::read(without_bom(text), ["online", "offline"]).map_err(no_object)?;
    arrays(online, offline)
}

pub(in crate::protocol) const BYTE_ORDER_MARK: char = '\u{feff}';

pub(in crate::protocol) fn without_bom(text: &str) -> &str {
    text.trim_start_matches(BYTE_ORDER_MARK)
}

/// How errors describe a text that is not a JSON object.
pub(in crate::protocol) fn no_object(error: serde_json::Error) -> &'static str {
    if error.is_data() { "JSON that is not an object" } else { "no JSON" }
}

/// The unparsed elements of an array; `None` for anything else.
pub(in crate::protocol) fn array(raw: &RawValue) -> Option<Vec<&RawValue>> {
    // A parser takes longer to reject anything else than this look at the first byte.
    raw.get().starts_with('[').then(|| serde_json::from_str(raw.get()).ok())?
}

/// The unparsed elements of the two fields.
pub(in crate::protocol) fn arrays<'a>(
    online: Option<&'a RawValue>,
    offline: Option<&'a RawValue>,
) -> Result<(Vec<&'a RawValue>, Vec<&'a RawValue>), &'static str> {
    let online = online.and_then(array).ok_or(NO_ONLINE)?;
    let offline = match offline {
        Some(raw) => array(raw).ok_or("an `offline` that is not an array")?,
        None => Vec::new(),
    };
    if online.len().max(offline.len()) > MAX_ENTRIES {
        return Err("a list of over 1,000,000 entries");
    }
    Ok((online, offline))
}

/// One entry; `None` unless it is an object with a string `baseUrl` and a number `lastUpdate`.
pub(in crate::protocol) fn read_entry(text: &str) -> Option<ReceivedEntry<'_>> {
    let [base_url, monitor, last_update] =
        json_fields::read(text, ["baseUrl", "monitor", "lastUpdate"]).ok()?;
    let base_url = base_url?.get();
    Some(ReceivedEntry {
        base_url: serde_json::from_str::<Text<'_>>(base_url).ok()?.0,
        monitor: monitor.is_some_and(|raw| raw.get() == "true"),
        last_update: number(last_update?.get())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn lists(text: &str) -> ReceivedLists<'_> {
        ReceivedLists::read(text).unwrap()
    }

    #[test]
    fn messages_have_three_keys_and_entries_three() {
        let lists = Lists {
            online: vec![Entry { base_url: "http://a/".into(), monitor: true, last_update: Stamp(7) }],
            offline: vec![],
        };
        assert_eq!(
            String::from_utf8(lists.to_gossip_json(None)).unwrap(),
            r#"{"message":"gossip","online":[{"baseUrl":"http://a/","monitor":true,"lastUpdate":7}],"offline":[]}"#
        );
    }

    #[test]
    fn malformed_entries_do_not_affect_the_rest() {
        let received = lists(
            "\u{feff}{\"online\":[null,1,\"x\",[],{},{\"baseUrl\":1,\"lastUpdate\":1},{\"baseUrl\":\"\\ud800\",\"lastUpdate\":1},\
             {\"baseUrl\":\"b\",\"lastUpdate\":\"1\"},{\"baseUrl\":\"http://a/\",\"lastUpdate\":1e999},\
             {\"baseUrl\":\"http://b/\",\"monitor\":true,\"lastUpdate\":5,\"extra\":{}}]}",
        );
        assert_eq!(received.malformed, 8);
        assert_eq!(received.online.len(), 2);
        assert!(received.online[0].last_update.is_infinite());
        assert_eq!(
            received.online[1],
            ReceivedEntry { base_url: "http://b/".into(), monitor: true, last_update: 5.0 }
        );
    }

    #[test]
    fn keys_are_parsed_as_in_javascript() {
        let received = lists(
            r#"{"\ud800":1,"online":[],"online":[{"\udfff":1,"baseUrl":1,"baseUrl":"http://a/","lastUpdate":1,"lastUpd\u0061te":2}]}"#,
        );
        assert_eq!(
            received.online,
            [ReceivedEntry { base_url: "http://a/".into(), monitor: false, last_update: 2.0 }]
        );
        assert_eq!(received.malformed, 0);
    }

    #[test]
    fn malformed_lists_are_rejected() {
        for text in [
            "",
            "null",
            "[]",
            "{}",
            "{\"online\":{}}",
            "{\"online\":null}",
            "{\"online\":[]",
            "<html>",
            "{\"online\":[],\"offline\":1}",
            "{\"online\":[],\"offline\":null}",
        ] {
            assert!(ReceivedLists::read(text).is_err(), "{text}");
        }
        assert!(ReceivedLists::read("{\"online\":[]}").is_ok());
    }

    #[test]
    fn replies_distinguish_refusals_from_failures() {
        let read = |status, body: &'static str| Reply::read(status, None, body.as_bytes());
        assert!(matches!(read(200, "{\"online\":[]}"), Reply::Lists(_)));
        assert!(matches!(read(401, "{\"error\":\"Unauthorized\"}"), Reply::Refusal(Refusal::Unauthorized)));
        assert!(matches!(read(401, "{\"error\":\"Clustershazbot engine not started\"}"), Reply::Failure(_)));
        assert!(matches!(read(200, "{\"error\":\"Clustershazbot engine not started\"}"), Reply::Failure(_)));
        assert!(matches!(read(413, ""), Reply::Refusal(Refusal::TooLarge)));
        assert!(matches!(read(429, ""), Reply::Refusal(Refusal::TooManyRequests(None))));
        assert!(matches!(read(503, ""), Reply::Failure(_)));
        assert!(matches!(read(404, "{\"online\":[]}"), Reply::Unclear(_)));
        assert!(matches!(read(200, "<html>"), Reply::Unclear(_)));
        assert!(matches!(read(204, ""), Reply::Unclear(_)));
    }

    #[test]
    fn a_wrapped_response_causes_a_hint() {
        let hint = "answered 200 with no array `online`: does the route wrap its response?";
        for body in ["{}", r#"{"data":{"online":[]}}"#, r#"{"online":{}}"#] {
            assert_eq!(Reply::read(200, None, body.as_bytes()), Reply::Unclear(hint.to_owned()), "{body}");
        }
    }

    #[test]
    fn retry_after_is_honoured_up_to_an_hour() {
        for (requested, honoured) in [(7, 7), (1_000_000, 3_600)] {
            assert_eq!(
                Reply::read(429, Some(Duration::from_secs(requested)), b""),
                Reply::Refusal(Refusal::TooManyRequests(Some(Duration::from_secs(honoured))))
            );
        }
    }

    #[test]
    fn invalid_utf_8_is_replaced_as_in_javascript() {
        let body = b"{\"online\":[{\"baseUrl\":\"http://a/\",\"lastUpdate\":1},{\"baseUrl\":\"\xff\",\"lastUpdate\":1}]}";
        let Reply::Lists(lists) = Reply::read(200, None, body) else { panic!("no lists") };
        assert_eq!(lists.online.len(), 2);
    }
}
