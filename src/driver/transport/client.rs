//! Sending requests.

use std::{sync::Arc, time::Duration};

use data_url::DataUrl;
use reqwest::{
    Proxy, Url,
    header::{
        ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH,
    },
};
use tokio::time::{Instant, timeout};

use super::{
    decoding::{self, Decoding},
    error::TransportError,
    message::{Destination, Method, Request, Response, latin1, text},
    proxy::Proxies,
    reach::{OwnUrls, Reach},
    redirect, retry_after,
    reuse::{AnsweredConnections, Connection},
    settings::HttpSettings,
    tls,
};

/// How long a connection idles before it is let go: Node's servers close theirs after 5 s, and whoever is second
/// sends a request into a closed connection. The pool looks once in such a time, so it may idle for twice as long.
const IDLE: Duration = Duration::from_secs(2);

/// How many idle connections are kept for each host.
const IDLE_PER_HOST: usize = 2;

/// Redirects followed on the way to a peer: enough for a changed scheme, a changed host and a final slash. Each made-up
/// claim may cost that many requests.
const MAX_PEER_REDIRECTS: usize = 3;

/// Redirects followed on the way to the master list, as many as `fetch` follows.
const MAX_REDIRECTS: usize = 20;

/// Headers of an answer, together up to some 400 kB. Stores behind several proxies give more than the usual 100.
const MAX_HEADERS: usize = 400;

/// The largest body that is taken, before and after decompression.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// An HTTP client that behaves as Node's own `fetch`, with ports and proxies aside. Clones share their connections.
#[derive(Debug, Clone)]
pub struct HttpClient {
    peers: Lane,
    master_lists: Lane,
    answered: Arc<AnsweredConnections>,
    decoding: Decoding,
    proxies: Option<Arc<Proxies>>,
}

/// The connections to destinations of one kind, and what these may be.
#[derive(Debug, Clone)]
struct Lane {
    reach: Reach,
    max_redirects: usize,
    accepted_codings: &'static str,
    pooled: reqwest::Client,
    /// Takes a new connection for each request, and keeps none: the second try must not meet another stale one.
    fresh: reqwest::Client,
}

/// A request that failed underway.
struct Failure {
    error: TransportError,
    /// The connection had answered before, so it may just have been closed meanwhile.
    reused: bool,
}

/// What came back for one request.
enum Outcome {
    Answer(Response),
    Redirect(Box<reqwest::Request>),
}

impl HttpClient {
    /// Builds a client, and gives warnings for the user. Reads and parses the trusted certificates, which may
    /// take some milliseconds.
    pub fn new(settings: &HttpSettings, own: &OwnUrls) -> Result<(Self, Vec<String>), TransportError> {
        let mut warnings = Vec::new();
        let tls = tls::client_config(settings, &mut warnings)?;
        let proxies = settings.proxy.as_ref();
        let proxies = proxies.map(|settings| Arc::new(Proxies::from_settings(settings, &mut warnings)));
        let lane = |reach: Reach, max_redirects, accepted_codings| -> Result<Lane, TransportError> {
            let (tls, proxies) = (tls.clone(), proxies.clone());
            let fresh = build(&reach, tls.clone(), proxies.clone(), 0)?;
            let pooled = build(&reach, tls, proxies, IDLE_PER_HOST)?;
            Ok(Lane { reach, max_redirects, accepted_codings, pooled, fresh })
        };
        let addresses = || proxies.iter().flat_map(|proxies| proxies.all());
        let client = Self {
            peers: lane(Reach::to_peers(own, addresses()), MAX_PEER_REDIRECTS, decoding::ACCEPTED)?,
            master_lists: lane(Reach::to_master_lists(own, addresses()), MAX_REDIRECTS, decoding::NONE)?,
            answered: Arc::new(AnsweredConnections::default()),
            decoding: Decoding::default(),
            proxies,
        };
        Ok((client, warnings))
    }

    /// Sends a request and reads the whole answer. An answer of any status is an `Ok`.
    pub async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let limit = request.timeout;
        timeout(limit, self.follow(request)).await.unwrap_or(Err(TransportError::TimedOut(limit)))
    }

    /// Sends, and follows redirects. Not left to reqwest, which would send the `Authorization` again from the
    /// second hop on another origin on.
    async fn follow(&self, request: Request) -> Result<Response, TransportError> {
        let url = Url::parse(&request.url).map_err(|_| TransportError::Request("address is not a URL"))?;
        match url.scheme() {
            "http" | "https" => (),
            "data" if request.method == Method::Get => return open_data_url(&url),
            _ => return Err(TransportError::Request("address is neither http: nor https:")),
        }
        let lane = self.lane(request.destination);
        let first = if request.is_alone { &lane.fresh } else { &lane.pooled };
        let mut request = prepare(lane, request, url)?;
        let asked = request.url().clone();
        // A refusal by a proxy, or where a redirect leads, is none of the server that is asked.
        let mut is_refusal_its_own = self.proxies.as_ref().is_none_or(|all| all.of(request.url()).is_none());
        for _ in 0..=lane.max_redirects {
            lane.reach.check(request.url())?;
            match self.exchange(&request, first, &lane.fresh).await {
                Ok(Outcome::Answer(answer)) => {
                    return Ok(Response { is_elsewhere: *request.url() != asked, ..answer });
                }
                Ok(Outcome::Redirect(next)) => request = *next,
                Err(error) if error.is_refused() && !is_refusal_its_own => {
                    return Err(TransportError::Connection(error.to_string()));
                }
                Err(error) => return Err(error),
            }
            is_refusal_its_own = false;
        }
        Err(TransportError::TooManyRedirects)
    }

    fn lane(&self, destination: Destination) -> &Lane {
        match destination {
            Destination::Peer => &self.peers,
            Destination::MasterList => &self.master_lists,
        }
    }

    /// One request, sent once more if it failed on a connection that may just have been closed.
    async fn exchange(
        &self,
        request: &reqwest::Request,
        first: &reqwest::Client,
        fresh: &reqwest::Client,
    ) -> Result<Outcome, TransportError> {
        match self.attempt(first, request).await {
            Err(failure) if failure.reused => {
                self.attempt(fresh, request).await.map_err(|failure| failure.error)
            }
            outcome => outcome.map_err(|failure| failure.error),
        }
    }

    async fn attempt(
        &self,
        client: &reqwest::Client,
        request: &reqwest::Request,
    ) -> Result<Outcome, Failure> {
        let sent = request.try_clone().ok_or(TransportError::Request("body cannot be sent twice"))?;
        let mut answer = client.execute(sent).await.map_err(|error| Failure {
            error: TransportError::from(&error),
            reused: Connection::of_failure(&error)
                .is_some_and(|connection| self.answered.knows(&connection, Instant::now())),
        })?;
        let reused = Connection::of_answer(&answer)
            .is_some_and(|connection| self.answered.note(connection, Instant::now()));
        if let Some(next) = redirect::next(request, &answer)? {
            return Ok(Outcome::Redirect(Box::new(next)));
        }
        decoding::check(answer.headers())?;
        let mut body = Vec::new();
        loop {
            let chunk = answer.chunk().await;
            match chunk.map_err(|error| Failure { error: TransportError::from(&error), reused })? {
                Some(chunk) if body.len() + chunk.len() > MAX_BODY => {
                    return Err(TransportError::TooLarge.into());
                }
                Some(chunk) => body.extend_from_slice(&chunk),
                None => break,
            }
        }
        let body = self.decoding.decode(answer.headers(), body, MAX_BODY).await?;
        let header = |name: HeaderName| answer.headers().get(name).map(text);
        Ok(Outcome::Answer(Response {
            status: answer.status().as_u16(),
            etag: header(ETAG),
            retry_after: retry_after::read(answer.headers()),
            is_elsewhere: false,
            body,
        }))
    }
}

impl From<TransportError> for Failure {
    /// A failure that another connection would not mend.
    fn from(error: TransportError) -> Self {
        Self { error, reused: false }
    }
}

fn build(
    reach: &Reach,
    tls: rustls::ClientConfig,
    proxies: Option<Arc<Proxies>>,
    idle_per_host: usize,
) -> Result<reqwest::Client, TransportError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("clustershazbot/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(reach.clone())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(idle_per_host)
        .http1_max_headers(MAX_HEADERS)
        .tcp_nodelay(true)
        .no_proxy();
    if let Some(proxies) = proxies {
        builder = builder.proxy(Proxy::custom(move |url| proxies.of(url).cloned()));
    }
    builder.build().map_err(|error| TransportError::Setup(error.to_string()))
}

fn prepare(lane: &Lane, request: Request, mut url: Url) -> Result<reqwest::Request, TransportError> {
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
    };
    // What is left of the user info becomes an Authorization header in reqwest, beside any other.
    if request.method != Method::Get || request.authorization.is_some() {
        redirect::strip_user_info(&mut url);
    }
    let mut wire = lane.pooled.request(method, url).build().map_err(|error| TransportError::from(&error))?;
    let headers = wire.headers_mut();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(lane.accepted_codings));
    if let Some(authorization) = request.authorization {
        headers.insert(AUTHORIZATION, authorization.into_value());
    }
    let conditions = [(IF_MATCH, request.if_match), (IF_NONE_MATCH, request.if_none_match)];
    for (name, etag) in conditions.into_iter().filter_map(|(name, etag)| Some((name, etag?))) {
        headers.insert(name, latin1(&etag).ok_or(TransportError::Request("ETag cannot be sent"))?);
    }
    if let Some(body) = request.json_body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *wire.body_mut() = Some(body.into());
    }
    Ok(wire)
}

fn open_data_url(url: &Url) -> Result<Response, TransportError> {
    let broken = TransportError::Request("data: address cannot be decoded");
    let data = DataUrl::process(url.as_str()).map_err(|_| broken.clone())?;
    let (body, _fragment) = data.decode_to_vec().map_err(|_| broken)?;
    if body.len() > MAX_BODY {
        return Err(TransportError::TooLarge);
    }
    Ok(Response { status: 200, etag: None, retry_after: None, is_elsewhere: false, body })
}
