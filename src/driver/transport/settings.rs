//! The environment variables that affect the HTTP client.

use std::fmt;

use super::tls_files::TlsFiles;

/// The environment variables that affect the HTTP client: those of Node's own `fetch`, and the TLS
/// files of requests to peers.
///
/// They are read through JavaScript, never through libc. The program reads and sets `process.env`,
/// a worker has its own copy, and `getenv` races with `setenv` in another thread.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// `NODE_EXTRA_CA_CERTS`: a PEM file with certificates that are trusted besides the usual
    /// roots.
    pub node_extra_ca_certs: Option<String>,
    /// False only for `NODE_TLS_REJECT_UNAUTHORIZED=0`, which accepts every certificate.
    pub reject_unauthorized: bool,
    /// `SSL_CERT_FILE`: one more PEM file with trusted certificates.
    pub ssl_cert_file: Option<String>,
    /// `SSL_CERT_DIR`: directories of PEM files with trusted certificates, separated as in `PATH`.
    pub ssl_cert_dir: Option<String>,
    /// The proxies; set only by `NODE_USE_ENV_PROXY=1`.
    pub proxy: Option<ProxySettings>,
    /// `SHAZBOT_TLS_CERT`, `SHAZBOT_TLS_KEY` and `SHAZBOT_TLS_CA`.
    pub tls_files: TlsFiles,
}

/// The proxy variables. `Debug` hides the proxies' addresses, which often contain a password.
#[derive(Clone, Default)]
pub struct ProxySettings {
    /// `http_proxy` or `HTTP_PROXY`: the proxy for `http:` URLs.
    pub http_proxy: Option<String>,
    /// `https_proxy` or `HTTPS_PROXY`: the proxy for `https:` URLs; the default is `http_proxy`.
    pub https_proxy: Option<String>,
    /// `no_proxy` or `NO_PROXY`: hosts that are contacted directly, separated by commas or spaces.
    pub no_proxy: Option<String>,
}

impl HttpSettings {
    /// Reads the settings; `get` looks up a variable in JavaScript's `process.env`.
    pub fn from_environment(get: impl Fn(&str) -> Option<String>) -> Self {
        Self::read(&get)
    }

    fn read(get: &dyn Fn(&str) -> Option<String>) -> Self {
        let non_empty = |name: &str| get(name).filter(|value| !value.is_empty());
        let either = |lower: &str| non_empty(lower).or_else(|| non_empty(&lower.to_ascii_uppercase()));
        Self {
            node_extra_ca_certs: non_empty("NODE_EXTRA_CA_CERTS"),
            reject_unauthorized: get("NODE_TLS_REJECT_UNAUTHORIZED").as_deref() != Some("0"),
            ssl_cert_file: non_empty("SSL_CERT_FILE"),
            ssl_cert_dir: non_empty("SSL_CERT_DIR"),
            proxy: (get("NODE_USE_ENV_PROXY").as_deref() == Some("1")).then(|| ProxySettings {
                http_proxy: either("http_proxy"),
                https_proxy: either("https_proxy"),
                no_proxy: either("no_proxy"),
            }),
            tls_files: TlsFiles::from_environment(get),
        }
    }
}

impl Default for HttpSettings {
    /// The settings of an empty environment: certificates are verified, and no proxy is used.
    fn default() -> Self {
        Self::from_environment(|_| None)
    }
}

impl fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxySettings").field("no_proxy", &self.no_proxy).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> HttpSettings {
        HttpSettings::from_environment(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string())
        })
    }

    #[test]
    fn certificates_are_checked_unless_the_variable_is_exactly_zero() {
        assert!(HttpSettings::default().reject_unauthorized);
        assert!(read(&[("NODE_TLS_REJECT_UNAUTHORIZED", "")]).reject_unauthorized);
        assert!(read(&[("NODE_TLS_REJECT_UNAUTHORIZED", "false")]).reject_unauthorized);
        assert!(!read(&[("NODE_TLS_REJECT_UNAUTHORIZED", "0")]).reject_unauthorized);
    }

    #[test]
    fn proxies_need_node_use_env_proxy() {
        assert!(read(&[("http_proxy", "http://proxy")]).proxy.is_none());
        assert!(read(&[("http_proxy", "http://proxy"), ("NODE_USE_ENV_PROXY", "true")]).proxy.is_none());
        let proxy = read(&[
            ("NODE_USE_ENV_PROXY", "1"),
            ("http_proxy", "http://lower"),
            ("HTTP_PROXY", "http://upper"),
            ("HTTPS_PROXY", "http://secure"),
        ])
        .proxy
        .unwrap();
        assert_eq!(proxy.http_proxy.as_deref(), Some("http://lower"));
        assert_eq!(proxy.https_proxy.as_deref(), Some("http://secure"));
        assert_eq!(proxy.no_proxy, None);
    }

    #[test]
    fn debug_output_hides_a_proxys_password() {
        let settings =
            read(&[("NODE_USE_ENV_PROXY", "1"), ("http_proxy", "http://user:hush@proxy"), ("no_proxy", "a")]);
        assert!(!format!("{settings:?}").contains("hush"));
    }
}
