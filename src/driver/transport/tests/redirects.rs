//! Redirects, according to the Fetch standard.

use super::{
    super::{ConfiguredUrls, Destination, HttpClient, HttpSettings, Method, Request, TransportError},
    client, get, post,
    server::{Reply, Server},
};

/// Sends one request through one redirect; returns the method, the body and whether a
/// `Content-Type` arrives.
async fn redirected(method: Method, status: u16) -> (String, Vec<u8>, bool) {
    let server = Server::start(move |number, _| match number {
        0 => Reply::redirect(status, "/there?x=1#fragment"),
        _ => Reply::ok("done"),
    })
    .await;
    let request = Request { method, ..post(server.url("/here")) };
    let request = if method == Method::Get { Request { json_body: None, ..request } } else { request };
    assert_eq!(client().send(request).await.unwrap().body, b"done");
    let arrived = server.requests().remove(1);
    assert_eq!(arrived.header("authorization"), ["s3cret"]);
    assert!(arrived.header("referer").is_empty());
    let (method, target) = arrived.line().split_once(' ').unwrap();
    assert_eq!(target, "/there?x=1 HTTP/1.1");
    (method.to_owned(), arrived.body.clone(), !arrived.header("content-type").is_empty())
}

#[tokio::test]
async fn redirects_keep_method_and_body_as_in_fetch() {
    let body = b"{\"message\":\"gossip\"}".to_vec();
    for status in [301, 302] {
        assert_eq!(redirected(Method::Post, status).await, ("GET".into(), vec![], false), "{status}");
        assert_eq!(redirected(Method::Put, status).await, ("PUT".into(), body.clone(), true), "{status}");
    }
    assert_eq!(redirected(Method::Post, 303).await, ("GET".into(), vec![], false));
    assert_eq!(redirected(Method::Put, 303).await, ("GET".into(), vec![], false));
    for status in [307, 308] {
        assert_eq!(redirected(Method::Post, status).await, ("POST".into(), body.clone(), true), "{status}");
        assert_eq!(redirected(Method::Put, status).await, ("PUT".into(), body.clone(), true), "{status}");
    }
    for status in [301, 302, 303, 307, 308] {
        assert_eq!(redirected(Method::Get, status).await, ("GET".into(), vec![], false), "{status}");
    }
}

#[tokio::test]
async fn authorization_is_dropped_after_another_origin() {
    let other = Server::start(|number, _| match number {
        0 => Reply::redirect(307, "/further"),
        _ => Reply::ok("done"),
    })
    .await;
    let target = format!("http://user:pass@{}/", other.address);
    let server = Server::start(move |_, _| Reply::redirect(307, &target)).await;
    client().send(post(server.url("/"))).await.unwrap();
    let arrived = other.requests();
    assert_eq!(arrived.len(), 2);
    for received in arrived {
        assert!(received.header("authorization").is_empty());
        assert_eq!(received.body, b"{\"message\":\"gossip\"}");
    }
}

#[tokio::test]
async fn redirects_are_limited_to_three_for_peers_and_twenty_for_master_lists() {
    for (destination, most) in [(Destination::Peer, 3), (Destination::MasterList, 20)] {
        for hops in [most, most + 1] {
            let server = Server::start(move |number, _| match number < hops {
                true => Reply::redirect(302, "/again"),
                false => Reply::ok("done"),
            })
            .await;
            let outcome = client().send(Request { destination, ..get(server.url("/")) }).await;
            if hops == most {
                assert_eq!(outcome.unwrap().body, b"done");
            } else {
                assert_eq!(outcome, Err(TransportError::TooManyRedirects));
            }
            assert_eq!(server.requests().len(), most + 1);
        }
    }
}

#[tokio::test]
async fn disallowed_addresses_are_contacted_neither_directly_nor_by_redirect() {
    for destination in [Destination::Peer, Destination::MasterList] {
        for nowhere in [
            "http://169.254.169.254/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[fe80::1]/",
            "http://0:1/",
            "//h:0/",
        ] {
            let server = Server::start(move |_, _| Reply::redirect(307, nowhere)).await;
            let outcome = client().send(Request { destination, ..get(server.url("/")) }).await;
            assert!(matches!(outcome, Err(TransportError::Unreachable(_))), "{nowhere}: {outcome:?}");
            assert_eq!(server.requests().len(), 1);
        }
    }
    let outcome = client().send(get("http://0xa9fea9fe/")).await;
    assert!(matches!(outcome, Err(TransportError::Unreachable(_))), "{outcome:?}");
}

#[tokio::test]
async fn the_master_list_may_be_at_any_address() {
    let server = Server::start(|_, _| Reply::ok("list")).await;
    let url = format!("http://0.0.0.0:{}/", server.address.port());
    let own = ConfiguredUrls { master_lists: vec![url.parse().unwrap()], ..ConfiguredUrls::default() };
    let client = HttpClient::new(&HttpSettings::default(), &own).unwrap().0;
    let outcome = client.send(Request { destination: Destination::MasterList, ..get(&*url) }).await;
    assert_eq!(outcome.unwrap().body, b"list");
    assert!(matches!(client.send(get(&*url)).await, Err(TransportError::Unreachable(_))));
}

#[tokio::test]
async fn an_invalid_location_fails_and_a_missing_one_is_a_response() {
    for nowhere in ["data:,x", "file:///etc/passwd", "http://", "ftp://host/"] {
        let server = Server::start(move |_, _| Reply::redirect(302, nowhere)).await;
        assert!(client().send(get(server.url("/"))).await.is_err(), "{nowhere}");
    }
    let server = Server::start(|_, _| super::server::response("302 Found", &[], b"read me")).await;
    let response = client().send(get(server.url("/"))).await.unwrap();
    assert_eq!((response.status, &response.body[..]), (302, &b"read me"[..]));
}

#[tokio::test]
async fn a_redirect_may_be_a_response() {
    let server = Server::start(|_, _| Reply::redirect(307, "/there")).await;
    let request = Request { follows_redirects: false, ..post(server.url("/here")) };
    assert_eq!(client().send(request).await.unwrap().status, 307);
    assert_eq!(server.requests().len(), 1);
}
