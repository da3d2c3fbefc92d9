//! Which requests go through a proxy.

use std::fmt;

use reqwest::Url;

use super::settings::ProxySettings;

/// The proxies of `NODE_USE_ENV_PROXY=1`. `Debug` hides their addresses, which often contain a
/// password.
pub(super) struct Proxies {
    http: Option<Url>,
    https: Option<Url>,
    direct: NoProxy,
}

impl Proxies {
    pub(super) fn from_settings(settings: &ProxySettings, warnings: &mut Vec<String>) -> Self {
        let mut parse = |name: &str, address: &Option<String>| {
            let url =
                Url::parse(address.as_deref()?).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            if url.is_none() {
                warnings.push(format!("Ignoring {name}: it is not an http: or https: URL"));
            }
            url
        };
        let http = parse("http_proxy", &settings.http_proxy);
        let https = parse("https_proxy", &settings.https_proxy).or_else(|| http.clone());
        Self { http, https, direct: NoProxy::new(settings.no_proxy.as_deref().unwrap_or_default()) }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Url> {
        self.http.iter().chain(&self.https)
    }

    /// Returns the proxy for a URL.
    pub(super) fn of(&self, url: &Url) -> Option<&Url> {
        let proxy = if url.scheme() == "https" { &self.https } else { &self.http };
        proxy.as_ref().filter(|_| !self.direct.covers(url))
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies").field("direct", &self.direct).finish_non_exhaustive()
    }
}

/// The hosts that are contacted directly. Unlike reqwest's own list, and like Node's, it supports
/// ports.
#[derive(Debug)]
struct NoProxy {
    everything: bool,
    entries: Vec<(String, Option<u16>)>,
}

impl NoProxy {
    fn new(list: &str) -> Self {
        let entries = list
            .split([',', ' ', '\t', '\r', '\n'])
            .filter(|entry| !entry.is_empty())
            .map(|entry| {
                let (host, port) = match entry.rsplit_once(':').map(|(host, port)| (host, port.parse())) {
                    Some((host, Ok(port))) if !host.ends_with(':') => (host, Some(port)),
                    _ => (entry, None),
                };
                let host = host.strip_prefix('*').unwrap_or(host).trim_start_matches('.');
                (host.to_ascii_lowercase(), port)
            })
            .collect();
        Self { everything: list.trim() == "*", entries }
    }

    /// An entry covers its host and all subdomains, and with a port only that port.
    fn covers(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        self.everything
            || self.entries.iter().any(|(entry, port)| {
                let below = host.strip_suffix(entry.as_str());
                port.is_none_or(|port| url.port_or_known_default() == Some(port))
                    && below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_names_hosts_domains_and_ports() {
        let covers = |list: &str, url: &str| NoProxy::new(list).covers(&Url::parse(url).unwrap());
        assert!(covers("*", "http://a/"));
        assert!(covers("a, LOCALHOST", "http://localhost:3000/"));
        assert!(covers("localhost:3000", "http://localhost:3000/"));
        assert!(!covers("localhost:3000", "http://localhost:3001/"));
        assert!(covers("example.com:443", "https://example.com/"));
        for list in ["example.com", ".example.com", "*.example.com"] {
            assert!(covers(list, "http://www.example.com/"), "{list}");
            assert!(!covers(list, "http://badexample.com/"), "{list}");
        }
        assert!(covers("127.0.0.1", "http://127.0.0.1:8080/"));
        assert!(covers("[::1]:80 [::1]", "http://[::1]:8080/"));
        assert!(!covers("", "http://a/"));
        assert!(!covers("::", "http://a/"));
    }
}
