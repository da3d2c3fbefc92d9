//! Idle connections: how long they are kept, and how many.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    super::HttpClient,
    client, get,
    server::{Reply, Server, response, wait_until},
};

/// A server that states how long it keeps idle connections, and keeps them for ever.
async fn stating(keep_alive: &'static str) -> Server {
    Server::start(move |_, _| response("200 OK", &[("Keep-Alive", keep_alive)], b"")).await
}

fn connections(server: &Server) -> Vec<usize> {
    server.requests().iter().map(|received| received.connection).collect()
}

/// Sends a request, and returns how long its connection is idle before the client closes it.
async fn idle_time(client: &HttpClient, server: &Server) -> Duration {
    let closed = server.closed_connections();
    client.send(get(server.url("/"))).await.unwrap();
    let start = Instant::now();
    wait_until(|| server.closed_connections() > closed).await;
    start.elapsed()
}

#[tokio::test]
async fn the_client_closes_each_connection_before_its_server_does() {
    let client = client();
    let cases = [("timeout=1", 0..1_000), ("timeout=3, max=7", 2_000..3_000), ("nonsense", 1_500..2_500)];
    // All share a pool, and the one that was idle last closes first.
    let mut idle = Vec::new();
    for (stated, expected) in cases.into_iter().rev() {
        let (client, server) = (client.clone(), stating(stated).await);
        idle.push(tokio::spawn(async move { (stated, expected, idle_time(&client, &server).await) }));
    }
    for task in idle {
        let (stated, expected, time) = task.await.unwrap();
        assert!(expected.contains(&time.as_millis()), "{stated}: {time:?}");
    }
}

#[tokio::test]
async fn a_connection_is_reused_while_its_server_keeps_it() {
    let server = stating("timeout=5").await;
    let client = client();
    for _ in 0..3 {
        client.send(get(server.url("/"))).await.unwrap();
        sleep(Duration::from_secs(3)).await;
    }
    assert_eq!(connections(&server), [0, 0, 0]);
    assert_eq!(server.closed_connections(), 0);
}

#[tokio::test]
async fn a_connection_that_the_server_does_not_keep_is_closed_at_once() {
    let closing = |_: usize, _: &_| response("200 OK", &[("Connection", "close")], b"");
    for server in [stating("timeout=0").await, Server::start(closing).await] {
        let client = client();
        for sent in 1..=3 {
            assert!(idle_time(&client, &server).await < Duration::from_secs(1));
            assert_eq!(connections(&server).last(), Some(&(sent - 1)));
        }
    }
    let old = Server::start(|_, _| Reply::Response(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()));
    assert!(idle_time(&client(), &old.await).await < Duration::from_secs(1));
}

#[tokio::test]
async fn a_server_gets_few_idle_connections_and_without_its_word_not_for_long() {
    let server = Server::start(|_, _| Reply::ok("")).await;
    let client = client();
    let sends: Vec<_> = (0..6)
        .map(|_| {
            let (client, request) = (client.clone(), get(server.url("/")));
            tokio::spawn(async move { client.send(request).await.unwrap() })
        })
        .collect();
    for send in sends {
        send.await.unwrap();
    }
    let start = Instant::now();
    let opened = connections(&server).into_iter().max().unwrap() + 1;
    wait_until(|| server.closed_connections() >= opened.saturating_sub(2)).await;
    assert!(start.elapsed() < Duration::from_secs(2));
    wait_until(|| server.closed_connections() >= opened).await;
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

#[tokio::test]
async fn idle_connections_are_few() {
    let client = client();
    let mut servers = Vec::new();
    for _ in 0..100 {
        let server = stating("timeout=999999").await;
        client.send(get(server.url("/"))).await.unwrap();
        servers.push(server);
    }
    assert_eq!(client.peers.current().pool.len(), 64);
    let closed = || servers.iter().map(Server::closed_connections).sum::<usize>();
    wait_until(|| closed() == 36).await;
    assert!(servers[..36].iter().all(|server| server.closed_connections() == 1), "the oldest");
}

#[tokio::test]
async fn connections_close_with_their_client() {
    let server = stating("timeout=999999").await;
    let client = client();
    client.send(get(server.url("/"))).await.unwrap();
    let pool = Arc::downgrade(&client.peers.current());
    drop(client);
    wait_until(|| server.closed_connections() == 1).await;
    assert!(pool.upgrade().is_none());
}
