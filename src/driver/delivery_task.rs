//! The delivery of one message to a peer: a challenge, a signed message or the raw secret, as
//! [`crate::security::delivery`] says.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::peer_secrets::PeerSecrets;
use super::security::Security;
use super::transport::{HeaderText, HttpClient, Method, Request, Response, TransportError};
use crate::protocol::base_url::BaseUrl;
use crate::protocol::envelope::{proof_in_gossip, proof_in_list, raw_body, signed_body};
use crate::protocol::extension::{Extension, Kind};
use crate::protocol::message::{Lists, ReceivedLists, Refusal, Reply};
use crate::security::answer::{Answer, is_success, own_url_answer};
use crate::security::delivery::{CHALLENGE_TIMEOUT, Content, Delivery, ListAnswer, Next, Step};
use crate::security::keys::Keyring;
use crate::security::message::Address;
use crate::security::payload::encode;
use crate::security::process::ProcessNumber;
use crate::security::proof::Nonce;

/// A message to a peer.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) base_url: Arc<str>,
    pub(super) content: MessageContent,
    pub(super) timeout: Duration,
}

#[derive(Debug)]
pub(super) enum MessageContent {
    Gossip {
        lists: Arc<Lists>,
        extension: Arc<Extension>,
    },
    /// A request to the own URL, over a new connection. Only a message with the raw secret has the
    /// extension.
    OwnUrl {
        extension: Arc<Extension>,
    },
    List,
}

/// The outcome of a delivery.
pub(super) enum Outcome {
    /// The response to a request without a signature; its `v2` field counts only if this says so.
    Response { response: Response, is_trusted: bool },
    /// The verified response to a signed message.
    Native(Box<Extension>),
    /// Lists in a response to a signed message, but no signature.
    Unsigned,
    /// The peer has not proved the secret, and may not be sent it.
    Withheld,
    /// No response.
    Error(TransportError),
}

impl Outcome {
    /// Why there is no response.
    pub(super) fn failure(&self) -> Option<&TransportError> {
        match self {
            Self::Error(error) => Some(error),
            _ => None,
        }
    }

    /// Lets a function see the outcome as a reply.
    pub(super) fn report(self, report: impl FnOnce(Reply<'_>)) {
        match self {
            Self::Response { response: Response { status, retry_after, body, .. }, is_trusted } => {
                let reply = Reply::read(status, retry_after, &body);
                report(if is_trusted { reply } else { reply.without_extension(&body) });
            }
            Self::Native(extension) => report(Reply::Native(extension)),
            Self::Unsigned => report(Reply::Lists(ReceivedLists::default())),
            Self::Withheld => report(Reply::Refusal(Refusal::Withheld)),
            Self::Error(error) if error.is_refused() => report(Reply::NoListener(error.to_string())),
            Self::Error(error) if error.is_not_allowed() => report(Reply::Refusal(Refusal::NotAllowed)),
            Self::Error(error) => report(Reply::Failure(error.to_string())),
        }
    }
}

/// Delivers a message.
pub(super) async fn deliver(
    client: &HttpClient,
    security: &Security,
    peer_secrets: &PeerSecrets,
    message: Message,
) -> Outcome {
    let deadline = Instant::now() + message.timeout;
    let Some(keyring) = security.ready_keyring().await else { return Outcome::Withheld };
    // The machine names only URLs that it has parsed.
    let Ok(url) = BaseUrl::parse(&message.base_url) else { return Outcome::Withheld };
    let content = match message.content {
        MessageContent::Gossip { .. } => Content::Gossip,
        MessageContent::OwnUrl { .. } => Content::OwnUrl,
        MessageContent::List => Content::List,
    };
    let delivery = Delivery::new(url.identity(), content, security.is_known(url.identity()));
    let task = Task {
        client,
        security,
        peer_secrets,
        keyring,
        message,
        delivery,
        deadline,
        list_outcome: None,
        is_sent_again: false,
    };
    task.run().await
}

struct Task<'a> {
    client: &'a HttpClient,
    security: &'a Security,
    peer_secrets: &'a PeerSecrets,
    keyring: Arc<Keyring>,
    message: Message,
    delivery: Delivery,
    deadline: Instant,
    /// The outcome of the latest list request.
    list_outcome: Option<Outcome>,
    /// Whether a signed message is sent again after a reused connection failed.
    is_sent_again: bool,
}

/// What follows a request.
type Progress = std::ops::ControlFlow<Outcome>;

impl Task<'_> {
    async fn run(mut self) -> Outcome {
        loop {
            let progress = match self.security.next_step(&mut self.delivery) {
                Step::Challenge(nonce) => self.request_list(Some(nonce)).await,
                Step::List => self.request_list(None).await,
                Step::Signed(address) => self.send_signed(address).await,
                Step::Raw(nonce) => Progress::Break(self.send_raw(nonce).await),
                Step::Answered(process) => Progress::Break(self.own_url_answer(process)),
                Step::Withhold => Progress::Break(self.withhold()),
            };
            if let Progress::Break(outcome) = progress {
                return outcome;
            }
        }
    }

    async fn request_list(&mut self, nonce: Option<Nonce>) -> Progress {
        let is_last = nonce.is_none() && matches!(self.message.content, MessageContent::List);
        let limit = if is_last { Duration::MAX } else { CHALLENGE_TIMEOUT };
        let request = Request {
            authorization: nonce.and_then(|nonce| HeaderText::new(&nonce.to_header()).ok()),
            // A server that shuts down waits for its last connection, which list requests would
            // keep open. The own URL is asked over a new one each time, since load balancers
            // alternate between processes.
            needs_new_connection: !matches!(self.message.content, MessageContent::Gossip { .. }),
            ..self.request(Method::Get, "list", limit)
        };
        let outcome = self.client.send(request).await;
        if matches!(&outcome, Err(error) if error.is_refused() || error.is_not_allowed()) {
            return Progress::Break(untrusted(outcome));
        }
        let proof = outcome.as_ref().ok().and_then(|response| proof_in_list(&response.body));
        let answer = match &outcome {
            Ok(response) if is_success(response.status) => ListAnswer::Success(proof.as_deref()),
            _ => ListAnswer::Failure,
        };
        if let (MessageContent::OwnUrl { .. }, Some(proof), Some(nonce)) =
            (&self.message.content, &proof, nonce)
        {
            self.security.record_own_url(proof, nonce);
        }
        let now = self.security.clock().now().tick;
        let mut sessions = self.security.sessions();
        match self.delivery.record_list(&mut sessions, &self.keyring, answer, now) {
            Next::Deliver => Progress::Break(untrusted(outcome)),
            Next::Continue => {
                self.list_outcome = Some(untrusted(outcome));
                Progress::Continue(())
            }
        }
    }

    async fn send_signed(&mut self, address: Address) -> Progress {
        let MessageContent::Gossip { extension, .. } = &self.message.content else {
            return Progress::Break(Outcome::Withheld);
        };
        let mut extension = (**extension).clone();
        extension.epoch = self.security.epoch();
        let is_probe = matches!(extension.kind, Kind::Probe);
        let payload = encode(&extension, self.security.party());
        let sent = {
            let mut sessions = self.security.sessions();
            self.delivery.sign(&mut sessions, self.keyring.current(), address, &payload)
        };
        let request = Request {
            authorization: HeaderText::new(sent.header()).ok(),
            json_body: Some(signed_body(&payload)),
            needs_new_connection: self.is_sent_again,
            is_sent_once: true,
            offers_codings: !is_probe,
            ..self.request(Method::Post, "gossip", Duration::MAX)
        };
        let response = match self.client.send(request).await {
            Ok(response) => response,
            // The request may have arrived, and each sequence counts once, so it is signed again.
            Err(TransportError::ReusedConnection) if !self.is_sent_again => {
                self.is_sent_again = true;
                return Progress::Continue(());
            }
            Err(error) => return Progress::Break(Outcome::Error(error)),
        };
        let now = self.security.clock().now().tick;
        let mut sessions = self.security.sessions();
        let answer = (response.status, &*response.body);
        Progress::Break(match self.delivery.record_answer(&mut sessions, &self.keyring, &sent, answer, now) {
            Answer::Retry => return Progress::Continue(()),
            Answer::Native(extension) => {
                if extension.siblings {
                    self.security.expect_sibling();
                }
                Outcome::Native(extension)
            }
            Answer::Unsigned => Outcome::Unsigned,
            Answer::Other => Outcome::Response { response, is_trusted: false },
        })
    }

    async fn send_raw(&mut self, nonce: Nonce) -> Outcome {
        let (lists, extension) = match &self.message.content {
            MessageContent::Gossip { lists, extension } => (lists.as_ref(), extension.as_ref()),
            MessageContent::OwnUrl { extension } => (&Lists::default(), extension.as_ref()),
            MessageContent::List => return Outcome::Withheld,
        };
        let request = Request {
            json_body: Some(raw_body(lists, Some(extension), &nonce.print())),
            needs_new_connection: matches!(self.message.content, MessageContent::OwnUrl { .. }),
            ..self.request(Method::Post, "gossip", Duration::MAX)
        };
        let response = match self.peer_secrets.send(self.client, &self.message.base_url, request).await {
            Ok(response) => response,
            Err(error) => return Outcome::Error(error),
        };
        let mut is_trusted = false;
        if let Some(proof) = proof_in_gossip(&response.body) {
            let now = self.security.clock().now().tick;
            let mut sessions = self.security.sessions();
            is_trusted = self.delivery.record_raw_proof(&mut sessions, &self.keyring, nonce, &proof, now);
        }
        Outcome::Response { response, is_trusted }
    }

    /// The outcome if a process has proved the secret at the own URL.
    fn own_url_answer(&self, process: ProcessNumber) -> Outcome {
        let MessageContent::OwnUrl { extension } = &self.message.content else { return Outcome::Withheld };
        let list = match &self.list_outcome {
            Some(Outcome::Response { response, .. }) => Some(&*response.body),
            _ => None,
        };
        Outcome::Native(Box::new(own_url_answer(extension, process, list)))
    }

    /// The outcome where nothing more may be sent: what the peer answered last, unless that was a
    /// success without a proof.
    fn withhold(&mut self) -> Outcome {
        match self.list_outcome.take() {
            Some(Outcome::Response { response, .. }) if is_success(response.status) => {
                if self.delivery.is_withheld(self.security.accepts_raw()) {
                    Outcome::Withheld
                } else {
                    Outcome::Error(TransportError::TimedOut(CHALLENGE_TIMEOUT))
                }
            }
            Some(outcome) => outcome,
            None => Outcome::Withheld,
        }
    }

    fn request(&self, method: Method, route: &str, limit: Duration) -> Request {
        let url = format!("{}clustershazbot/{route}", self.message.base_url);
        Request::to_peer(method, url, self.deadline.saturating_duration_since(Instant::now()).min(limit))
    }
}

fn untrusted(outcome: Result<Response, TransportError>) -> Outcome {
    match outcome {
        Ok(response) => Outcome::Response { response, is_trusted: false },
        Err(error) => Outcome::Error(error),
    }
}
