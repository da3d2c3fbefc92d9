//! The body of a gossip request.

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
    /// Reads a body as body parsers and the function for parsed bodies do: one byte order mark is
    /// skipped. Reads the extension only for a server that speaks it.
    ///
    /// # Errors
    /// Returns what the text is instead.
    pub fn read(text: &'a str, speaks_natively: bool) -> Result<Self, &'static str> {
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let [online, offline, v2] =
            json_fields::read(text, ["online", "offline", "v2"]).map_err(message::no_object)?;
        let extension = v2.filter(|_| speaks_natively).and_then(|v2| Extension::read(v2.get()));
        let Some(extension) = extension else {
            return Ok(Self::Lists(ReceivedLists::from_fields(online, offline)?));
        };
        // Their content is ignored, but without them this is no gossip message.
        message::arrays(online, offline)?;
        Ok(Self::Native(Box::new(extension)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NATIVE: &str =
        r#"{"online":[],"v2":{"me":["http://a/","alive",1,5,0],"id":"1","kind":"push"},"message":"gossip"}"#;

    #[test]
    fn the_extension_counts_where_it_is_spoken() {
        assert!(matches!(Request::read(NATIVE, true), Ok(Request::Native(_))));
        assert!(matches!(Request::read(NATIVE, false), Ok(Request::Lists(_))));
        let odd = r#"{"online":[{"baseUrl":"http://a/","lastUpdate":1}],"v2":{"me":1}}"#;
        let Ok(Request::Lists(lists)) = Request::read(odd, true) else { panic!("no lists") };
        assert_eq!(lists.online.len(), 1);
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        let marked = format!("{BYTE_ORDER_MARK}{NATIVE}");
        assert!(matches!(Request::read(&marked, true), Ok(Request::Native(_))));
    }

    #[test]
    fn what_is_no_request_is_named() {
        for (text, fault) in [
            ("", "no JSON"),
            ("[]", "JSON that is no object"),
            ("{}", "no array `online`"),
            (r#"{"online":[],"offline":null}"#, "an `offline` that is no array"),
            (&NATIVE.replace("[],", "5,"), "no array `online`"),
            (&format!("{BYTE_ORDER_MARK}{BYTE_ORDER_MARK}{NATIVE}"), "no JSON"),
            (&format!(r#"{{"online":[{}0]}}"#, "0,".repeat(1_000_000)), "a list of over 1,000,000 entries"),
        ] {
            assert_eq!(Request::read(text, true).err(), Some(fault), "{text}");
        }
    }
}
