//! Requests, responses and header values.

use std::{fmt, time::Duration};

use reqwest::header::HeaderValue;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// An `http:`, `https:` or (for a GET) `data:` URL. Its user info becomes Basic authorization
    /// on a GET without `authorization`, and is removed from every other request.
    pub url: String,
    /// The `Authorization` header, sent as is.
    pub authorization: Option<HeaderText>,
    /// A JSON body, sent with `Content-Type: application/json` and a `Content-Length`.
    pub json_body: Option<Vec<u8>>,
    /// The `If-Match` header: an ETag from [`Response::etag`].
    pub if_match: Option<String>,
    /// The `If-None-Match` header.
    pub if_none_match: Option<String>,
    /// The kind of server that it is sent to.
    pub destination: Destination,
    /// The time for everything: connecting, redirects, a retry and the response's body.
    pub timeout: Duration,
    /// Whether it opens a new connection, which is closed afterwards.
    pub needs_new_connection: bool,
    /// Whether it must not be sent again over another connection if a reused one fails, which is
    /// [`TransportError::ReusedConnection`](super::TransportError::ReusedConnection) then.
    pub is_sent_once: bool,
    /// Whether redirects are followed; otherwise they are responses.
    pub follows_redirects: bool,
    /// Whether content codings are offered. A short response gains nothing from them.
    pub offers_codings: bool,
}

impl Request {
    /// A request to a peer with nothing but these.
    pub fn to_peer(method: Method, url: String, timeout: Duration) -> Self {
        Self {
            method,
            url,
            authorization: None,
            json_body: None,
            if_match: None,
            if_none_match: None,
            destination: Destination::Peer,
            timeout,
            needs_new_connection: false,
            is_sent_once: false,
            follows_redirects: true,
            offers_codings: true,
        }
    }
}

/// The kind of server that a request is sent to, which decides what is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// A server named by others: only addresses that servers have, and at most 3 redirects.
    Peer,
    /// The master list that the operator has configured. Only its redirects are checked, at most
    /// 20. No content coding is accepted, because a store may give each coding a validator of its
    /// own.
    MasterList,
}

/// The supported methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
}

/// A response of any status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status, after redirects.
    pub status: u16,
    /// The `ETag` header.
    pub etag: Option<String>,
    /// How long the server asks not to be contacted, from its `Retry-After` header.
    pub retry_after: Option<Duration>,
    /// Whether redirects led to a different URL.
    pub was_redirected: bool,
    /// The body, decompressed, at most 16 MB.
    pub body: Vec<u8>,
}

impl Response {
    /// A response whose body is not read.
    pub(super) fn bare(status: u16) -> Self {
        Self { status, etag: None, retry_after: None, was_redirected: false, body: Vec::new() }
    }
}

/// A header value that is sent as Latin-1, as in `fetch`. `Debug` hides the content, which is wiped
/// when it is dropped; copies that are being sent are not.
#[derive(Clone, PartialEq, Eq)]
pub struct HeaderText(Zeroizing<Vec<u8>>);

impl ZeroizeOnDrop for HeaderText {}

/// The text contains a character that no HTTP header can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAHeaderValue;

impl HeaderText {
    /// Accepts what `fetch` accepts: characters up to U+00FF, without ASCII control characters
    /// except the tab. Leading and trailing whitespace is removed.
    pub fn new(text: &str) -> Result<Self, NotAHeaderValue> {
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        let fits = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
        // Its capacity suffices, so that no reallocation leaves a copy.
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
        for c in text.chars() {
            bytes.push(u8::try_from(c).ok().filter(fits).ok_or(NotAHeaderValue)?);
        }
        Ok(Self(bytes))
    }

    /// Returns the value for one request, which cannot be wiped; `None` never happens, since the
    /// text was checked.
    pub(super) fn to_value(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_bytes(&self.0).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for HeaderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeaderText(…)")
    }
}

impl fmt::Display for NotAHeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it contains a character that an HTTP header cannot contain")
    }
}

impl std::error::Error for NotAHeaderValue {}

/// Returns the header value for a text, if there is one.
pub(super) fn latin1(text: &str) -> Option<HeaderValue> {
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
    HeaderValue::from_bytes(&bytes?).ok()
}

/// Returns the text of a header value, which [`latin1`] turns back into the same bytes.
pub(super) fn text(value: &HeaderValue) -> String {
    value.as_bytes().iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_text_accepts_the_same_values_as_fetch() {
        assert_eq!(*HeaderText::new("pä\tss").unwrap().0, b"p\xe4\tss");
        assert_eq!(*HeaderText::new(" key\r\n").unwrap().0, b"key");
        for refused in ["a\nb", "a\rb", "a\0b", "a\u{7f}b", "€", "🎉"] {
            assert_eq!(HeaderText::new(refused), Err(NotAHeaderValue), "{refused:?}");
        }
    }

    #[test]
    fn debug_output_hides_the_content() {
        let secret = HeaderText::new("hush").unwrap();
        assert!(!format!("{secret:?}").contains("hush"));
        let request = Request {
            authorization: Some(secret),
            ..Request::to_peer(Method::Get, String::new(), Duration::ZERO)
        };
        assert!(!format!("{request:?}").contains("hush"));
    }

    #[test]
    fn an_etag_comes_back_byte_for_byte() {
        let etag = HeaderValue::from_bytes(b"W/\"\xe9\"").unwrap();
        assert_eq!(latin1(&text(&etag)), Some(etag));
    }
}
