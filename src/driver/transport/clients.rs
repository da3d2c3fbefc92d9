//! The HTTP clients for destinations of one kind.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, Proxy};
use rustls::ClientConfig;

use super::{address_policy::AddressPolicy, error::TransportError, proxy::Proxies};

/// Idle time after which a connection is closed. Node's servers close theirs after 5 s, and a
/// request must not meet a closed one. The pool checks once per period, so a connection may idle
/// for twice as long.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// Idle connections kept for each host.
const MAX_IDLE_PER_HOST: usize = 2;

/// Headers of a response, about 400 kB. Stores behind several proxies send more than the usual 100.
const MAX_HEADERS: usize = 400;

/// What is allowed for destinations of one kind.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) address_policy: AddressPolicy,
    pub(super) max_redirects: usize,
    pub(super) accepted_codings: &'static str,
    pub(super) proxies: Option<Arc<Proxies>>,
}

/// The clients for destinations of one kind.
#[derive(Debug)]
pub(super) struct Clients {
    pub(super) rules: Rules,
    pub(super) pooled: Client,
    /// Opens a connection for each request and keeps none, so a retry never meets another stale
    /// one.
    pub(super) fresh: Client,
}

impl Clients {
    pub(super) fn new(rules: Rules, tls: &ClientConfig) -> Result<Self, TransportError> {
        let pooled = build(&rules, tls.clone(), MAX_IDLE_PER_HOST)?;
        let fresh = build(&rules, tls.clone(), 0)?;
        Ok(Self { rules, pooled, fresh })
    }
}

fn build(rules: &Rules, tls: ClientConfig, idle_per_host: usize) -> Result<Client, TransportError> {
    let mut builder = Client::builder()
        .user_agent(concat!("clustershazbot/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(rules.address_policy.clone())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(idle_per_host)
        .http1_max_headers(MAX_HEADERS)
        .tcp_nodelay(true)
        .no_proxy();
    if let Some(proxies) = rules.proxies.clone() {
        builder = builder.proxy(Proxy::custom(move |url| proxies.of(url).cloned()));
    }
    builder.build().map_err(|error| TransportError::Setup(error.to_string()))
}
