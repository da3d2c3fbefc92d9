//! The HTTP clients for destinations of one kind.

use std::sync::Arc;

use reqwest::{Client, Proxy, Url};
use rustls::ClientConfig;
use tokio::time::Instant;

use super::{
    address_policy::AddressPolicy,
    error::TransportError,
    pool::{Pool, PooledClient},
    proxy::Proxies,
};

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
    pub(super) pool: Pool,
    /// Opens a connection for each request and keeps none, so a retry never meets another stale
    /// one.
    pub(super) fresh: Client,
    tls: ClientConfig,
}

impl Clients {
    pub(super) fn new(rules: Rules, tls: ClientConfig) -> Result<Self, TransportError> {
        let fresh = build(&rules, tls.clone(), 0)?;
        Ok(Self { rules, pool: Pool::default(), fresh, tls })
    }

    /// Returns a client for a request to this URL: one with an idle connection, or a new one.
    pub(super) fn pooled(&self, url: &Url) -> Result<PooledClient, TransportError> {
        match self.pool.take(url, Instant::now()) {
            Some(pooled) => Ok(pooled),
            None => Ok(PooledClient { client: build(&self.rules, self.tls.clone(), 1)?, used: None }),
        }
    }
}

fn build(rules: &Rules, tls: ClientConfig, max_idle_connections: usize) -> Result<Client, TransportError> {
    let mut builder = Client::builder()
        .user_agent(concat!("clustershazbot/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(rules.address_policy.clone())
        // The pool of clients closes idle connections.
        .pool_idle_timeout(None)
        .pool_max_idle_per_host(max_idle_connections)
        .http1_max_headers(MAX_HEADERS)
        .tcp_nodelay(true)
        .no_proxy();
    if let Some(proxies) = rules.proxies.clone() {
        builder = builder.proxy(Proxy::custom(move |url| proxies.of(url).cloned()));
    }
    builder.build().map_err(|error| TransportError::Setup(error.to_string()))
}
