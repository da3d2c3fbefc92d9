//! Bodies: decompressed, and never more than fits.

use std::{io::Write, time::Duration};

use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};

use super::{
    super::{Request, Response, TransportError},
    client, get,
    server::{Reply, Server, answer},
};

const LIST: &[u8] = b"{\"online\":[]}";
/// `LIST` as Node's `brotliCompressSync` makes it.
const BROTLI: &[u8] =
    &[0x0b, 0x06, 0x80, 0x7b, 0x22, 0x6f, 0x6e, 0x6c, 0x69, 0x6e, 0x65, 0x22, 0x3a, 0x5b, 0x5d, 0x7d, 0x03];
const LARGEST: usize = 16 * 1024 * 1024;

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

async fn fetch(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Result<Response, TransportError> {
    let server = Server::start(move |_, _| reply()).await;
    client().send(get(server.url("/"))).await
}

#[tokio::test]
async fn compressed_bodies_are_understood() {
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::default());
    deflate.write_all(LIST).unwrap();
    for (encoding, body) in
        [("gzip", gzip(LIST)), ("deflate", deflate.finish().unwrap()), ("br", BROTLI.to_vec())]
    {
        let server =
            Server::start(move |_, _| answer("200 OK", &[("Content-Encoding", encoding)], &body)).await;
        let response = client().send(get(server.url("/"))).await.unwrap();
        assert_eq!(response.body, LIST, "{encoding}");
        let offered = server.requests()[0].header("accept-encoding").concat();
        assert!(offered.split(',').any(|offer| offer.trim() == encoding), "{offered}");
    }
}

#[tokio::test]
async fn codings_are_understood_by_their_other_names_and_on_one_another() {
    let mut bare = DeflateEncoder::new(Vec::new(), Compression::default());
    bare.write_all(LIST).unwrap();
    for (encoding, body) in [
        ("x-gzip", gzip(LIST)),
        ("GZIP", gzip(LIST)),
        ("deflate", bare.finish().unwrap()),
        ("gzip, gzip", gzip(&gzip(LIST))),
        ("identity", LIST.to_vec()),
    ] {
        let reply = move || answer("200 OK", &[("Content-Encoding", encoding)], &body);
        assert_eq!(fetch(reply).await.unwrap().body, LIST, "{encoding}");
    }
}

#[tokio::test]
async fn an_empty_body_need_not_be_compressed() {
    let reply = || answer("200 OK", &[("Content-Encoding", "gzip")], b"");
    assert_eq!(fetch(reply).await.unwrap().body, b"");
    let reply = || Reply::Answer(b"HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n".to_vec());
    assert_eq!(fetch(reply).await.unwrap().status, 204);
}

#[tokio::test]
async fn bodies_without_a_length_are_read_to_their_end() {
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"onl\r\n8\r\nine\":[]}\r\n0\r\n\r\n";
    assert_eq!(fetch(move || Reply::Answer(chunked.into())).await.unwrap().body, LIST);
    let closed = [b"HTTP/1.1 200 OK\r\n\r\n", LIST].concat();
    assert_eq!(fetch(move || Reply::Close(closed.clone())).await.unwrap().body, LIST);
}

#[tokio::test]
async fn a_broken_body_is_an_error() {
    assert!(fetch(|| answer("200 OK", &[("Content-Encoding", "gzip")], b"no gzip")).await.is_err());
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"online\":[]}".to_vec();
    assert!(fetch(move || Reply::Close(half.clone())).await.is_err());
    assert!(fetch(|| Reply::Close(b"SSH-2.0-OpenSSH\r\n".to_vec())).await.is_err());
}

#[tokio::test]
async fn sixteen_megabytes_are_the_most() {
    let full = fetch(|| answer("200 OK", &[], &vec![b' '; LARGEST])).await.unwrap();
    assert_eq!(full.body.len(), LARGEST);
    let larger = fetch(|| answer("200 OK", &[], &vec![b' '; LARGEST + 1])).await;
    assert_eq!(larger, Err(TransportError::TooLarge));
    let bomb =
        fetch(|| answer("200 OK", &[("Content-Encoding", "gzip")], &gzip(&vec![b' '; 4 * LARGEST]))).await;
    assert_eq!(bomb, Err(TransportError::TooLarge));
}

#[tokio::test]
async fn an_endless_body_ends_at_the_most_or_at_the_time_out() {
    let head = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let endless = fetch(move || Reply::Endless(head.clone(), vec![b' '; 65536])).await;
    assert_eq!(endless, Err(TransportError::TooLarge));

    let slow = Server::start(|_, _| Reply::Answer(b"HTTP/1.1 200 OK\r\n\r\n{".to_vec())).await;
    let timeout = Duration::from_millis(300);
    let outcome = client().send(Request { timeout, ..get(slow.url("/")) }).await;
    assert_eq!(outcome, Err(TransportError::TimedOut(timeout)));
}
