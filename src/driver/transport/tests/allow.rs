//! Which connections `SHAZBOT_ALLOW` lets the client make.

use std::net::TcpListener;

use super::{
    super::{ConfiguredUrls, Destination, HttpClient, HttpSettings, ProxySettings, Request, TransportError},
    get, post,
    server::{Reply, Server},
};
use crate::protocol::allow::AllowList;

/// A listener that must never see a connection.
struct Forbidden(TcpListener);

impl Forbidden {
    fn listen() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// The kernel queues connections before they are accepted.
    #[track_caller]
    fn assert_untouched(&self) {
        self.0.set_nonblocking(true).unwrap();
        assert!(self.0.accept().is_err(), "there was a connection");
    }
}

fn allowing(patterns: &str, base_url: Option<&str>) -> ConfiguredUrls {
    ConfiguredUrls {
        base_url: base_url.map(|url| url.parse().unwrap()),
        master_lists: Vec::new(),
        allowed: Some(AllowList::parse(patterns).unwrap()),
    }
}

fn client(patterns: &str) -> HttpClient {
    HttpClient::new(&HttpSettings::default(), &allowing(patterns, None)).unwrap().0
}

#[tokio::test]
async fn a_name_that_resolves_to_a_refused_address_is_not_contacted() {
    let listener = Forbidden::listen();
    let url = format!("http://localhost:{}/", listener.port());
    for patterns in ["10.0.0.0/8", "10.0.0.0/8 *.localhost", "127.0.0.2", "https://127.0.0.0/8 10.0.0.0/8"] {
        for request in [post(&*url), Request { needs_new_connection: true, ..get(&*url) }] {
            assert_eq!(client(patterns).send(request).await, Err(TransportError::NotAllowed), "{patterns}");
        }
    }
    listener.assert_untouched();
}

#[tokio::test]
async fn a_name_that_resolves_to_an_allowed_address_is_contacted_there() {
    for patterns in ["127.0.0.0/8", "http://127.0.0.1", "localhost", "*", "[::ffff:127.0.0.1]"] {
        let server = Server::start(|_, _| Reply::ok("done")).await;
        let url = format!("http://localhost:{}/", server.address.port());
        let client = client(patterns);
        for _ in 0..2 {
            assert_eq!(client.send(post(&*url)).await.unwrap().body, b"done", "{patterns}");
        }
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn literal_addresses_are_checked_without_a_resolver() {
    let listener = Forbidden::listen();
    for host in ["127.0.0.1", "127.1", "[::ffff:127.0.0.1]"] {
        let request = post(format!("http://{host}:{}/", listener.port()));
        assert_eq!(client("10.0.0.0/8 localhost").send(request).await, Err(TransportError::NotAllowed));
    }
    listener.assert_untouched();
}

/// Both requests need the same name at the same time, and only one port is allowed.
#[tokio::test]
async fn the_port_of_a_network_counts_for_each_of_many_concurrent_requests() {
    let server = Server::start(|_, _| Reply::ok("done")).await;
    let listener = Forbidden::listen();
    let client = client(&format!("127.0.0.0/8:{} 10.0.0.0/8", server.address.port()));
    let requests = (0..40).map(|number| {
        let is_good = number % 2 == 0;
        let port = if is_good { server.address.port() } else { listener.port() };
        let needs_new_connection = number % 3 == 0;
        let request = Request { needs_new_connection, ..post(format!("http://localhost:{port}/")) };
        let client = client.clone();
        tokio::spawn(async move { (is_good, client.send(request).await) })
    });
    for outcome in requests.collect::<Vec<_>>() {
        let (is_good, outcome) = outcome.await.unwrap();
        match outcome {
            Ok(response) => assert!(is_good && response.body == b"done"),
            Err(error) => assert!(!is_good && error == TransportError::NotAllowed, "{error}"),
        }
    }
    listener.assert_untouched();
}

#[tokio::test]
async fn a_redirect_to_a_refused_address_is_not_followed_and_says_nothing_about_the_server() {
    let listener = Forbidden::listen();
    for host in ["127.0.0.2", "localhost", "[::1]"] {
        let target = format!("http://{host}:{}/", listener.port());
        let server = Server::start(move |_, _| Reply::redirect(307, &target)).await;
        let patterns = format!("127.0.0.1:{} 10.0.0.0/8", server.address.port());
        let error = client(&patterns).send(post(server.url("/"))).await.unwrap_err();
        assert!(!error.is_not_allowed() && error.to_string().contains("SHAZBOT_ALLOW"), "{host}: {error}");
        assert_eq!(server.requests().len(), 1);
    }
    listener.assert_untouched();
}

#[tokio::test]
async fn the_own_base_url_is_always_allowed_but_no_other_port_of_its_host() {
    let server = Server::start(|_, _| Reply::ok("done")).await;
    let listener = Forbidden::listen();
    for host in ["127.0.0.1", "localhost"] {
        let own = format!("http://{host}:{}/app/", server.address.port());
        let configured = allowing("10.0.0.0/8", Some(&own));
        let client = HttpClient::new(&HttpSettings::default(), &configured).unwrap().0;
        assert_eq!(client.send(post(format!("{own}clustershazbot/gossip"))).await.unwrap().body, b"done");
        let other = post(format!("http://{host}:{}/", listener.port()));
        assert_eq!(client.send(other).await, Err(TransportError::NotAllowed));
    }
    listener.assert_untouched();
}

#[tokio::test]
async fn the_master_list_and_its_redirects_are_not_limited() {
    let elsewhere = Server::start(|_, _| Reply::ok("list")).await;
    let target = format!("http://localhost:{}/", elsewhere.address.port());
    let store = Server::start(move |_, _| Reply::redirect(302, &target)).await;
    let request = Request { destination: Destination::MasterList, ..get(store.url("/")) };
    assert_eq!(client("10.0.0.0/8").send(request).await.unwrap().body, b"list");
}

#[tokio::test]
async fn through_a_proxy_only_names_and_literal_addresses_count() {
    let proxy = Server::start(|_, _| Reply::ok("by the proxy")).await;
    for host in ["127.0.0.1", "localhost"] {
        let address = format!("http://{host}:{}/", proxy.address.port());
        let proxy = ProxySettings { http_proxy: Some(address), ..ProxySettings::default() };
        let settings = HttpSettings { proxy: Some(proxy), ..HttpSettings::default() };
        let configured = allowing("10.0.0.0/8 *.good.test", None);
        let client = HttpClient::new(&settings, &configured).unwrap().0;
        for (target, is_allowed) in [
            ("http://a.good.test/", true),
            ("http://10.1.2.3/", true),
            ("http://a.other.test/", false),
            ("http://11.1.2.3/", false),
        ] {
            let outcome = client.send(post(target)).await;
            match outcome {
                Ok(response) => assert!(is_allowed && response.body == b"by the proxy", "{target}"),
                Err(error) => {
                    assert!(!is_allowed && error == TransportError::NotAllowed, "{target}: {error}")
                }
            }
        }
    }
    assert_eq!(proxy.requests().len(), 4);
}

/// A claim may name the host of the proxy, which the client trusts to be the proxy only.
#[tokio::test]
async fn the_host_of_a_proxy_is_no_server_that_may_be_contacted_directly() {
    let listener = Forbidden::listen();
    let proxy = ProxySettings {
        http_proxy: Some("http://localhost:1/".to_owned()),
        no_proxy: Some("localhost".to_owned()),
        ..ProxySettings::default()
    };
    let settings = HttpSettings { proxy: Some(proxy), ..HttpSettings::default() };
    let client = HttpClient::new(&settings, &allowing("10.0.0.0/8", None)).unwrap().0;
    let request = post(format!("http://localhost:{}/", listener.port()));
    assert_eq!(client.send(request).await, Err(TransportError::NotAllowed));
    listener.assert_untouched();
}
