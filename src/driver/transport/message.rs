//! Requests, answers and what may stand in a header.

use std::{fmt, time::Duration};

use reqwest::header::HeaderValue;

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is to be done.
    pub method: Method,
    /// An `http:`, `https:` or (for a GET) `data:` URL. User info in it becomes Basic authorization on a GET
    /// without `authorization`; it is left out of every other request.
    pub url: String,
    /// The `Authorization` header, sent as it is.
    pub authorization: Option<HeaderText>,
    /// A body of JSON; goes out with `Content-Type: application/json` and a `Content-Length`.
    pub json_body: Option<Vec<u8>>,
    /// The `If-Match` header, an ETag as [`Response::etag`] gave it.
    pub if_match: Option<String>,
    /// The `If-None-Match` header.
    pub if_none_match: Option<String>,
    /// Whom it goes to.
    pub destination: Destination,
    /// The time for everything: connecting, redirects, a second try, and the body of the answer.
    pub timeout: Duration,
    /// Whether it takes a new connection, and none is kept.
    pub is_alone: bool,
}

/// Whom a request goes to, which says what is expected there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// A server that others told of: no address that no server has, and at most 3 redirects.
    Peer,
    /// The master list that the operator has configured: at most 20 redirects, only these to be checked, and no content
    /// coding, because a store may give each coding a validator of its own.
    MasterList,
}

/// The methods in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
}

/// An answer, of whatever status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status; a redirect has been followed already.
    pub status: u16,
    /// The `ETag` header.
    pub etag: Option<String>,
    /// How long the server wants to be left alone, by its `Retry-After` header.
    pub retry_after: Option<Duration>,
    /// Whether redirects led to another URL than the one asked.
    pub is_elsewhere: bool,
    /// The body, decompressed, at most 16 MB.
    pub body: Vec<u8>,
}

/// A header value that goes out as Latin-1, as `fetch` sends it. `Debug` hides the content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderText(HeaderValue);

/// The text holds a character that no HTTP header can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAHeaderValue;

impl HeaderText {
    /// Takes what `fetch` takes: characters up to U+00FF, without ASCII's control characters other than the tab.
    /// White space around the text is cut off.
    pub fn new(text: &str) -> Result<Self, NotAHeaderValue> {
        let mut value = latin1(text.trim_matches([' ', '\t', '\r', '\n'])).ok_or(NotAHeaderValue)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    pub(super) fn into_value(self) -> HeaderValue {
        self.0
    }
}

impl fmt::Display for NotAHeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it holds a character that an HTTP header cannot carry")
    }
}

impl std::error::Error for NotAHeaderValue {}

/// The header value for a text, where there is one.
pub(super) fn latin1(text: &str) -> Option<HeaderValue> {
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
    HeaderValue::from_bytes(&bytes?).ok()
}

/// The text of a header value, so that [`latin1`] gives the same bytes back.
pub(super) fn text(value: &HeaderValue) -> String {
    value.as_bytes().iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_text_is_what_fetch_takes() {
        assert_eq!(HeaderText::new("pä\tss").unwrap().into_value().as_bytes(), b"p\xe4\tss");
        assert_eq!(HeaderText::new(" key\r\n").unwrap().into_value().as_bytes(), b"key");
        for refused in ["a\nb", "a\rb", "a\0b", "a\u{7f}b", "€", "🎉"] {
            assert_eq!(HeaderText::new(refused), Err(NotAHeaderValue), "{refused:?}");
        }
    }

    #[test]
    fn debug_output_hides_the_content() {
        let secret = HeaderText::new("hush").unwrap();
        assert!(!format!("{secret:?}").contains("hush"));
        let request = Request {
            method: Method::Get,
            url: String::new(),
            authorization: Some(secret),
            json_body: None,
            if_match: None,
            if_none_match: None,
            destination: Destination::Peer,
            timeout: Duration::ZERO,
            is_alone: false,
        };
        assert!(!format!("{request:?}").contains("hush"));
    }

    #[test]
    fn an_etag_comes_back_byte_for_byte() {
        let etag = HeaderValue::from_bytes(b"W/\"\xe9\"").unwrap();
        assert_eq!(latin1(&text(&etag)), Some(etag));
    }
}
