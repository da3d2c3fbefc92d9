//! The HTTP client over real sockets.

mod allow;
mod body;
mod idle;
mod redirects;
mod requests;
mod reuse;
mod secrecy;
mod server;
mod tls;
mod tls_files;
mod tls_server;

use std::time::Duration;

use super::{ConfiguredUrls, HeaderText, HttpClient, HttpSettings, Method, Request};

/// Long enough for anything on loopback; only tests of timeouts use a shorter one.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

fn client() -> HttpClient {
    client_with(&HttpSettings::default())
}

fn client_with(settings: &HttpSettings) -> HttpClient {
    HttpClient::new(settings, &ConfiguredUrls::default()).unwrap().0
}

fn get(url: impl Into<String>) -> Request {
    Request::to_peer(Method::Get, url.into(), TEST_TIMEOUT)
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
