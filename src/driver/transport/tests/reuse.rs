//! Connection reuse: how failures on connections that were used before are retried.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    super::{Request, TransportError},
    client, get, post,
    server::{Reply, Server, wait_until},
};

/// The ways in which a response fails on a connection that its server closes.
const FAILURES: [fn() -> Reply; 5] = [
    || Reply::Reset,
    || Reply::Close(vec![]),
    || Reply::Close(b"HTTP/1.1 200 OK\r\nContent-".to_vec()),
    || Reply::Close(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_vec()),
    || Reply::Close(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n".to_vec()),
];

/// A server whose first connection fails after one response; all others respond.
async fn stale_after_one(fail: impl Fn() -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |number, received| match (number, received.connection) {
        (0, _) => Reply::ok("first"),
        (_, 0) => fail(),
        _ => Reply::ok("fresh"),
    })
    .await
}

fn connections(server: &Server) -> Vec<usize> {
    server.requests().iter().map(|received| received.connection).collect()
}

#[tokio::test]
async fn requests_each_second_share_a_connection() {
    let server = Server::start(|_, _| Reply::ok("")).await;
    let client = client();
    for _ in 0..3 {
        client.send(post(server.url("/"))).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(connections(&server), [0, 0, 0]);
}

#[tokio::test]
async fn a_failure_on_a_reused_connection_is_retried_on_a_new_one() {
    for fail in FAILURES {
        let server = stale_after_one(fail).await;
        let client = client();
        client.send(post(server.url("/"))).await.unwrap();
        let again = client.send(post(server.url("/"))).await.unwrap();
        assert_eq!(again.body, b"fresh");
        assert_eq!(connections(&server), [0, 0, 1]);
        assert!(server.requests().iter().all(|received| received.body == b"{\"message\":\"gossip\"}"));
    }
}

#[tokio::test]
async fn a_request_that_is_sent_once_is_left_to_the_caller() {
    for fail in FAILURES {
        let server = stale_after_one(fail).await;
        let client = client();
        client.send(post(server.url("/"))).await.unwrap();
        let once = Request { is_sent_once: true, ..post(server.url("/")) };
        assert_eq!(client.send(once.clone()).await, Err(TransportError::ReusedConnection));
        assert_eq!(connections(&server), [0, 0]);
        let again = Request { needs_new_connection: true, ..once };
        assert_eq!(client.send(again).await.unwrap().body, b"fresh");
    }
}

#[tokio::test]
async fn a_failure_on_a_new_connection_is_final() {
    for fail in [|| Reply::Reset, || Reply::Close(vec![])] {
        let server = Server::start(move |_, _| fail()).await;
        let client = client();
        for sends in 1..=3 {
            assert!(client.send(post(server.url("/"))).await.is_err());
            assert_eq!(server.requests().len(), sends);
        }
    }
}

#[tokio::test]
async fn there_is_only_one_retry() {
    let server = Server::start(|number, _| if number == 0 { Reply::ok("") } else { Reply::Reset }).await;
    let client = client();
    client.send(post(server.url("/"))).await.unwrap();
    assert!(client.send(post(server.url("/"))).await.is_err());
    assert_eq!(connections(&server), [0, 0, 1]);
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_replaced() {
    let server = Server::start(|_, received| match received.connection {
        0 => Reply::Close(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()),
        _ => Reply::ok("fresh"),
    })
    .await;
    let client = client();
    client.send(get(server.url("/"))).await.unwrap();
    wait_until(|| server.closed_connections() == 1).await;
    assert_eq!(client.send(get(server.url("/"))).await.unwrap().body, b"fresh");
}

#[tokio::test]
async fn a_request_that_needs_a_new_connection_does_not_pool_it() {
    let server = Server::start(|_, _| Reply::ok("")).await;
    let client = client();
    client.send(get(server.url("/"))).await.unwrap();
    for closed in 1..=2 {
        client.send(Request { needs_new_connection: true, ..get(server.url("/")) }).await.unwrap();
        wait_until(|| server.closed_connections() == closed).await;
    }
    assert_eq!(connections(&server), [0, 1, 2]);
}

#[tokio::test]
async fn a_timeout_on_a_reused_connection_is_not_retried() {
    let server = stale_after_one(|| Reply::Silence).await;
    let client = client();
    client.send(get(server.url("/"))).await.unwrap();
    let limit = Duration::from_secs(1);
    let outcome = client.send(Request { timeout: limit, ..get(server.url("/")) }).await;
    assert_eq!(outcome, Err(TransportError::TimedOut(limit)));
    assert_eq!(connections(&server), [0, 0]);
}

#[tokio::test]
async fn a_retry_shares_the_timeout() {
    let server = Server::start(|number, _| match number {
        0 => Reply::ok(""),
        1 => Reply::Reset,
        _ => Reply::Silence,
    })
    .await;
    let client = client();
    client.send(get(server.url("/"))).await.unwrap();
    let limit = Duration::from_secs(1);
    let start = Instant::now();
    let outcome = client.send(Request { timeout: limit, ..get(server.url("/")) }).await;
    assert_eq!(outcome, Err(TransportError::TimedOut(limit)));
    assert!(start.elapsed() < 2 * limit);
    assert_eq!(connections(&server), [0, 0, 1]);
}

#[tokio::test]
async fn the_connection_of_a_redirect_counts_as_reused() {
    let server =
        Server::start(|_, received| match (received.line().split(' ').nth(1), received.connection) {
            (Some("/"), _) => Reply::redirect(307, "/there"),
            (_, 0) => Reply::Reset,
            _ => Reply::ok("fresh"),
        })
        .await;
    assert_eq!(client().send(post(server.url("/"))).await.unwrap().body, b"fresh");
    let lines: Vec<String> = server.requests().iter().map(|received| received.line().to_owned()).collect();
    assert_eq!(lines, ["POST / HTTP/1.1", "POST /there HTTP/1.1", "POST /there HTTP/1.1"]);
}
