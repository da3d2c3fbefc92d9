//! Errors contain no secrets.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    thread,
    time::Duration,
};

use super::{
    super::{Request, TransportError},
    client, post,
    server::{Reply, Server, response},
    tls_server::{HOST, Identity, TlsServer, ecdsa_key, openssl_params},
};

#[tokio::test]
async fn errors_contain_no_secret_user_info_or_query() {
    let redirecting = Server::start(|_, _| Reply::redirect(302, "http://in:hush@[/?hush")).await;
    let looping = Server::start(|_, _| Reply::redirect(307, "/?sig=hush")).await;
    let garbage = Server::start(|_, _| Reply::Close(b"hush\r\n\r\n".to_vec())).await;
    let resetting = Server::start(|_, _| Reply::Reset).await;
    let silent = Server::start(|_, _| Reply::Silence).await;
    let broken = Server::start(|_, _| response("200 OK", &[("Content-Encoding", "gzip")], b"hush")).await;
    let untrusted = TlsServer::start(&Identity::self_signed(openssl_params(HOST), ecdsa_key()));

    let url =
        |scheme: &str, host: &dyn std::fmt::Display| format!("{scheme}://us-hush:pw-hush@{host}/?sig=hush");
    let mut urls: Vec<String> = [&redirecting, &looping, &garbage, &resetting, &silent, &broken]
        .map(|server| url("http", &server.address))
        .into();
    urls.extend([
        url("https", &format!("{HOST}:{}", untrusted.port)),
        url("https", &plain_http_server()),
        url("http", &closed_port()),
        url("http", &"no-such-host.invalid"),
        url("ftp", &silent.address),
        url("http", &"[hush"),
        format!("http://{}/{}hush", silent.address, "x".repeat(70_000)),
        "data:hush".into(),
        "hush".into(),
    ]);
    let client = client();
    for url in urls {
        let request = Request {
            authorization: super::HeaderText::new("hush").ok(),
            timeout: Duration::from_secs(3),
            ..post(&url)
        };
        let error = client.send(request).await.unwrap_err();
        let (shown, debugged) = (error.to_string(), format!("{error:?}"));
        assert!(
            !shown.is_empty() && !shown.contains("hush") && !debugged.contains("hush"),
            "{url}: {debugged}"
        );
    }
}

/// A server that responds to a TLS handshake with HTTP.
fn plain_http_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        stream.write_all(b"HTTP/1.1 400 hush\r\n\r\n")?;
        stream.read_to_end(&mut Vec::new())
    });
    address
}

/// An address on which nothing listens.
fn closed_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn errors_are_short_reasons() {
    let unused = closed_port();
    let error = client().send(post(format!("http://{unused}/"))).await.unwrap_err();
    assert!(error.is_refused());
    assert_eq!(error.to_string(), "connection refused");
    let late = TransportError::TimedOut(Duration::from_secs(5));
    assert!(!late.is_refused());
    assert_eq!(late.to_string(), "timed out after 5 s");
    assert_eq!(TransportError::TooLarge.to_string(), "response is larger than 16 MB");
}
