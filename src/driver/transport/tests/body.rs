//! Bodies: decompression and size limits.

use std::{io::Write, time::Duration};

use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};

use super::{
    super::{Request, Response, TransportError},
    client, get,
    server::{Reply, Server, response, wait_until},
};

const LIST: &[u8] = b"{\"online\":[]}";
/// `LIST`, compressed with Node's `brotliCompressSync`.
const BROTLI: &[u8] =
    &[0x0b, 0x06, 0x80, 0x7b, 0x22, 0x6f, 0x6e, 0x6c, 0x69, 0x6e, 0x65, 0x22, 0x3a, 0x5b, 0x5d, 0x7d, 0x03];
const LARGEST: usize = 16 * 1024 * 1024;

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn bare_deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

async fn fetch(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Result<Response, TransportError> {
    let server = Server::start(move |_, _| reply()).await;
    client().send(get(server.url("/"))).await
}

#[tokio::test]
async fn compressed_bodies_are_decoded() {
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::default());
    deflate.write_all(LIST).unwrap();
    for (encoding, body) in
        [("gzip", gzip(LIST)), ("deflate", deflate.finish().unwrap()), ("br", BROTLI.to_vec())]
    {
        let server =
            Server::start(move |_, _| response("200 OK", &[("Content-Encoding", encoding)], &body)).await;
        let response = client().send(get(server.url("/"))).await.unwrap();
        assert_eq!(response.body, LIST, "{encoding}");
        let offered = server.requests()[0].header("accept-encoding").concat();
        assert!(offered.split(',').any(|offer| offer.trim() == encoding), "{offered}");
    }
}

#[tokio::test]
async fn aliases_and_stacked_codings_are_decoded() {
    for (encoding, body) in [
        ("x-gzip", gzip(LIST)),
        ("GZIP", gzip(LIST)),
        ("deflate", bare_deflate(LIST)),
        ("gzip, gzip", gzip(&gzip(LIST))),
        ("gzip,gzip , x-gzip", gzip(&gzip(&gzip(LIST)))),
        ("deflate, gzip", gzip(&bare_deflate(LIST))),
        ("identity", LIST.to_vec()),
    ] {
        let reply = move || response("200 OK", &[("Content-Encoding", encoding)], &body);
        assert_eq!(fetch(reply).await.unwrap().body, LIST, "{encoding}");
    }
}

#[tokio::test]
async fn more_than_three_codings_fail_before_the_body_is_read() {
    let four = (0..4).fold(LIST.to_vec(), |body, _| gzip(&body));
    let many = vec!["gzip"; 2_000].join(",");
    for encoding in ["gzip,gzip,gzip,gzip", "gzip, br, identity, x", &many] {
        let endless = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\n\r\n").into_bytes();
        let four = four.clone();
        let outcome = fetch(move || Reply::Endless(endless.clone(), four.clone())).await;
        assert!(matches!(outcome, Err(TransportError::InvalidResponse(_))), "{encoding}: {outcome:?}");
    }
    let lines = [("Content-Encoding", "gzip,gzip"), ("Content-Encoding", "gzip,gzip")];
    assert!(fetch(move || response("200 OK", &lines, &four)).await.is_err());
}

#[tokio::test]
async fn all_codings_of_a_response_share_one_budget() {
    let plain = vec![b' '; LARGEST - 200_000];
    let within = gzip(&gzip(&plain));
    let within = fetch(move || response("200 OK", &[("Content-Encoding", "gzip,gzip")], &within)).await;
    assert_eq!(within.unwrap().body.len(), plain.len());
    let stored = GzEncoder::new(Vec::new(), Compression::none());
    let stored = [vec![b' '; LARGEST / 2 + 1]].iter().fold(stored, |mut encoder, part| {
        encoder.write_all(part).unwrap();
        encoder
    });
    let beyond = gzip(&stored.finish().unwrap());
    let beyond = fetch(move || response("200 OK", &[("Content-Encoding", "gzip,gzip")], &beyond)).await;
    assert_eq!(beyond, Err(TransportError::TooLarge));
}

/// Empty members produce nothing, and each takes time.
#[tokio::test]
async fn a_body_that_decodes_to_nothing_fails() {
    let few = gzip(b"").repeat(1_000);
    assert_eq!(
        fetch(move || response("200 OK", &[("Content-Encoding", "gzip")], &few)).await.unwrap().body,
        b""
    );
    let many = gzip(&gzip(b"").repeat(LARGEST / gzip(b"").len()));
    let many = fetch(move || response("200 OK", &[("Content-Encoding", "gzip,gzip")], &many)).await;
    assert!(matches!(many, Err(TransportError::InvalidResponse(_))), "{many:?}");
}

#[tokio::test]
async fn expensive_responses_do_not_delay_others() {
    let bomb = gzip(&gzip(&vec![b' '; LARGEST - 200_000]));
    let bombs =
        Server::start(move |_, _| response("200 OK", &[("Content-Encoding", "gzip,gzip")], &bomb)).await;
    let plain = Server::start(|_, _| response("200 OK", &[("Content-Encoding", "gzip")], &gzip(LIST))).await;
    let client = client();
    let mut hostile = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let (client, request) = (client.clone(), get(bombs.url("/")));
        hostile.spawn(async move { client.send(request).await.map(|response| response.body.len()) });
    }
    wait_until(|| bombs.requests().len() == 40).await;
    assert_eq!(client.send(get(plain.url("/"))).await.unwrap().body, LIST);
    let done = std::iter::from_fn(|| hostile.try_join_next()).count();
    assert!(done < 40, "it had to wait for all others");
    while let Some(outcome) = hostile.join_next().await {
        assert_eq!(outcome.unwrap(), Ok(LARGEST - 200_000));
    }
}

#[tokio::test]
async fn an_empty_body_need_not_be_compressed() {
    let reply = || response("200 OK", &[("Content-Encoding", "gzip")], b"");
    assert_eq!(fetch(reply).await.unwrap().body, b"");
    let reply = || Reply::Response(b"HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n".to_vec());
    assert_eq!(fetch(reply).await.unwrap().status, 204);
}

#[tokio::test]
async fn bodies_without_a_length_are_read_to_the_end() {
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"onl\r\n8\r\nine\":[]}\r\n0\r\n\r\n";
    assert_eq!(fetch(move || Reply::Response(chunked.into())).await.unwrap().body, LIST);
    let closed = [b"HTTP/1.1 200 OK\r\n\r\n", LIST].concat();
    assert_eq!(fetch(move || Reply::Close(closed.clone())).await.unwrap().body, LIST);
}

#[tokio::test]
async fn a_truncated_body_fails() {
    assert!(fetch(|| response("200 OK", &[("Content-Encoding", "gzip")], b"no gzip")).await.is_err());
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"online\":[]}".to_vec();
    assert!(fetch(move || Reply::Close(half.clone())).await.is_err());
    assert!(fetch(|| Reply::Close(b"SSH-2.0-OpenSSH\r\n".to_vec())).await.is_err());
}

#[tokio::test]
async fn bodies_are_limited_to_sixteen_megabytes() {
    let full = fetch(|| response("200 OK", &[], &vec![b' '; LARGEST])).await.unwrap();
    assert_eq!(full.body.len(), LARGEST);
    let larger = fetch(|| response("200 OK", &[], &vec![b' '; LARGEST + 1])).await;
    assert_eq!(larger, Err(TransportError::TooLarge));
    let bomb =
        fetch(|| response("200 OK", &[("Content-Encoding", "gzip")], &gzip(&vec![b' '; 4 * LARGEST]))).await;
    assert_eq!(bomb, Err(TransportError::TooLarge));
}

#[tokio::test]
async fn an_endless_body_ends_at_the_limit_or_the_timeout() {
    let head = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let endless = fetch(move || Reply::Endless(head.clone(), vec![b' '; 65536])).await;
    assert_eq!(endless, Err(TransportError::TooLarge));

    let slow = Server::start(|_, _| Reply::Response(b"HTTP/1.1 200 OK\r\n\r\n{".to_vec())).await;
    let timeout = Duration::from_millis(300);
    let outcome = client().send(Request { timeout, ..get(slow.url("/")) }).await;
    assert_eq!(outcome, Err(TransportError::TimedOut(timeout)));
}

#[tokio::test]
async fn four_hundred_headers_are_read() {
    let names: Vec<String> = (0..399).map(|number| format!("X-{number}")).collect();
    let long = "x".repeat(1_600);
    for (count, value) in [(399, "x"), (40, &*long)] {
        let headers: Vec<_> = names.iter().take(count).map(|name| (&**name, value)).collect();
        let response = response("200 OK", &headers, LIST);
        let server = Server::start(move |_, _| response.clone()).await;
        assert_eq!(client().send(get(server.url("/"))).await.unwrap().body, LIST, "{count}");
    }
}
