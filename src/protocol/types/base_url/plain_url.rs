//! Normalises base URLs that are written plainly, as nearly all are, many times faster than a full
//! URL parser. A test compares both.

use std::net::Ipv4Addr;

use crate::protocol::types::base_url::address::AddressClasses;

/// Digits of the largest port.
const MAX_PORT_DIGITS: usize = 5;

/// The normalised form of a plain base URL.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::protocol) struct Plain {
    pub(in crate::protocol) identity: String,
    pub(in crate::protocol) classes: AddressClasses,
}

impl Plain {
    /// `None` if only a parser can tell what the text is.
    pub(in crate::protocol) fn read(text: &str) -> Option<Self> {
        let (scheme, default_port, rest) = split_scheme(text)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let classes = classes_of_host(host)?;
        if !port.is_none_or(is_plain_port) || !is_plain_path(path) {
            return None;
        }
        let mut identity = String::with_capacity(text.len() + 1);
        identity.push_str(scheme);
        identity.push_str(host);
        identity.make_ascii_lowercase();
        if let Some(port) = port.filter(|port| *port != default_port) {
            identity.push(':');
            identity.push_str(port);
        }
        identity.push_str(path);
        if !path.ends_with('/') {
            identity.push('/');
        }
        Some(Self { identity, classes })
    }
}

/// The normalised scheme, its default port, and the rest.
fn split_scheme(text: &str) -> Option<(&'static str, &'static str, &str)> {
    for (scheme, port) in [("http://", "80"), ("https://", "443")] {
        if let Some((start, rest)) = text.split_at_checked(scheme.len())
            && start.eq_ignore_ascii_case(scheme)
        {
            return Some((scheme, port, rest));
        }
    }
    None
}

/// The classes of a plain host name or a plain IPv4 address.
fn classes_of_host(host: &str) -> Option<AddressClasses> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !host.bytes().all(is_plain) {
        return None;
    }
    let mut last = "";
    for label in host.split('.') {
        let is_encoded = label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
        if label.is_empty() || is_encoded {
            return None;
        }
        last = label;
    }
    // The numbers may be decimal, octal or hexadecimal, and the parts may be fewer than four.
    if last.starts_with(|first: char| first.is_ascii_digit()) {
        let address: Ipv4Addr = host.parse().ok()?;
        return Some(AddressClasses::of_ip(address.into()));
    }
    Some(AddressClasses::default())
}

fn is_plain_port(port: &str) -> bool {
    let is_normal =
        port.len() <= MAX_PORT_DIGITS && port.starts_with(|first: char| matches!(first, '1'..='9'));
    is_normal && port.parse::<u16>().is_ok()
}

/// Whether nothing in a path needs to be encoded or removed, as `.` and `..` do.
fn is_plain_path(path: &str) -> bool {
    let mut before = 0;
    for byte in path.bytes() {
        let is_plain = byte.is_ascii_alphanumeric()
            || matches!(byte, b'/' | b'-' | b'_' | b'~' | b'+' | b',' | b'=' | b'@' | b'!' | b'$' | b'*')
            || (byte == b'.' && before != b'/');
        if !is_plain {
            return false;
        }
        before = byte;
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    /// The result of a parser.
    fn parsed(text: &str) -> Option<Plain> {
        let mut url = Url::parse(text).ok()?;
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Some(Plain { classes: AddressClasses::of_url(&url), identity: url.into() })
    }

    fn identity(text: &str) -> Option<String> {
        Plain::read(text).map(|plain| plain.identity)
    }

    #[test]
    fn usual_base_urls_are_plain() {
        for (text, normal) in [
            ("http://10.0.3.17:3000/", "http://10.0.3.17:3000/"),
            ("HTTP://Web-1.Example:80", "http://web-1.example/"),
            ("https://h:443/app", "https://h/app/"),
            ("https://h:80/app/v1.2/", "https://h:80/app/v1.2/"),
            ("http://web_0.svc.cluster.local:8080/a//b", "http://web_0.svc.cluster.local:8080/a//b/"),
        ] {
            assert_eq!(identity(text).as_deref(), Some(normal), "{text}");
        }
    }

    #[test]
    fn unusual_urls_are_left_to_the_parser() {
        for text in [
            "",
            "http:",
            "http:h",
            "http://",
            "http:///",
            "http://u@h/",
            "http://h:/",
            "http://h:0/",
            "http://h:080/",
            "http://h:65536/",
            "http://h:+80/",
            "http://xn--a/",
            "http://a.XN--b/",
            "http://b\u{fc}cher/",
            "http://a..b/",
            "http://h./",
            "http://.h/",
            "http://1/",
            "http://127.1/",
            "http://0x7f.0.0.1/",
            "http://127.0.0.01/",
            "http://1.2.3.0x4/",
            "http://[::1]/",
            "http://%68/",
            "http://h/../a",
            "http://h/./",
            "http://h/%2e%2e/",
            "http://h/ ",
            "http://h/?q",
            "http://h/#f",
            "http://h\\a",
            "http://h/\u{fc}",
            "ftp://h/",
            " http://h/",
        ] {
            assert_eq!(identity(text), None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn plain_urls_give_the_same_result_as_a_parser(
            text in "(http|HTTPS?|https)://([a-zA-Z0-9_.-]{0,12}|([0-9]{1,3}\\.){3}[0-9x]{1,4}|\\PC{0,4})(:[0-9]{0,6})?(/[!-~]{0,3}){0,4}"
        ) {
            if let Some(plain) = Plain::read(&text) {
                prop_assert_eq!(Some(plain), parsed(&text));
            }
        }
    }
}
