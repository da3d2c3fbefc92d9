//! The HTTP client over real sockets.

mod allow;
mod body;
mod redirects;
mod requests;
mod reuse;
mod secrecy;
mod server;
mod tls;
mod tls_files;
mod tls_server;

use std::time::Duration;

use super::{ConfiguredUrls, Destination, HeaderText, HttpClient, HttpSettings, Method, Request};

/// Long enough for anything on loopback; only tests of timeouts use a shorter one.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

fn client() -> HttpClient {
    client_with(&HttpSettings::default())
}

fn client_with(settings: &HttpSettings) -> HttpClient {
    HttpClient::new(settings, &ConfiguredUrls::default()).unwrap().0
}

fn get(url: impl Into<String>) -> Request {
    Request {
        method: Method::Get,
        url: url.into(),
        authorization: None,
        json_body: None,
        if_match: None,
        if_none_match: None,
        destination: Destination::Peer,
        timeout: TEST_TIMEOUT,
        needs_new_connection: false,
        is_sent_once: false,
    }
}

fn post(url: impl Into<String>) -> Request {
    Request {
        method: Method::Post,
        authorization: Some(HeaderText::new("s3cret").unwrap()),
        json_body: Some(b"{\"message\":\"gossip\"}".to_vec()),
        ..get(url)
    }
}

fn put(url: impl Into<String>) -> Request {
    Request { method: Method::Put, ..post(url) }
}
