//! The body of a gossip request.

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::wire::extension::Extension;
use crate::protocol::wire::json_fields;
use crate::protocol::wire::message::{self, BYTE_ORDER_MARK, ReceivedLists};

/// A parsed gossip request.
#[derive(Debug)]
pub enum Request<'a> {
    /// A native extension, which replaces the lists beside it.
    Native(Box<Extension>),
    /// Lists of servers without an extension that this server understands.
    Lists(ReceivedLists<'a>),
}

impl<'a> Request<'a> {
    /// Parses a body as body parsers and the function for parsed bodies do: one byte order mark is
    /// skipped.
    ///
    /// # Errors
    /// Returns what the text is instead.
    pub fn read(text: &'a str) -> Result<Self, &'static str> {
        let [online, offline, v2] = fields(text)?;
        let Some(extension) = v2.and_then(|v2| Extension::read(v2.get())) else {
            return Ok(Self::Lists(ReceivedLists::from_fields(online, offline)?));
        };
        // Their content is ignored, but without them this is not a gossip message.
        message::arrays(online, offline)?;
        Ok(Self::Native(Box::new(extension)))
    }

    /// Parses a body like [`Request::read`], for a server without the native extension.
    ///
    /// # Errors
    /// Returns what the text is instead.
    pub fn read_plain(text: &'a str) -> Result<Self, &'static str> {
        let [online, offline, _] = fields(text)?;
        Ok(Self::Lists(ReceivedLists::from_fields(online, offline)?))
    }
}

/// Returns the normalised base URL of the server that a body names as its sender. `None` if it
/// names none, as plain requests do, or is malformed.
pub fn sender(text: &str) -> Option<Arc<str>> {
    let Request::Native(extension) = Request::read(text).ok()? else { return None };
    BaseUrl::parse(&extension.me.base_url).ok().map(|url| Arc::clone(url.identity()))
}

fn fields(text: &str) -> Result<[Option<&RawValue>; 3], &'static str> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    json_fields::read(text, ["online", "offline", "v2"]).map_err(message::no_object)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NATIVE: &str =
        r#"{"online":[],"v2":{"me":["http://a/","alive",1,5,0],"id":"1","kind":"push"},"message":"gossip"}"#;

    #[test]
    fn the_extension_counts_only_for_native_servers() {
        assert!(matches!(Request::read(NATIVE), Ok(Request::Native(_))));
        assert!(matches!(Request::read_plain(NATIVE), Ok(Request::Lists(_))));
        let odd = r#"{"online":[{"baseUrl":"http://a/","lastUpdate":1}],"v2":{"me":1}}"#;
        let Ok(Request::Lists(lists)) = Request::read(odd) else { panic!("no lists") };
        assert_eq!(lists.online.len(), 1);
    }

    #[test]
    fn only_a_native_request_names_its_sender() {
        assert_eq!(sender(NATIVE).as_deref(), Some("http://a/"));
        assert_eq!(sender(&NATIVE.replace("http://a/", "HTTP://A:80")).as_deref(), Some("http://a/"));
        for other in ["http://u:p@a/", "", "a"] {
            assert_eq!(sender(&NATIVE.replace("http://a/", other)), None, "{other}");
        }
        assert_eq!(sender(r#"{"online":[]}"#), None);
        assert_eq!(sender("[]"), None);
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        let marked = format!("{BYTE_ORDER_MARK}{NATIVE}");
        assert!(matches!(Request::read(&marked), Ok(Request::Native(_))));
    }

    #[test]
    fn malformed_requests_are_rejected_with_the_reason() {
        for (text, fault) in [
            ("", "no JSON"),
            ("[]", "JSON that is not an object"),
            ("{}", "no array `online`"),
            (r#"{"online":[],"offline":null}"#, "an `offline` that is not an array"),
            (&NATIVE.replace("[],", "5,"), "no array `online`"),
            (&format!("{BYTE_ORDER_MARK}{BYTE_ORDER_MARK}{NATIVE}"), "no JSON"),
            (&format!(r#"{{"online":[{}0]}}"#, "0,".repeat(1_000_000)), "a list of over 1,000,000 entries"),
        ] {
            assert_eq!(Request::read(text).err(), Some(fault), "{text}");
        }
    }
}
