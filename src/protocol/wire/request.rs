//! The body of a gossip request.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::text::scalars::Text;
use crate::protocol::wire::extension::Extension;
use crate::protocol::wire::json_fields;
use crate::protocol::wire::message::{self, BYTE_ORDER_MARK, ReceivedLists};

/// A gossip request whose lists and `v2` field are not parsed yet.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    online: Option<&'a RawValue>,
    offline: Option<&'a RawValue>,
    v2: Option<&'a RawValue>,
}

impl<'a> Request<'a> {
    /// Reads a body as body parsers and the function for parsed bodies do: one byte order mark is
    /// skipped.
    ///
    /// # Errors
    /// Returns what the text is instead.
    pub fn read(text: &'a str) -> Result<Self, &'static str> {
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let [online, offline, v2] =
            json_fields::read(text, ["online", "offline", "v2"]).map_err(message::no_object)?;
        Ok(Self { online, offline, v2 })
    }

    /// Parses the lists.
    ///
    /// # Errors
    /// Returns what the body is instead of a gossip message.
    pub fn lists(self) -> Result<ReceivedLists<'a>, &'static str> {
        ReceivedLists::from_fields(self.online, self.offline)
    }

    /// Parses the native extension, which replaces the lists; `None` without a valid one.
    ///
    /// # Errors
    /// Returns what the body is instead of a gossip message: the content of the lists is ignored,
    /// but they must be there.
    pub fn extension(self) -> Result<Option<Extension>, &'static str> {
        match self.v2.and_then(|v2| Extension::read(v2.get())) {
            Some(extension) => self.check_lists().map(|()| Some(extension)),
            None => Ok(None),
        }
    }

    /// The payload of a signed message; `None` without one.
    ///
    /// # Errors
    /// Returns what the body is instead of a gossip message.
    pub fn payload(self) -> Result<Option<Cow<'a, str>>, &'static str> {
        self.check_lists()?;
        Ok(self.v2.and_then(read_text))
    }

    /// The nonce with which the sender challenges this server; `None` without one.
    pub fn nonce(self) -> Option<Cow<'a, str>> {
        self.v2.and_then(|v2| read_nonce(v2.get()))
    }

    fn check_lists(self) -> Result<(), &'static str> {
        message::arrays(self.online, self.offline).map(|_| ())
    }
}

/// Returns the normalised base URL of the server that a body names as its sender. `None` if it
/// names none, as plain requests do, or is malformed.
pub fn sender(text: &str) -> Option<Arc<str>> {
    let extension = Request::read(text).ok()?.extension().ok()??;
    BaseUrl::parse(&extension.me.base_url).ok().map(|url| Arc::clone(url.identity()))
}

/// Reads the nonce in the value of a `v2` field.
pub fn read_nonce(v2: &str) -> Option<Cow<'_, str>> {
    if !v2.starts_with('{') {
        return None;
    }
    let [nonce] = json_fields::read(v2, ["nonce"]).ok()?;
    nonce.and_then(read_text)
}

/// Reads a string.
pub(in crate::protocol) fn read_text(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = raw.get();
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        // Without an escape, the text stands there as it is.
        Some(inside) if !inside.contains('\\') => Some(Cow::Borrowed(inside)),
        _ => serde_json::from_str(text).ok().map(|Text(text)| text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NATIVE: &str =
        r#"{"online":[],"v2":{"me":["http://a/","alive",1,5,0],"id":"1","kind":"push"},"message":"gossip"}"#;

    fn read(text: &str) -> Request<'_> {
        Request::read(text).unwrap()
    }

    #[test]
    fn an_invalid_extension_leaves_the_lists() {
        assert!(matches!(read(NATIVE).extension(), Ok(Some(_))));
        assert!(read(NATIVE).lists().unwrap().is_empty());
        let odd = r#"{"online":[{"baseUrl":"http://a/","lastUpdate":1}],"v2":{"me":1}}"#;
        assert!(matches!(read(odd).extension(), Ok(None)));
        assert_eq!(read(odd).lists().unwrap().online.len(), 1);
    }

    #[test]
    fn a_signed_message_has_its_payload_in_one_string() {
        let payload = |text| read(text).payload().map(|payload| payload.map(Cow::into_owned));
        assert_eq!(payload(r#"{"online":[],"v2":"\u0061bc"}"#), Ok(Some("abc".to_owned())));
        assert_eq!(payload(NATIVE), Ok(None));
        assert_eq!(payload(r#"{"v2":"abc"}"#), Err("no array `online`"));
    }

    #[test]
    fn a_nonce_stands_alone_or_in_an_extension() {
        fn nonce(text: &str) -> Option<String> {
            read(text).nonce().map(Cow::into_owned)
        }
        assert_eq!(nonce(r#"{"online":[],"v2":{"nonce":"n"}}"#), Some("n".to_owned()));
        assert_eq!(nonce(&NATIVE.replace(r#""id""#, r#""nonce":"n","id""#)), Some("n".to_owned()));
        for text in [NATIVE, r#"{"v2":{"nonce":1}}"#, r#"{"v2":"nonce"}"#, "{}"] {
            assert_eq!(nonce(text), None, "{text}");
        }
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
        assert!(Request::read(&format!("{BYTE_ORDER_MARK}{NATIVE}")).is_ok());
        assert!(Request::read(&format!("{BYTE_ORDER_MARK}{BYTE_ORDER_MARK}{NATIVE}")).is_err());
    }

    #[test]
    fn errors_describe_the_body() {
        for (text, fault) in [
            ("", "no JSON"),
            ("[]", "JSON that is not an object"),
            ("{}", "no array `online`"),
            (r#"{"online":[],"offline":null}"#, "an `offline` that is not an array"),
            (&NATIVE.replace("[],", "5,"), "no array `online`"),
            (&format!(r#"{{"online":[{}0]}}"#, "0,".repeat(1_000_000)), "a list of over 1,000,000 entries"),
        ] {
            let outcome = Request::read(text).and_then(|request| {
                request.extension()?;
                request.lists()
            });
            assert_eq!(outcome.err(), Some(fault), "{text}");
        }
    }
}
