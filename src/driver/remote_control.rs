//! Control requests that this server passes on to another one, for an operator.
//!
//! The other server is challenged first. If it proves the secret, the request is signed. Otherwise
//! the raw control secret goes to it only if it is a legacy peer that has exchanged messages with
//! this server, and if `SHAZBOT_LEGACY` lets a raw secret go there.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::IgnoredAny;
use tokio::time::{Instant, sleep, timeout_at};

use super::credentials::header;
use super::engine::Engine;
use super::security::Security;
use super::transport::{HeaderText, HttpClient, Method, Request, Response, TransportError};
use crate::protocol::base_url::BaseUrl;
use crate::protocol::envelope::proof_in_list;
use crate::protocol::news::Controlled;
use crate::protocol::status::Control;
use crate::security::answer::is_success;
use crate::security::message::{Address, Route, sign_request};
use crate::security::proof::{Nonce, Proof};

/// Time for everything, as for any request to a peer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Attempts with a signature. Siblings share a URL, and a request may reach another process than
/// the challenge before it.
const MAX_ATTEMPTS: u32 = 4;
/// How often is checked whether the keys of the control secret are derived, which takes some tenths
/// of a second after the start.
const KEYS_INTERVAL: Duration = Duration::from_millis(20);

/// The outcome of a control request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlOutcome {
    /// The server is controlled.
    Done,
    /// The server is not on the list.
    Unlisted,
    /// The server has not proved the secret, and may not be sent it.
    Withheld,
    /// The server has answered with this status, and not as a server does that accepts a request.
    Rejected(u16),
    /// The server could not be reached, for this reason.
    Unreached(String),
    /// The server did not answer in time.
    TimedOut,
}

impl Engine {
    /// Drains any server of the list or brings it back.
    pub async fn control_server(&self, base_url: &str, control: Control) -> ControlOutcome {
        let Ok(url) = BaseUrl::parse(base_url) else { return ControlOutcome::Unlisted };
        match self.shared.read(|machine| machine.controlled(url.identity())) {
            None => ControlOutcome::Unlisted,
            Some(Controlled::Itself) => {
                self.control(control);
                ControlOutcome::Done
            }
            Some(Controlled::Other { base_url, is_known_legacy }) => {
                let deadline = Instant::now() + TIMEOUT;
                let task =
                    Task { engine: self, base_url: &base_url, identity: url.identity(), control, deadline };
                let outcome = timeout_at(deadline, task.run(is_known_legacy)).await;
                outcome.unwrap_or(ControlOutcome::TimedOut)
            }
        }
    }
}

struct Task<'a> {
    engine: &'a Engine,
    base_url: &'a str,
    identity: &'a str,
    control: Control,
    deadline: Instant,
}

impl Task<'_> {
    async fn run(&self, is_known_legacy: bool) -> ControlOutcome {
        let Some(client) = self.engine.shared.client.get() else {
            return ControlOutcome::Unreached("the start has not got so far".to_owned());
        };
        let Some(security) = &self.engine.security else {
            return if is_known_legacy { self.send_raw(client).await } else { ControlOutcome::Withheld };
        };
        let mut outcome = ControlOutcome::Withheld;
        for _ in 0..MAX_ATTEMPTS {
            let proof = match self.challenge(client, security).await {
                Ok(Some(proof)) => proof,
                Ok(None) if is_known_legacy && security.may_send_raw_control(self.identity) => {
                    return self.send_raw(client).await;
                }
                Ok(None) => return ControlOutcome::Withheld,
                Err(error) => return outcome_of(Err(error)),
            };
            outcome = self.send_signed(client, security, &proof).await;
            if outcome != ControlOutcome::Rejected(401) {
                break;
            }
        }
        outcome
    }

    /// Returns the server's proof of the secret, if it has one.
    async fn challenge(
        &self,
        client: &HttpClient,
        security: &Security,
    ) -> Result<Option<Proof>, TransportError> {
        let Some(keyring) = security.ready_keyring().await else { return Ok(None) };
        let nonce = Nonce::new(rand::random());
        let request = self.request(Method::Get, "list");
        let authorization = HeaderText::new(&nonce.to_header()).ok();
        let response = client.send(Request { authorization, ..request }).await?;
        let text = proof_in_list(&response.body).filter(|_| is_success(response.status));
        let proof = text.and_then(|text| Proof::read(&text, &keyring, nonce));
        let proof = proof.filter(|proof| proof.base_url == self.identity);
        if let Some(proof) = &proof {
            let now = security.clock().now().tick;
            security.sessions().record_proof(self.identity, proof, now);
        }
        Ok(proof)
    }

    async fn send_signed(&self, client: &HttpClient, security: &Security, proof: &Proof) -> ControlOutcome {
        let keyring = loop {
            match security.control_keyring() {
                Some(keyring) => break keyring,
                None => sleep(KEYS_INTERVAL).await,
            }
        };
        let payload = URL_SAFE_NO_PAD.encode(self.message());
        let receiver = (self.identity, Address::Process(proof.process, proof.epoch));
        let (keys, party) = (keyring.current(), security.party());
        let signed = sign_request(keys, Route::Control, party, receiver, proof.sequence, &payload);
        let request = Request {
            authorization: HeaderText::new(&signed.header).ok(),
            json_body: Some(format!(r#"{{"message":"control","v2":"{payload}"}}"#).into_bytes()),
            ..self.request(Method::Post, "control")
        };
        outcome_of(client.send(request).await)
    }

    async fn send_raw(&self, client: &HttpClient) -> ControlOutcome {
        let authorization = header(self.engine.secrets.borrow().control.current());
        let json_body = Some(self.message().into_bytes());
        let request = self.request(Method::Post, "control");
        outcome_of(client.send(Request { authorization, json_body, ..request }).await)
    }

    fn message(&self) -> String {
        format!(r#"{{"message":"control","online":{}}}"#, self.control == Control::Return)
    }

    /// A request over a connection of its own: a reused one may have just been closed, and a server
    /// that shuts down waits for it.
    fn request(&self, method: Method, route: &str) -> Request {
        let url = format!("{}clustershazbot/{route}", self.base_url);
        Request {
            needs_new_connection: true,
            is_sent_once: true,
            follows_redirects: false,
            ..Request::to_peer(method, url, self.deadline.saturating_duration_since(Instant::now()))
        }
    }
}

/// Accepts only JSON: a login page is a success too.
fn outcome_of(response: Result<Response, TransportError>) -> ControlOutcome {
    match response {
        Ok(Response { status, body, .. }) => {
            let is_json = serde_json::from_slice::<IgnoredAny>(&body).is_ok();
            if is_success(status) && is_json {
                ControlOutcome::Done
            } else {
                ControlOutcome::Rejected(status)
            }
        }
        Err(TransportError::TimedOut(_)) => ControlOutcome::TimedOut,
        Err(error) => ControlOutcome::Unreached(error.to_string()),
    }
}
