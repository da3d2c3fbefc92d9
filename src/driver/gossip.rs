//! Incoming gossip requests: signed messages, and messages with the raw secret.

use super::authorization::{Authorization, Unauthorized};
use super::engine::Engine;
use super::raw::{ResponseKind, text_of};
use super::security::Security;
use crate::protocol::envelope::{raw_answer, signed_body};
use crate::protocol::extension::Extension;
use crate::protocol::lists;
use crate::protocol::request::Request;
use crate::security::proof::Nonce;
use crate::security::receiver::Rejection;

/// Servers that are added on a thread on which others wait. Each takes over 1 µs, and a switch to
/// another thread about 30 µs. `js/roster/received-entries.js` has the same limit.
const MAX_UNKNOWN_INLINE: usize = 16;

/// The response to a gossip request as bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum GossipResponse {
    /// The whole body.
    Body(Vec<u8>),
    /// This server's lists, as [`Engine::render`] shows them, with the proof that the request asks
    /// for.
    Lists(Option<String>),
}

/// Why a gossip request is rejected. Nothing of it was merged.
#[derive(Debug, PartialEq, Eq)]
pub enum GossipRejection {
    /// The body is not a gossip message, but this.
    Malformed(&'static str),
    /// The header does not authorize this body.
    Unauthorized(Unauthorized),
}

impl From<&'static str> for GossipRejection {
    fn from(reason: &'static str) -> Self {
        Self::Malformed(reason)
    }
}

impl From<Rejection> for GossipRejection {
    fn from(rejection: Rejection) -> Self {
        Self::Unauthorized(Unauthorized::Signature(rejection))
    }
}

impl Engine {
    /// Merges the body of a gossip request with this header. [`Engine::authorization`] has returned
    /// its `kind`.
    ///
    /// # Errors
    /// Describes why the request is rejected.
    pub fn gossip_raw(
        &self,
        kind: Authorization,
        authorization: &str,
        body: &[u8],
    ) -> Result<GossipResponse, GossipRejection> {
        let text = text_of(body);
        // It has no `v2` field, so it asks for no proof.
        if kind != Authorization::Signed
            && let Some(lists) = lists::read(&text)
        {
            self.shared.merge_request(lists);
            return Ok(GossipResponse::Lists(None));
        }
        let request = Request::read(&text)?;
        let Some(security) = &self.security else {
            self.shared.merge_request(request.lists()?);
            return Ok(GossipResponse::Lists(None));
        };
        if kind == Authorization::Signed {
            let payload = request.payload()?.ok_or(Rejection::Payload)?;
            let response = self.accept(security, authorization, &payload)?;
            return Ok(GossipResponse::Body(signed_body(&response)));
        }
        let nonce = request.nonce().and_then(|nonce| Nonce::read(&nonce));
        let proof = nonce.and_then(|nonce| security.prove(nonce));
        if let Some(extension) = request.extension()?
            && security.is_proved_sender(&extension)
        {
            let response = self.shared.merge_native(&extension);
            return Ok(GossipResponse::Body(raw_answer(&response, proof.as_deref())));
        }
        self.shared.merge_request(request.lists()?);
        Ok(GossipResponse::Lists(proof))
    }

    /// Merges the body of a gossip request with the raw secret, if that is fast enough for a thread
    /// on which others wait: plain lists in the usual notation, which name few servers that this
    /// one does not know. `None` for any other, of which nothing was merged.
    pub fn gossip_quickly(&self, body: &[u8]) -> Option<GossipResponse> {
        let lists = lists::read(str::from_utf8(body).ok()?)?;
        let is_quick = self.shared.read(|machine| machine.knows_all_but(MAX_UNKNOWN_INLINE, &lists));
        is_quick.then(|| {
            self.shared.merge_request(lists);
            GossipResponse::Lists(None)
        })
    }

    /// Answers a signed gossip request for whose body there was no memory. It merges nothing, but
    /// the signed response shows that this server lives. `None` for any other request.
    pub fn answer_unread(&self, authorization: &str) -> Option<Vec<u8>> {
        let security = self.security.as_ref()?;
        let answer = || self.shared.with(|machine, _| machine.answer_unread());
        let response = security.respond_unread(authorization, answer)?;
        Some(signed_body(&response))
    }

    /// Merges the payload of a signed gossip request. Returns the `v2` field of the response.
    ///
    /// # Errors
    /// Returns why the request is rejected.
    pub fn gossip_signed(&self, authorization: &str, payload: &str) -> Result<String, Unauthorized> {
        let security = self.security.as_ref().ok_or(Unauthorized::Unsigned)?;
        Ok(self.accept(security, authorization, payload)?)
    }

    fn accept(&self, security: &Security, authorization: &str, payload: &str) -> Result<String, Rejection> {
        let accepted = security.accept(authorization, payload)?;
        let response = self.shared.merge_native(&accepted.extension);
        security.respond(&accepted, response).ok_or(Rejection::UnknownKey)
    }

    /// Merges the native extension of a message with the raw secret, given as the JSON of its `v2`
    /// field. Returns the response's extension; `None` unless the sender has proved the secret.
    /// The request is then a plain one.
    pub fn merge_native(&self, v2: &str) -> Option<String> {
        let security = self.security.as_ref()?;
        let extension = Extension::read(v2).filter(|extension| security.is_proved_sender(extension))?;
        Some(self.shared.merge_native(&extension).to_json())
    }

    /// Proves the secret to a sender whose message has this nonce.
    pub fn prove(&self, nonce: &str) -> Option<String> {
        self.security.as_ref()?.prove(Nonce::read(nonce)?)
    }

    /// Resolves when the keys are derived, or immediately without the native extension.
    pub async fn keys_ready(&self) {
        if let Some(security) = &self.security {
            security.ready_keyring().await;
        }
    }

    /// Answers the challenge in a header. Returns the JSON of a list with this server's own entry,
    /// if it is online, and the proof; `None` for another header, or before the keys are derived.
    pub fn answer_challenge(&self, authorization: &str) -> Option<String> {
        let proof = self.security.as_ref()?.prove(Nonce::from_header(authorization)?)?;
        let list = String::from_utf8(self.render_own_entry(ResponseKind::Online)).ok()?;
        // The proof needs no escaping.
        Some(format!(r#"{},"proof":"{proof}"}}"#, list.strip_suffix('}')?))
    }
}

#[cfg(test)]
mod tests;
