//! Outgoing requests, byte for byte.

use std::time::Duration;

use tokio::net::TcpListener;

use super::{
    super::{ConfiguredUrls, Destination, HeaderText, HttpSettings, Method, ProxySettings, Request},
    client, client_with, get, post, put,
    server::{Reply, Server, response},
};

#[tokio::test]
async fn a_post_matches_the_contract() {
    let server =
        Server::start(|_, _| response("200 OK", &[("ETag", "\"1\""), ("Retry-After", "7")], b"[]")).await;
    let response = client().send(post(server.url("/clustershazbot/gossip"))).await.unwrap();
    assert_eq!((response.status, &response.body[..]), (200, &b"[]"[..]));
    assert_eq!(response.etag.as_deref(), Some("\"1\""));
    assert_eq!(response.retry_after, Some(Duration::from_secs(7)));

    let received = &server.requests()[0];
    assert_eq!(received.line(), "POST /clustershazbot/gossip HTTP/1.1");
    assert_eq!(received.header("host"), [server.address.to_string()]);
    assert_eq!(received.header("content-type"), ["application/json"]);
    assert_eq!(received.header("content-length"), ["20"]);
    assert_eq!(received.header("authorization"), ["s3cret"]);
    assert_eq!(received.body, b"{\"message\":\"gossip\"}");
    for absent in ["transfer-encoding", "expect", "referer", "if-match", "if-none-match"] {
        assert!(received.header(absent).is_empty(), "{absent}");
    }
}

#[tokio::test]
async fn an_upload_sends_the_etag_unchanged() {
    let server = Server::start(|_, received| match received.line().starts_with("GET") {
        true => Reply::Response(
            b"HTTP/1.1 404 Not Found\r\nETag: W/\"\xe9\"\r\nContent-Length: 0\r\n\r\n".to_vec(),
        ),
        false => response("412 Precondition Failed", &[], b""),
    })
    .await;
    let client = client();
    let found = client.send(get(server.url("/list"))).await.unwrap();
    assert_eq!((found.status, found.etag.as_deref()), (404, Some("W/\"é\"")));
    let request = Request { if_match: found.etag, ..put(server.url("/list")) };
    assert_eq!(client.send(request).await.unwrap().status, 412);
    let request = Request { if_none_match: Some("*".into()), ..put(server.url("/list")) };
    client.send(request).await.unwrap();

    let requests = server.requests();
    assert!(requests[0].header("authorization").is_empty());
    assert!(requests[0].header("content-length").is_empty());
    assert_eq!(requests[1].header("if-match"), ["W/\"é\""]);
    assert_eq!(requests[2].header("if-none-match"), ["*"]);
}

#[tokio::test]
async fn authorization_is_sent_as_latin_1() {
    let server = Server::start(|_, _| Reply::ok("")).await;
    let authorization = HeaderText::new("clé: \u{e9}\u{ff}\ttab").ok();
    client().send(Request { authorization, ..get(server.url("/")) }).await.unwrap();
    assert_eq!(server.requests()[0].header("authorization"), ["clé: \u{e9}\u{ff}\ttab"]);
}

#[tokio::test]
async fn a_presigned_query_is_sent_unchanged() {
    let server = Server::start(|_, _| Reply::ok("")).await;
    let target = "/a%2Fb/%7Ec//d|e^f;g=h?X-Amz-Signature=a%2Bb+c%20d/e?f&&g={h}|i\\j`k^l[m]!$()*,:;@&'%27=";
    client().send(get(server.url(target))).await.unwrap();
    // The apostrophe is the only character here that the URL standard itself encodes.
    let sent = target.replace("&'", "&%27");
    assert_eq!(server.requests()[0].line(), format!("GET {sent} HTTP/1.1"));
}

#[tokio::test]
async fn user_info_becomes_basic_authorization_only_on_a_get_without_one() {
    let server = Server::start(|_, _| Reply::ok("")).await;
    let client = client();
    let url = format!("http://us%20er:p%40ss@{}/", server.address);
    client.send(get(&url)).await.unwrap();
    client.send(Request { authorization: HeaderText::new("raw").ok(), ..get(&url) }).await.unwrap();
    client.send(put(&url)).await.unwrap();
    client.send(Request { method: Method::Put, ..get(&url) }).await.unwrap();

    let requests = server.requests();
    assert_eq!(requests[0].header("authorization"), ["Basic dXMgZXI6cEBzcw=="]);
    assert_eq!(requests[1].header("authorization"), ["raw"]);
    assert_eq!(requests[2].header("authorization"), ["s3cret"]);
    assert!(requests[3].header("authorization").is_empty());
    assert!(requests.iter().all(|received| received.header("host") == [server.address.to_string()]));
}

#[tokio::test]
async fn ports_that_fetch_blocks_are_allowed() {
    for port in [6000, 10080, 5060, 5061, 6566, 6665, 6666, 6667, 6668, 6669] {
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)).await {
            let server = Server::on(listener, |_, _| Reply::ok("here"));
            assert_eq!(client().send(get(server.url("/"))).await.unwrap().body, b"here");
            return;
        }
    }
    panic!("none of the ports is free");
}

#[tokio::test]
async fn a_data_url_is_decoded() {
    let client = client();
    let plain = client.send(get("data:application/json,{\"online\":%5B%5D}#x")).await.unwrap();
    assert_eq!((plain.status, &plain.body[..]), (200, &b"{\"online\":[]}"[..]));
    let encoded = client.send(get("data:;base64,eyJvbmxpbmUiOltdfQ==")).await.unwrap();
    assert_eq!(encoded.body, plain.body);
    assert!(client.send(get("data:;base64,!")).await.is_err());
    assert!(client.send(get("data:nothing")).await.is_err());
    assert!(client.send(put("data:,x")).await.is_err());
}

#[tokio::test]
async fn configured_proxies_are_used() {
    let proxy = Server::start(|_, received| match received.line().starts_with("CONNECT") {
        true => Reply::Close(b"HTTP/1.1 502 Bad Gateway\r\n\r\n".to_vec()),
        false => Reply::ok("by proxy"),
    })
    .await;
    let direct = Server::start(|_, _| Reply::ok("direct")).await;
    let client = client_with(&HttpSettings {
        proxy: Some(ProxySettings {
            http_proxy: Some(format!("http://user:pass@{}", proxy.address)),
            https_proxy: None,
            no_proxy: Some(format!("elsewhere,{}", direct.address)),
        }),
        ..HttpSettings::default()
    });
    assert!(!format!("{client:?}").contains("pass"));
    assert_eq!(client.send(get("http://host.invalid/a?b")).await.unwrap().body, b"by proxy");
    assert_eq!(client.send(get(direct.url("/"))).await.unwrap().body, b"direct");
    client.send(get("https://host.invalid/")).await.unwrap_err();

    let requests = proxy.requests();
    assert_eq!(requests[0].line(), "GET http://host.invalid/a?b HTTP/1.1");
    assert_eq!(requests[0].header("proxy-authorization"), ["Basic dXNlcjpwYXNz"]);
    assert_eq!(requests[1].line(), "CONNECT host.invalid:443 HTTP/1.1");
    assert!(direct.requests()[0].header("proxy-authorization").is_empty());
}

#[tokio::test]
async fn a_refusal_by_a_proxy_or_redirect_target_does_not_count() {
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let dead = format!("http://{dead}/");
    let refused = client().send(post(&dead)).await.unwrap_err();
    assert!(refused.is_refused());

    let proxied = client_with(&HttpSettings {
        proxy: Some(ProxySettings { http_proxy: Some(dead.clone()), ..ProxySettings::default() }),
        ..HttpSettings::default()
    });
    let redirecting = Server::start(move |_, _| Reply::redirect(307, &dead)).await;
    let by_proxy = proxied.send(post("http://host.invalid/")).await.unwrap_err();
    let elsewhere = client().send(post(redirecting.url("/"))).await.unwrap_err();
    for error in [by_proxy, elsewhere] {
        assert!(!error.is_refused());
        assert_eq!(error.to_string(), refused.to_string());
    }
}

#[tokio::test]
async fn retry_after_dates_are_relative_to_the_date_header() {
    let sent = ("Date", "Fri, 31 Dec 1999 23:59:19 GMT");
    for (headers, pause) in [
        (vec![sent, ("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT")], Some(40)),
        (vec![sent, ("Retry-After", "Fri, 31 Dec 1999 23:59:00 GMT")], None),
        (vec![sent, ("Retry-After", "tomorrow")], None),
        (vec![("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT")], None),
    ] {
        let server = Server::start(move |_, _| response("429 Too Many Requests", &headers, b"")).await;
        let response = client().send(get(server.url("/"))).await.unwrap();
        assert_eq!(response.retry_after, pause.map(Duration::from_secs));
    }
}

#[tokio::test]
async fn an_invalid_proxy_is_ignored_with_a_warning() {
    let server = Server::start(|_, _| Reply::ok("direct")).await;
    let settings = HttpSettings {
        proxy: Some(ProxySettings { http_proxy: Some("secret nonsense".into()), ..ProxySettings::default() }),
        ..HttpSettings::default()
    };
    let (client, warnings) = super::HttpClient::new(&settings, &ConfiguredUrls::default()).unwrap();
    assert_eq!(warnings, ["Ignoring http_proxy: it is not an http: or https: URL"]);
    assert_eq!(client.send(get(server.url("/"))).await.unwrap().body, b"direct");
}

#[tokio::test]
async fn the_master_list_is_requested_without_a_coding() {
    let server = Server::start(|_, _| Reply::ok("{}")).await;
    let request = Request { destination: Destination::MasterList, ..get(server.url("/")) };
    client().send(request).await.unwrap();
    assert_eq!(server.requests()[0].header("accept-encoding"), ["identity"]);
}

#[tokio::test]
async fn a_request_for_a_short_response_offers_no_codings() {
    let server = Server::start(|_, _| Reply::ok("{}")).await;
    let client = client();
    for offers_codings in [true, false] {
        client.send(Request { offers_codings, ..get(server.url("/")) }).await.unwrap();
    }
    let offered: Vec<_> =
        server.requests().iter().map(|request| request.header("accept-encoding").concat()).collect();
    assert_eq!(offered, ["gzip, deflate, br", ""]);
}
