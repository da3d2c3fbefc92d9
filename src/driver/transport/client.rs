//! Sends requests.

use std::{future::Future, sync::Arc, time::Duration};

use data_url::DataUrl;
use reqwest::{
    StatusCode, Url,
    header::{
        ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH,
    },
};
use tokio::time::{Instant, timeout};

use super::{
    address_policy::{AddressPolicy, ConfiguredUrls, Permission},
    byte_counts::ByteCounts,
    clients::{Clients, Rules},
    decoding::{self, Decoding},
    error::TransportError,
    keep_alive,
    message::{Destination, HeaderText, Method, Request, Response, latin1, text},
    peer_clients::{PeerClients, TlsChange},
    pool::PooledClient,
    proxy::Proxies,
    redirect, retry_after,
    reuse::ConnectionEnds,
    settings::HttpSettings,
    tls,
};

/// Redirects followed on the way to a peer: enough for a new scheme, a new host and a final slash.
/// A fabricated claim may cost as many requests.
const MAX_PEER_REDIRECTS: usize = 3;

/// Redirects followed on the way to the master list, as many as in `fetch`.
const MAX_REDIRECTS: usize = 20;

/// The largest accepted body in bytes, before and after decompression.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// An HTTP client that behaves like Node's own `fetch`, except for blocked ports and proxies.
/// Clones share their connections.
#[derive(Debug, Clone)]
pub struct HttpClient {
    pub(super) peers: Arc<PeerClients>,
    master_lists: Arc<Clients>,
    decoding: Decoding,
    proxies: Option<Arc<Proxies>>,
    bytes: Arc<ByteCounts>,
}

/// A request that failed underway.
struct Failure {
    error: TransportError,
    /// Whether the connection had been used before: its server may just have closed it.
    is_reused: bool,
}

/// The outcome of one request.
enum Outcome {
    Response(Response),
    Redirect(u16, Box<reqwest::Request>),
}

impl HttpClient {
    /// Builds a client, and returns warnings for the user. Reads and parses the trusted
    /// certificates, which may take some milliseconds.
    ///
    /// # Errors
    /// [`TransportError::Misconfigured`] names the variable of a TLS file that cannot be used.
    pub fn new(
        settings: &HttpSettings,
        configured: &ConfiguredUrls,
    ) -> Result<(Self, Vec<String>), TransportError> {
        let mut warnings = Vec::new();
        let tls = tls::client_config(settings, &mut warnings)?;
        let proxies = settings.proxy.as_ref();
        let proxies = proxies.map(|settings| Arc::new(Proxies::from_settings(settings, &mut warnings)));
        let addresses = || proxies.iter().flat_map(|proxies| proxies.all());
        let for_master_lists = Rules {
            address_policy: AddressPolicy::for_master_lists(configured, addresses()),
            max_redirects: MAX_REDIRECTS,
            accepted_codings: decoding::NONE,
            proxies: proxies.clone(),
        };
        let for_peers = Rules {
            address_policy: AddressPolicy::for_peers(configured, addresses()),
            max_redirects: MAX_PEER_REDIRECTS,
            accepted_codings: decoding::ACCEPTED,
            proxies: proxies.clone(),
        };
        let master_lists = Arc::new(Clients::new(for_master_lists, tls.clone())?);
        let peers = PeerClients::new(settings.tls_files.clone(), tls, for_peers)?;
        let client =
            Self { peers, master_lists, decoding: Decoding::default(), proxies, bytes: Arc::default() };
        Ok((client, warnings))
    }

    /// Counts the bytes of all bodies there.
    pub fn counting(self, bytes: Arc<ByteCounts>) -> Self {
        Self { bytes, ..self }
    }

    /// Follows changes of the TLS files, for ever, and reports their effect. `None` if no file is
    /// configured.
    pub fn watch_tls_files(
        &self,
        report: impl Fn(TlsChange) + Send + 'static,
    ) -> Option<impl Future<Output = ()> + Send + 'static> {
        Arc::clone(&self.peers).watch(report)
    }

    /// Sends a request and reads the whole response. A response of any status is an `Ok`.
    pub async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let limit = request.timeout;
        timeout(limit, self.follow(request)).await.unwrap_or(Err(TransportError::TimedOut(limit)))
    }

    /// Follows redirects. reqwest would send the `Authorization` again to a second hop on another
    /// origin.
    async fn follow(&self, request: Request) -> Result<Response, TransportError> {
        let url =
            Url::parse(&request.url).map_err(|_| TransportError::InvalidRequest("address is not a URL"))?;
        match url.scheme() {
            "http" | "https" => (),
            "data" if request.method == Method::Get => return open_data_url(&url),
            _ => return Err(TransportError::InvalidRequest("address is neither http: nor https:")),
        }
        let clients = self.clients(request.destination);
        let Request { needs_new_connection, is_sent_once, follows_redirects, .. } = request;
        let mut request = prepare(&clients, request, url)?;
        let first_url = request.url().clone();
        for hop in 0..=clients.rules.max_redirects {
            let is_proxied = self.proxies.as_ref().is_some_and(|all| all.of(request.url()).is_some());
            // What a proxy or a redirect target refuses says nothing about the server itself.
            let is_about_server = |error: &TransportError| match error {
                TransportError::Refused => hop == 0 && !is_proxied,
                TransportError::NotAllowed => hop == 0,
                _ => true,
            };
            let outcome = match clients.rules.address_policy.check(request.url(), is_proxied) {
                Ok(permission) if needs_new_connection => {
                    self.exchange_once(&clients, &request, permission).await
                }
                Ok(permission) => self.exchange(&clients, &request, permission, is_sent_once).await,
                Err(error) => Err(error),
            };
            match outcome {
                Ok(Outcome::Response(response)) => {
                    return Ok(Response { was_redirected: *request.url() != first_url, ..response });
                }
                Ok(Outcome::Redirect(status, _)) if !follows_redirects => return Ok(Response::bare(status)),
                Ok(Outcome::Redirect(_, next)) => request = *next,
                Err(error) if is_about_server(&error) => return Err(error),
                Err(error) => return Err(TransportError::Connection(error.to_string())),
            }
        }
        Err(TransportError::TooManyRedirects)
    }

    fn clients(&self, destination: Destination) -> Arc<Clients> {
        match destination {
            Destination::Peer => self.peers.current(),
            Destination::MasterList => Arc::clone(&self.master_lists),
        }
    }

    /// Sends a request over an idle connection, if there is one. Sends it again over a new one
    /// after the idle one failed, which its server may have closed.
    async fn exchange(
        &self,
        clients: &Clients,
        request: &reqwest::Request,
        permission: Permission,
        is_sent_once: bool,
    ) -> Result<Outcome, TransportError> {
        let mut pooled = clients.pooled(request.url())?;
        match self.attempt(&mut pooled, request, permission).await {
            Ok((outcome, idle_time)) => {
                if let Some(idle_time) = idle_time {
                    clients.pool.put(request.url(), pooled, Instant::now() + idle_time);
                }
                Ok(outcome)
            }
            Err(failure) if !failure.is_reused => Err(failure.error),
            Err(_) if is_sent_once => Err(TransportError::ReusedConnection),
            Err(_) => self.exchange_once(clients, request, permission).await,
        }
    }

    /// Sends a request over a connection of its own.
    async fn exchange_once(
        &self,
        clients: &Clients,
        request: &reqwest::Request,
        permission: Permission,
    ) -> Result<Outcome, TransportError> {
        let mut fresh = PooledClient { client: clients.fresh.clone(), used: None };
        let outcome = self.attempt(&mut fresh, request, permission).await;
        outcome.map(|(outcome, _)| outcome).map_err(|failure| failure.error)
    }

    /// Sends a request, and reads the response. Returns for how long the connection may be idle.
    async fn attempt(
        &self,
        PooledClient { client, used }: &mut PooledClient,
        request: &reqwest::Request,
        permission: Permission,
    ) -> Result<(Outcome, Option<Duration>), Failure> {
        let sent = request.try_clone().ok_or(TransportError::InvalidRequest("body cannot be sent twice"))?;
        self.bytes.add_sent(sent.body().and_then(reqwest::Body::as_bytes).map_or(0, <[u8]>::len));
        let was_used = |ends: Option<ConnectionEnds>| ends.is_some() && ends == *used;
        let mut response = permission.while_running(client.execute(sent)).await.map_err(|error| Failure {
            error: TransportError::from(&error),
            is_reused: was_used(ConnectionEnds::of_failure(&error)),
        })?;
        let ends = ConnectionEnds::of_response(&response);
        let is_reused = was_used(ends);
        *used = ends;
        if is_reused && response.status() == StatusCode::REQUEST_TIMEOUT {
            // A front that has tired of waiting sends this before it closes the connection.
            return Err(Failure { error: TransportError::ReusedConnection, is_reused });
        }
        let idle_time = keep_alive::idle_time(&response);
        if let Some(next) = redirect::next(request, &response)? {
            return Ok((Outcome::Redirect(response.status().as_u16(), Box::new(next)), idle_time));
        }
        decoding::check(response.headers())?;
        let mut body = Vec::new();
        loop {
            let chunk = response.chunk().await;
            match chunk.map_err(|error| Failure { error: TransportError::from(&error), is_reused })? {
                Some(chunk) if body.len() + chunk.len() > MAX_BODY => {
                    return Err(TransportError::TooLarge.into());
                }
                Some(chunk) => {
                    self.bytes.add_received(chunk.len());
                    body.extend_from_slice(&chunk);
                }
                None => break,
            }
        }
        let body = self.decoding.decode(response.headers(), body, MAX_BODY).await?;
        let header = |name: HeaderName| response.headers().get(name).map(text);
        let response = Response {
            status: response.status().as_u16(),
            etag: header(ETAG),
            retry_after: retry_after::read(response.headers()),
            was_redirected: false,
            body,
        };
        Ok((Outcome::Response(response), idle_time))
    }
}

impl From<TransportError> for Failure {
    /// A failure that a new connection would not fix.
    fn from(error: TransportError) -> Self {
        Self { error, is_reused: false }
    }
}

fn prepare(clients: &Clients, request: Request, mut url: Url) -> Result<reqwest::Request, TransportError> {
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
    };
    // reqwest would turn the user info into a second Authorization header.
    if request.method != Method::Get || request.authorization.is_some() {
        redirect::strip_user_info(&mut url);
    }
    let mut wire =
        clients.fresh.request(method, url).build().map_err(|error| TransportError::from(&error))?;
    let headers = wire.headers_mut();
    if request.offers_codings {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(clients.rules.accepted_codings));
    }
    if let Some(value) = request.authorization.as_ref().and_then(HeaderText::to_value) {
        headers.insert(AUTHORIZATION, value);
    }
    let conditions = [(IF_MATCH, request.if_match), (IF_NONE_MATCH, request.if_none_match)];
    for (name, etag) in conditions.into_iter().filter_map(|(name, etag)| Some((name, etag?))) {
        headers.insert(name, latin1(&etag).ok_or(TransportError::InvalidRequest("ETag cannot be sent"))?);
    }
    if let Some(body) = request.json_body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *wire.body_mut() = Some(body.into());
    }
    Ok(wire)
}

fn open_data_url(url: &Url) -> Result<Response, TransportError> {
    let undecodable = TransportError::InvalidRequest("data: address cannot be decoded");
    let data = DataUrl::process(url.as_str()).map_err(|_| undecodable.clone())?;
    let (body, _fragment) = data.decode_to_vec().map_err(|_| undecodable)?;
    if body.len() > MAX_BODY {
        return Err(TransportError::TooLarge);
    }
    Ok(Response { status: 200, etag: None, retry_after: None, was_redirected: false, body })
}
