use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;
use crate::protocol::types::base_url::BaseUrl;

#[track_caller]
fn list(text: &str) -> AllowList {
    AllowList::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What a list says about a URL, normalised first.
#[track_caller]
fn judge(list: &AllowList, url: &str) -> Allowance {
    let url = BaseUrl::parse(url).unwrap();
    list.judge(Target::of_identity(url.identity()).unwrap())
}

#[track_caller]
fn check(patterns: &str, verdict: Allowance, urls: &[&str]) {
    let list = list(patterns);
    for url in urls {
        assert_eq!(judge(&list, url), verdict, "{patterns}: {url}");
    }
}

#[test]
fn the_documented_example_means_what_it_says() {
    let example = "10.0.0.0/8 *.svc.local:3000 [fd00::]/8 https://*.example.com";
    check(
        example,
        Allowance::Allowed,
        &[
            "http://10.255.0.1:3000/",
            "https://10.0.0.0/",
            "http://web.svc.local:3000/app/",
            "http://a.b.svc.local:3000/",
            "https://[fdff::1]:1/",
            "https://www.example.com:8443/",
        ],
    );
    check(
        example,
        Allowance::ByAddress,
        &[
            "http://svc.local:3000/",
            "http://web.svc.local/",
            "http://www.example.com/",
            "https://example.com/",
        ],
    );
    check(example, Allowance::Refused, &["http://11.0.0.1/", "http://[fe00::1]/", "http://127.0.0.1/"]);
}

#[test]
fn names_match_as_urls_are_normalised() {
    check(
        "WEB-1.Example. Bücher.example",
        Allowance::Allowed,
        &[
            "http://web-1.example/",
            "http://web-1.example.:80/",
            "https://xn--bcher-kva.example/",
            "http://BÜCHER.example/",
        ],
    );
    check(
        "web-1.example *.b.example",
        Allowance::Refused,
        &[
            "http://web-1.example.com/",
            "http://xweb-1.example/",
            "http://b.example/",
            "http://.b.example/",
            "http://ab.example/",
            "http://10.0.0.1/",
        ],
    );
}

#[test]
fn an_ipv4_address_inside_an_ipv6_address_is_that_ipv4_address() {
    for patterns in ["10.0.0.0/8", "[::ffff:10.0.0.0]/104", "::ffff:a00:0/104"] {
        check(patterns, Allowance::Allowed, &["http://10.1.2.3/", "http://[::ffff:10.1.2.3]/"]);
        check(patterns, Allowance::Refused, &["http://[::a01:203]/", "http://[64:ff9b::a01:203]/"]);
    }
    check("[::]/0", Allowance::Refused, &["http://10.1.2.3/", "http://[::ffff:10.1.2.3]/"]);
    check("0.0.0.0/0", Allowance::Refused, &["http://[2001:db8::1]/"]);
    let list = list("10.0.0.0/8");
    let channel = Channel { is_tls: false, port: 80 };
    assert!(list.allows_address("::ffff:10.1.2.3".parse().unwrap(), channel));
    assert!(!list.allows_address("::ffff:11.1.2.3".parse().unwrap(), channel));
}

#[test]
fn a_star_alone_matches_every_host_for_its_scheme_and_port() {
    check("*", Allowance::Allowed, &["http://a/", "https://10.0.0.1:3000/", "http://[::1]/"]);
    check("https://*:3000", Allowance::Allowed, &["https://a:3000/", "https://10.0.0.1:3000/"]);
    check("https://*:3000", Allowance::Refused, &["http://a:3000/", "https://a/", "http://10.0.0.1:3000/"]);
}

#[test]
fn schemes_and_ports_count_for_addresses_of_names_too() {
    let list = list("https://10.0.0.0/8:3000 10.0.0.7");
    let allows = |address: [u8; 4], is_tls, port| {
        list.allows_address(Ipv4Addr::from(address).into(), Channel { is_tls, port })
    };
    assert!(allows([10, 0, 0, 8], true, 3000) && allows([10, 0, 0, 7], false, 80));
    assert!(!allows([10, 0, 0, 8], false, 3000) && !allows([10, 0, 0, 8], true, 3001));
    check("https://10.0.0.0/8:3000", Allowance::ByAddress, &["https://a:3000/"]);
    check("https://10.0.0.0/8:3000", Allowance::Refused, &["http://a:3000/", "https://a/"]);
}

#[test]
fn a_url_may_stand_for_its_server() {
    check(
        "https://10.0.0.7:3000/ http://[fd00::1]/",
        Allowance::Allowed,
        &["https://10.0.0.7:3000/", "http://[fd00::1]:80/"],
    );
    check("https://web:443", Allowance::Allowed, &["https://web/"]);
    check("http://web:443", Allowance::Refused, &["http://web/", "https://web/"]);
}

#[test]
fn invalid_patterns_are_rejected_with_what_was_expected() {
    let long = "x".repeat(513);
    for (error, patterns) in [
        (PatternError::TooLong, &[long.as_str()][..]),
        (PatternError::Scheme, &["ftp://a", "://a", "ws://10.0.0.0/8"]),
        (
            PatternError::Port,
            &["a:0", "a:", "a:65536", "a:+80", "a:http", "[::1]:x", "10.0.0.0/8:0", "u:p@a"],
        ),
        (PatternError::Path, &["a/", "https://a/b", "https://a/b/", "*/", "[::1/b"]),
        (
            PatternError::Network,
            &[
                "a/8",
                "*.a/8",
                "10.0.0/8",
                "*/0",
                "[10.0.0.0]/8",
                "10.0.0.0/33",
                "10.0.0.0/",
                "10.0.0.0/-1",
                "10.0.0.0/+8",
                "10.0.0.1/8",
                "[fd00::]/129",
                "[fd00::1]/8",
                "[::ffff:10.0.0.0]/95",
                "10.0.0.0/8/",
            ],
        ),
        (PatternError::Wildcard, &["**", "*a", "a.*", "*.*.a", "*.10.0.0.1", "*.[::1]", "a*:80"]),
        (
            PatternError::Host,
            &[
                "",
                "http://",
                "https:///",
                ":80",
                "*.",
                "a,b",
                "a..b",
                ".a",
                "a@b",
                "a?b",
                "[::1",
                "[10.0.0.1]",
                "10.1",
                "0x7f.0.0.1",
                "1.2.3.256",
                "xn--a",
            ],
        ),
    ] {
        for text in patterns {
            assert_eq!(Pattern::parse(text), Err(error), "{text}");
        }
    }
    let many = "a ".repeat(MAX_PATTERNS);
    assert!(AllowList::parse(&many).is_ok());
    assert_eq!(AllowList::parse(&(many + "a")), Err(AllowListError::TooMany));
    let error = AllowList::parse("10.0.0.0/8\n\tb:0").unwrap_err();
    assert_eq!(error, AllowListError::Invalid("b:0".to_owned(), PatternError::Port));
}

#[test]
fn loopback_hosts_are_recognised_in_every_spelling() {
    let is_loopback = |url: &str| {
        let url = BaseUrl::parse(url).unwrap();
        Target::of_identity(url.identity()).unwrap().host.is_loopback()
    };
    for url in ["http://localhost/", "http://LOCALHOST.:80/", "http://127.1:80/", "http://[::1]/"] {
        assert!(is_loopback(url), "{url}");
    }
    for url in ["http://10.0.0.1/", "http://localhost.example/", "http://notlocalhost/", "http://[::2]/"] {
        assert!(!is_loopback(url), "{url}");
    }
}

/// URLs whose hosts and ports have every form.
fn url() -> impl Strategy<Value = String> {
    "https?://([a-zA-Z0-9_.-]{1,12}|([0-9]{1,3}\\.){3}[0-9]{1,3}|\\[[0-9a-f:.]{2,12}\\]|b\u{fc}cher\\.?)(:[0-9]{1,5})?(/[a-z:]{0,3}){0,2}"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn an_identity_leads_where_a_parser_says(text in url()) {
        if let Ok(base_url) = BaseUrl::parse(&text) {
            let url = Url::parse(base_url.identity()).unwrap();
            prop_assert_eq!(Target::of_identity(base_url.identity()), Target::of_url(&url));
            prop_assert!(Target::of_url(&url).is_some());
        }
    }

    #[test]
    fn every_url_is_its_own_pattern_unless_it_has_a_path(text in url()) {
        let Ok(base_url) = BaseUrl::parse(&text) else { return Ok(()) };
        match AllowList::parse(base_url.identity()) {
            Ok(list) => {
                prop_assert_eq!(list.judge(Target::of_identity(base_url.identity()).unwrap()), Allowance::Allowed);
            }
            // Names that only URLs have: empty labels, for example.
            Err(error) => prop_assert!(matches!(
                error,
                AllowListError::Invalid(_, PatternError::Path | PatternError::Host | PatternError::Network | PatternError::Port)
            )),
        }
    }

    #[test]
    fn a_network_has_the_addresses_with_its_first_bits(network: u32, prefix in 0_u8..=32, address: u32) {
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
        let text = format!("{}/{prefix}", Ipv4Addr::from(network & mask));
        let near = (network & mask) | (address & !mask);
        let channel = Channel { is_tls: true, port: 1 };
        for (address, is_allowed) in [(near, true), (address, address & mask == network & mask)] {
            prop_assert_eq!(list(&text).allows_address(Ipv4Addr::from(address).into(), channel), is_allowed);
        }
        let has_bits_beyond = network & !mask != 0;
        let text = format!("{}/{prefix}", Ipv4Addr::from(network));
        prop_assert_eq!(AllowList::parse(&text).is_err(), has_bits_beyond);
    }

    #[test]
    fn only_names_below_a_suffix_match_it(below in "([a-z0-9]{1,5}\\.){0,3}", name in "[a-z]{1,5}\\.[a-z]{1,5}") {
        let verdict = judge(&list(&format!("*.{name}")), &format!("http://{below}{name}/"));
        prop_assert_eq!(verdict == Allowance::Allowed, !below.is_empty());
        prop_assert_ne!(judge(&list(&format!("*.{name}")), &format!("http://x{name}/")), Allowance::Allowed);
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in "[\\[\\]/:.*a-f0-9 @%\u{fc}-]{0,24}") {
        let _ = AllowList::parse(&text);
    }
}
