//! How servers answer real requests: native ones as `src/driver/gossip.rs` does.

use std::sync::Arc;

use crate::protocol::envelope::{raw_answer, signed_body};
use crate::protocol::extension::Extension;
use crate::protocol::message::ReceivedLists;
use crate::protocol::request::Request;
use crate::protocol::time::Now;
use crate::security::message::{Header, Route, is_signed};
use crate::security::payload::{decode_request, encode};
use crate::security::proof::Nonce;
use crate::security::receiver::Rejection;
use crate::sim::checks::Violation;
use crate::sim::http::{HttpRequest, HttpResponse};
use crate::sim::process::Engine;
use crate::sim::secured::Secured;
use crate::sim::secured::http::{owned, without};
use crate::sim::secured::node::secret_text;
use crate::sim::wire::{Content, ProcessId};
use crate::sim::world::World;

/// How a gossip request is authorized.
enum Admitted<'a> {
    Signed(Header<'a>, Extension),
    /// With the raw secret, and a proof for the nonce in the message.
    Raw(Option<String>),
    /// The same with an extension that counts.
    RawNative(Extension, Option<String>),
}

impl World {
    /// Turns the message of a server that does not sign into a real request.
    pub(in crate::sim) fn in_http(&self, from: ProcessId, content: Content) -> Content {
        let Some(secured) = &self.secured else { return content };
        let secret = secured.nodes.get(&from).and_then(|node| node.secrets.first()).copied();
        let request = match content {
            Content::Gossip { lists, extension } => HttpRequest {
                route: Route::Gossip,
                authorization: secret.map(secret_text),
                body: lists.to_gossip_json(extension.as_deref()),
            },
            Content::Listing(listing) => HttpRequest {
                route: Route::Gossip,
                authorization: secret.map(secret_text),
                body: listing.to_lists().to_gossip_json(None),
            },
            Content::List => HttpRequest { route: Route::List, authorization: None, body: Vec::new() },
            Content::Http(_) => return content,
        };
        Content::Http(Arc::new(request))
    }

    /// Answers a request; `None` if the process has ended.
    pub(in crate::sim) fn serve_http(
        &mut self,
        id: ProcessId,
        request: &HttpRequest,
        strips_v2: bool,
    ) -> Option<HttpResponse> {
        if !strips_v2 {
            return self.serve_route(id, request);
        }
        let request = HttpRequest { body: without(&request.body, "v2"), ..request.clone() };
        let HttpResponse { status, body } = self.serve_route(id, &request)?;
        Some(HttpResponse { status, body: without(&body, "v2") })
    }

    pub(super) fn serve_route(&mut self, id: ProcessId, request: &HttpRequest) -> Option<HttpResponse> {
        let now = self.now(id);
        if request.route == Route::Gossip {
            return self.serve_gossip(id, request, now);
        }
        let secured = self.secured.as_deref_mut()?;
        let security = secured.nodes.get(&id)?.security.as_ref();
        let nonce = request.authorization.as_deref().and_then(Nonce::from_header);
        match self.processes.get(id.index())?.engine.as_ref()? {
            Engine::Legacy(legacy) => Some(HttpResponse::list(&legacy.public_list().to_lists().online, None)),
            Engine::Native(machine) => {
                let (Some(security), Some(nonce)) = (security, nonce) else {
                    return Some(HttpResponse::list(&machine.online_list().online, None));
                };
                let proof = security.receiver.prove(security.keyring.current(), nonce, now.tick);
                let party = security.receiver.party();
                secured.ledger.record_proof(&proof, nonce, &Arc::from(party.base_url));
                let (entry, is_online) = machine.own_entry();
                let online = if is_online { vec![entry] } else { Vec::new() };
                Some(HttpResponse::list(&online, Some(proof)))
            }
        }
    }

    fn serve_gossip(&mut self, id: ProcessId, request: &HttpRequest, now: Now) -> Option<HttpResponse> {
        let text = String::from_utf8_lossy(&request.body);
        let Ok(body) = Request::read(&text) else {
            return Some(HttpResponse { status: 400, body: Vec::new() });
        };
        let authorization = request.authorization.as_deref().unwrap_or_default();
        let time = self.time;
        let secured = self.secured.as_deref_mut()?;
        let (admitted, needs_sibling) = secured.admit(id, authorization, body, now);
        let retired = secured.attacker.secrets();
        if matches!(admitted, Ok(Admitted::Raw(_) | Admitted::RawNative(..))) {
            secured.ledger.check_secret(time, id, authorization, &retired);
        }
        if let Ok(Admitted::Signed(header, _)) = &admitted {
            let base_url = secured.nodes.get(&id)?.security.as_ref()?.receiver.party().base_url;
            let payload = body.payload().ok()??;
            let _ = header;
            secured.ledger.check_request(authorization, &payload, (id, base_url), time, now);
        }
        let response = match admitted {
            Err(rejection) => Some(secured.reject(rejection)),
            Ok(Admitted::Signed(header, extension)) => {
                self.answer_signed(id, authorization, &header, &extension)
            }
            Ok(Admitted::RawNative(extension, proof)) => {
                let answer = self.act(id, |engine, now| match engine {
                    Engine::Native(machine) => Some(machine.handle_native_request(now, &extension)),
                    Engine::Legacy(_) => None,
                })??;
                Some(HttpResponse::ok(raw_answer(&answer, proof.as_deref())))
            }
            Ok(Admitted::Raw(proof)) => {
                self.answer_raw(id, &body.lists().ok()?, proof, body.nonce().is_some())
            }
        };
        if needs_sibling {
            self.search_sibling(id);
        }
        response
    }

    fn answer_signed(
        &mut self,
        id: ProcessId,
        authorization: &str,
        header: &Header<'_>,
        extension: &Extension,
    ) -> Option<HttpResponse> {
        let mut answer = self.act(id, |engine, now| match engine {
            Engine::Native(machine) => Some(machine.handle_native_request(now, extension)),
            Engine::Legacy(_) => None,
        })??;
        let tick = self.now(id).tick;
        let secured = self.secured.as_deref_mut()?;
        let security = secured.nodes.get(&id)?.security.as_ref()?;
        let party = security.receiver.party();
        answer.epoch = security.receiver.epoch(tick);
        let payload = encode(&answer, party);
        let text = security.receiver.sign_response(&security.keyring, header, &payload, tick)?;
        secured.ledger.record_response(&text, authorization, &Arc::from(party.base_url));
        Some(HttpResponse::ok(signed_body(&text)))
    }

    fn answer_raw(
        &mut self,
        id: ProcessId,
        lists: &ReceivedLists<'_>,
        proof: Option<String>,
        had_nonce: bool,
    ) -> Option<HttpResponse> {
        let answer = self.act(id, |engine, now| match engine {
            Engine::Native(machine) => {
                machine.handle_request(now, lists);
                machine.lists()
            }
            Engine::Legacy(legacy) => {
                let listing = legacy.names().listing(&owned(lists));
                legacy.handle_request(now, &listing).to_lists()
            }
        })?;
        let mut body = answer.to_gossip_json(None);
        if let Some(proof) = proof {
            if !had_nonce {
                let finding = format!("{id:?} answers a plain request with a proof");
                self.report_violation(Violation { at: self.time, invariant: "LegacyClean", finding });
            }
            body.pop();
            body.extend_from_slice(format!(r#","v2":{{"proof":"{proof}"}}}}"#).as_bytes());
        }
        Some(HttpResponse::ok(body))
    }
}

impl Secured {
    /// Checks a gossip request as the driver does: first its header alone, then with its body.
    /// Returns also whether a search for a sibling is due.
    fn admit<'a>(
        &mut self,
        id: ProcessId,
        authorization: &'a str,
        body: Request<'_>,
        now: Now,
    ) -> (Result<Admitted<'a>, Option<Rejection>>, bool) {
        let Some(node) = self.nodes.get_mut(&id) else { return (Err(None), false) };
        let is_raw = node.accepts_raw(authorization);
        let Some(security) = &mut node.security else {
            return (if is_raw { Ok(Admitted::Raw(None)) } else { Err(None) }, false);
        };
        if is_raw {
            let nonce = body.nonce().and_then(|nonce| Nonce::read(&nonce));
            let proof = nonce.map(|nonce| {
                let proof = security.receiver.prove(security.keyring.current(), nonce, now.tick);
                let base_url = Arc::from(security.receiver.party().base_url);
                self.ledger.record_proof(&proof, nonce, &base_url);
                proof
            });
            let extension = body.extension().ok().flatten();
            let trusted = extension.filter(|extension| security.sessions.is_proved_sender(extension));
            let admitted = match trusted {
                Some(extension) => Admitted::RawNative(extension, proof),
                None => Admitted::Raw(proof),
            };
            return (Ok(admitted), false);
        }
        if !is_signed(authorization) {
            return (Err(None), false);
        }
        let checked = security.receiver.check(&security.keyring, Route::Gossip, authorization, now);
        if let Err(rejection) = checked {
            return (Err(Some(rejection)), rejection == Rejection::NoSibling);
        }
        let Ok(payload) = body.payload() else { return (Err(None), false) };
        let payload = payload.unwrap_or_default();
        let accepted =
            security.receiver.accept(&security.keyring, Route::Gossip, authorization, &payload, now);
        let needs_sibling = security.receiver.needs_sibling(&accepted, now.tick);
        let admitted = accepted.map_err(Some).and_then(|header| {
            let sender = header.sender;
            let extension = decode_request(&payload, sender, |_| false).ok_or(Some(Rejection::Payload))?;
            security.sessions.record_request(sender.base_url, sender.process, extension.epoch, now.tick);
            Ok(Admitted::Signed(header, extension))
        });
        (admitted, needs_sibling)
    }

    fn reject(&mut self, rejection: Option<Rejection>) -> HttpResponse {
        match rejection {
            Some(_) => self.ledger.counts.rejections += 1,
            None => self.ledger.counts.raw_rejections += 1,
        }
        match rejection {
            Some(Rejection::Payload) => HttpResponse::other_payload(),
            _ => HttpResponse::unauthorized(),
        }
    }
}
