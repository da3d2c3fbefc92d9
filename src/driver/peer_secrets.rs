//! The secrets of outgoing gossip. While secrets are being rotated, a legacy peer may accept only a
//! previous one.

use std::collections::BTreeMap;
use std::iter;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;

use super::credentials::header;
use super::transport::{HttpClient, Request, Response, TransportError};
use crate::protocol::base_url::BaseUrl;
use crate::protocol::config::SecretSet;
use crate::protocol::secret::Secret;
use crate::security::answer::{is_rejection, is_success};

/// Peers whose secret is remembered. Others get a retry with each message.
const MAX_PEERS: usize = 4_096;

/// Sends gossip with the current secret, and after a 401 again with the previous ones.
#[derive(Debug)]
pub(super) struct PeerSecrets {
    secrets: watch::Receiver<Arc<SecretSet>>,
    accepted: Mutex<Accepted>,
}

/// The previous secrets that peers have accepted.
#[derive(Debug)]
struct Accepted {
    /// The set that the indices refer to. A new set makes them void.
    set: Arc<SecretSet>,
    /// By the peer's normalized URL: the index of its secret among the distinct ones, never 0.
    by_peer: BTreeMap<Arc<str>, usize>,
}

impl PeerSecrets {
    pub(super) fn new(secrets: watch::Receiver<Arc<SecretSet>>) -> Self {
        let set = Arc::clone(&secrets.borrow());
        Self { secrets, accepted: Mutex::new(Accepted { set, by_peer: BTreeMap::new() }) }
    }

    /// Sends a request to the peer. All retries together stay within its timeout.
    pub(super) async fn send(
        &self,
        client: &HttpClient,
        base_url: &str,
        request: Request,
    ) -> Result<Response, TransportError> {
        let set = self.current_set();
        let secrets = set.gossip.distinct();
        if let [secret] = *secrets {
            return client.send(with_secret(request, secret)).await;
        }
        let peer =
            BaseUrl::parse(base_url).map_or_else(|_| base_url.into(), |url| Arc::clone(url.identity()));
        let first = self.lock().by_peer.get(&peer).copied().unwrap_or_default();
        let deadline = Instant::now() + request.timeout;
        let mut rejection = None;
        for index in iter::once(first).chain((0..secrets.len()).filter(|index| *index != first)) {
            let timeout = deadline.saturating_duration_since(Instant::now());
            let Some(secret) = secrets.get(index).filter(|_| !timeout.is_zero()) else { break };
            let attempt = with_secret(Request { timeout, ..request.clone() }, secret);
            match client.send(attempt).await {
                Ok(response) if is_rejection(response.status, &response.body) => rejection = Some(response),
                Ok(response) => {
                    if is_success(response.status) {
                        self.remember(&set, peer, index);
                    }
                    return Ok(response);
                }
                // The rejection is what the peer itself has said.
                Err(error) => return rejection.ok_or(error),
            }
        }
        self.remember(&set, peer, 0);
        rejection.ok_or(TransportError::TimedOut(request.timeout))
    }

    /// Returns the secrets in use. Forgets the peers' if they are new.
    fn current_set(&self) -> Arc<SecretSet> {
        let mut accepted = self.lock();
        let set = Arc::clone(&self.secrets.borrow());
        if !Arc::ptr_eq(&accepted.set, &set) {
            *accepted = Accepted { set: Arc::clone(&set), by_peer: BTreeMap::new() };
        }
        set
    }

    fn remember(&self, set: &Arc<SecretSet>, peer: Arc<str>, index: usize) {
        let mut accepted = self.lock();
        if !Arc::ptr_eq(&accepted.set, set) {
            return;
        }
        if index == 0 {
            accepted.by_peer.remove(&peer);
        } else if accepted.by_peer.len() < MAX_PEERS || accepted.by_peer.contains_key(&peer) {
            accepted.by_peer.insert(peer, index);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Accepted> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn with_secret(request: Request, secret: &Secret) -> Request {
    Request { authorization: header(secret), ..request }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::driver::transport::{ConfiguredUrls, HttpSettings, Method};
    use crate::protocol::config::{AcceptedSecrets, ReadSecrets};

    /// A peer that answers 401 to every secret but its own.
    struct Peer {
        base_url: String,
        state: Arc<Mutex<PeerState>>,
    }

    #[derive(Default)]
    struct PeerState {
        secret: String,
        rejection: &'static str,
        /// Secrets to which it never answers.
        hangs_at: String,
        received: Vec<String>,
    }

    impl Peer {
        async fn with_secret(secret: &str) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let base_url = format!("http://{}/", listener.local_addr().unwrap());
            let state = Arc::new(Mutex::new(PeerState { secret: secret.to_owned(), ..PeerState::default() }));
            let served = Arc::clone(&state);
            tokio::spawn(async move {
                loop {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n{}") {
                        head.push(stream.read_u8().await.unwrap());
                    }
                    let response = answer(&served, &String::from_utf8(head).unwrap());
                    let Some(response) = response else { pending().await };
                    stream.write_all(response.as_bytes()).await.unwrap();
                }
            });
            Self { base_url, state }
        }

        fn set(&self, change: impl FnOnce(&mut PeerState)) {
            change(&mut self.state.lock().unwrap());
        }

        /// Returns the secrets received since the last call.
        fn received(&self) -> Vec<String> {
            std::mem::take(&mut self.state.lock().unwrap().received)
        }
    }

    fn answer(state: &Mutex<PeerState>, request: &str) -> Option<String> {
        let line = request.lines().find(|line| line.to_ascii_lowercase().starts_with("authorization:"))?;
        let secret = line.split_once(": ")?.1;
        let mut state = state.lock().unwrap();
        state.received.push(secret.to_owned());
        if secret == state.hangs_at {
            return None;
        }
        let (status, body) =
            if secret == state.secret { ("200 OK", "") } else { ("401 No", state.rejection) };
        let length = body.len();
        Some(format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"))
    }

    fn set(texts: &[&str]) -> Arc<SecretSet> {
        let secret = |text: &&str| Secret::new(text).unwrap();
        let (current, previous) = texts.split_first().unwrap();
        let control = AcceptedSecrets::new(secret(&"control"), Vec::new());
        let gossip = AcceptedSecrets::new(secret(current), previous.iter().map(secret).collect());
        let read = ReadSecrets::default();
        Arc::new(SecretSet { gossip, control, read, update_authorization: secret(&"auth") })
    }

    struct Rig {
        client: HttpClient,
        sender: watch::Sender<Arc<SecretSet>>,
        secrets: PeerSecrets,
    }

    impl Rig {
        fn new(texts: &[&str]) -> Self {
            let settings = HttpSettings::default();
            let (client, _) = HttpClient::new(&settings, &ConfiguredUrls::default()).unwrap();
            let (sender, receiver) = watch::channel(set(texts));
            Self { client, sender, secrets: PeerSecrets::new(receiver) }
        }

        async fn send(&self, peer: &Peer) -> Result<u16, TransportError> {
            self.send_within(peer, Duration::from_secs(20)).await
        }

        async fn send_within(&self, peer: &Peer, timeout: Duration) -> Result<u16, TransportError> {
            let request = Request {
                json_body: Some(b"{}".to_vec()),
                needs_new_connection: true,
                ..Request::to_peer(Method::Post, format!("{}clustershazbot/gossip", peer.base_url), timeout)
            };
            self.secrets.send(&self.client, &peer.base_url, request).await.map(|response| response.status)
        }
    }

    #[tokio::test]
    async fn the_secret_that_a_peer_accepts_is_remembered_until_it_fails() {
        let (peer, other) = (Peer::with_secret("old").await, Peer::with_secret("new").await);
        let rig = Rig::new(&["new", "new", "older", "new", "old"]);
        assert_eq!(rig.send(&peer).await, Ok(200));
        assert_eq!(peer.received(), ["new", "older", "old"]);
        assert_eq!(rig.send(&peer).await, Ok(200));
        assert_eq!(peer.received(), ["old"]);
        assert_eq!(rig.send(&other).await, Ok(200));
        assert_eq!(other.received(), ["new"]);
        peer.set(|state| state.secret = "new".to_owned());
        assert_eq!(rig.send(&peer).await, Ok(200));
        assert_eq!(peer.received(), ["old", "new"]);
        assert_eq!(rig.send(&peer).await, Ok(200));
        assert_eq!(peer.received(), ["new"]);
    }

    #[tokio::test]
    async fn new_secrets_are_tried_first() {
        let peer = Peer::with_secret("old").await;
        let rig = Rig::new(&["new", "old"]);
        assert_eq!(rig.send(&peer).await, Ok(200));
        peer.received();
        rig.sender.send_replace(set(&["newer", "new", "old"]));
        assert_eq!(rig.send(&peer).await, Ok(200));
        assert_eq!(peer.received(), ["newer", "new", "old"]);
        rig.sender.send_replace(set(&["old"]));
        assert_eq!(rig.send(&peer).await, Ok(200));
        assert_eq!(peer.received(), ["old"]);
    }

    #[tokio::test]
    async fn a_peer_that_rejects_all_secrets_has_answered_401() {
        let peer = Peer::with_secret("foreign").await;
        let rig = Rig::new(&["new", "old"]);
        for _ in 0..2 {
            assert_eq!(rig.send(&peer).await, Ok(401));
            assert_eq!(peer.received(), ["new", "old"]);
        }
        let without_previous = Rig::new(&["new"]);
        assert_eq!(without_previous.send(&peer).await, Ok(401));
        assert_eq!(peer.received(), ["new"]);
    }

    #[tokio::test]
    async fn a_peer_without_an_engine_gets_no_retry() {
        let peer = Peer::with_secret("old").await;
        peer.set(|state| state.rejection = r#"{"error":"Clustershazbot engine not started"}"#);
        assert_eq!(Rig::new(&["new", "old"]).send(&peer).await, Ok(401));
        assert_eq!(peer.received(), ["new"]);
    }

    #[tokio::test]
    async fn retries_stay_within_the_timeout_and_do_not_hide_the_rejection() {
        let peer = Peer::with_secret("none").await;
        peer.set(|state| state.hangs_at = "old".to_owned());
        let began = Instant::now();
        let status = Rig::new(&["new", "old"]).send_within(&peer, Duration::from_secs(1)).await;
        assert_eq!(status, Ok(401));
        let elapsed = began.elapsed();
        assert!(elapsed >= Duration::from_millis(900) && elapsed < Duration::from_secs(10), "{elapsed:?}");
    }

    #[test]
    fn what_is_remembered_is_limited() {
        let rig = Rig::new(&["new", "old"]);
        let set = rig.secrets.current_set();
        for number in 0..MAX_PEERS + 10 {
            rig.secrets.remember(&set, format!("http://h/{number}/").into(), 1);
        }
        assert_eq!(rig.secrets.lock().by_peer.len(), MAX_PEERS);
        rig.secrets.remember(&set, "http://h/0/".into(), 0);
        assert_eq!(rig.secrets.lock().by_peer.len(), MAX_PEERS - 1);
    }
}
