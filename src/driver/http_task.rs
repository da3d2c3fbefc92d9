//! One outgoing HTTP request: from the machine's `Transmit` to the reported outcome.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::credentials::Credentials;
use super::delivery_task::{Message, MessageContent, deliver};
use super::peer_secrets::PeerSecrets;
use super::security::Security;
use super::sent_requests::{RequestKind, RequestOutcome};
use super::shared::Shared;
use super::transport::{Destination, HttpClient, Method, Request, Response, TransportError};
use crate::protocol::ExchangeId;
use crate::protocol::document::{Condition, Document, DocumentEntry, DownloadFailure, Upload};
use crate::protocol::machine::Machine;
use crate::protocol::message::{Lists, Refusal, Reply};
use crate::protocol::output::Transmit;

/// Timeout of a download or upload of the master list, as in version 1.
const MASTER_LIST_TIMEOUT: Duration = Duration::from_secs(10);

/// Requests in flight at once. The machine stays below; this bounds the effect of a mistake in it.
pub(super) const MAX_HTTP_REQUESTS: usize = 128;

/// The exchange that a request belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) enum RequestId {
    Exchange(ExchangeId),
    Download(ExchangeId),
    Upload(ExchangeId),
}

/// A request under way, which is counted when it ends.
#[derive(Debug)]
struct SentRequest {
    kind: RequestKind,
    began: Instant,
}

impl SentRequest {
    fn begin(kind: RequestKind) -> Self {
        Self { kind, began: Instant::now() }
    }

    fn end(&self, shared: &Shared, outcome: RequestOutcome) {
        shared.record_sent(self.kind, outcome, self.began.elapsed());
    }
}

impl RequestId {
    pub(super) fn report_failure(self, shared: &Shared, reason: String) {
        match self {
            Self::Exchange(id) => shared.reply(id, Reply::Failure(reason)),
            Self::Download(id) => shared.downloaded(id, Err(reason.into())),
            Self::Upload(id) => {
                shared.update(|machine, now| machine.handle_upload(now, id, &Upload::Failure(reason)));
            }
        }
    }

    fn report_error(self, shared: &Shared, sent: &SentRequest, error: TransportError) {
        sent.end(shared, RequestOutcome::of_error(&error));
        match self {
            Self::Exchange(id) if error.is_refused() => {
                shared.reply(id, Reply::NoListener(error.to_string()));
            }
            Self::Exchange(id) if error.is_not_allowed() => {
                shared.reply(id, Reply::Refusal(Refusal::NotAllowed));
            }
            _ => self.report_failure(shared, error.to_string()),
        }
    }

    fn report_response(
        self,
        shared: &Shared,
        sent: &SentRequest,
        security: Option<&Security>,
        response: Response,
    ) {
        let Response { status, etag, retry_after, was_redirected, body } = response;
        match self {
            Self::Exchange(id) => {
                let reply = Reply::read(status, retry_after, &body);
                sent.end(shared, RequestOutcome::of_reply(&reply));
                shared.reply(id, reply);
            }
            Self::Download(id) => {
                let mut document = Document::read(status, etag, &body);
                sent.end(shared, RequestOutcome::of_store(status, document.is_ok()));
                if let Ok(document) = &mut document {
                    document.is_elsewhere = was_redirected;
                    if let Some(security) = security {
                        let urls = document.claims.online.iter().map(|entry| &*entry.base_url);
                        security.record_master_list(urls);
                    }
                }
                shared.downloaded(id, document.map_err(|failure| DownloadFailure { retry_after, ..failure }));
            }
            Self::Upload(id) => {
                sent.end(shared, RequestOutcome::of_store(status, (200..=299).contains(&status)));
                shared.update(|machine, now| {
                    machine.handle_upload(now, id, &Upload::Answer(status, retry_after))
                });
            }
        }
    }
}

/// Turns `Transmit`s into requests, and sends them.
#[derive(Debug)]
pub(super) struct HttpSender {
    /// `None` if no client could be built; then every request fails.
    pub(super) client: Option<HttpClient>,
    pub(super) permits: Arc<Semaphore>,
    pub(super) credentials: Credentials,
    pub(super) peer_secrets: Arc<PeerSecrets>,
    /// `None` without the native extension; then every message has the raw secret.
    pub(super) security: Option<Arc<Security>>,
}

/// A task of the server. All tasks have one type, since each further one adds kilobytes to the
/// addon.
pub(super) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

impl HttpSender {
    /// Returns the task that sends a request and reports its outcome. The task also serialises the
    /// body.
    pub(super) fn prepare(&self, transmit: Transmit, shared: &Arc<Shared>) -> Option<(RequestId, Task)> {
        let request_id = match &transmit {
            Transmit::Gossip { id, .. } | Transmit::Inquire { id, .. } | Transmit::CheckOwnUrl { id, .. } => {
                RequestId::Exchange(*id)
            }
            Transmit::DownloadMasterList { id } => RequestId::Download(*id),
            Transmit::UploadMasterList { id, .. } => RequestId::Upload(*id),
            Transmit::AbandonAll => return None,
        };
        let (client, credentials, shared) =
            (self.client.clone(), self.credentials.clone(), Arc::clone(shared));
        let (permits, peer_secrets) = (Arc::clone(&self.permits), Arc::clone(&self.peer_secrets));
        let security = self.security.clone();
        let kind = RequestKind::of(&transmit);
        let task = async move {
            // The semaphore is never closed, so this cannot fail.
            let _permit = permits.acquire().await;
            let Some(client) = client else {
                return request_id.report_failure(&shared, "no HTTP client".to_owned());
            };
            let sent = SentRequest::begin(kind);
            let transmit = match (&security, request_id) {
                (Some(security), RequestId::Exchange(id)) => match message(transmit, &shared) {
                    Ok(message) => {
                        let outcome = deliver(&client, security, &peer_secrets, message).await;
                        let raw_again = security.sessions().take_raw_again();
                        for base_url in raw_again {
                            shared.update(|machine, _| machine.warn_of_raw_secret(&base_url));
                        }
                        let failure = outcome.failure().map(RequestOutcome::of_error);
                        return outcome.report(|reply| {
                            sent.end(&shared, failure.unwrap_or_else(|| RequestOutcome::of_reply(&reply)));
                            shared.reply(id, reply);
                        });
                    }
                    Err(transmit) => transmit,
                },
                _ => transmit,
            };
            let peer = match &transmit {
                Transmit::Gossip { base_url, .. } => Some(Arc::clone(base_url)),
                _ => None,
            };
            let Some(request) = request(transmit, &credentials) else { return };
            let outcome = match peer {
                Some(base_url) => peer_secrets.send(&client, &base_url, request).await,
                None => client.send(request).await,
            };
            match outcome {
                Ok(response) => request_id.report_response(&shared, &sent, security.as_deref(), response),
                Err(error) => request_id.report_error(&shared, &sent, error),
            }
        };
        Some((request_id, Box::pin(task)))
    }
}

/// Returns the message of a request to a peer; any other request comes back.
fn message(transmit: Transmit, shared: &Shared) -> Result<Message, Transmit> {
    Ok(match transmit {
        Transmit::Gossip { base_url, lists, extension, timeout, .. } => {
            // A peer that ignored the extension before may have proved the secret since then.
            let extension = extension.unwrap_or_else(|| Arc::new(shared.read(Machine::greeting)));
            Message { base_url, content: MessageContent::Gossip { lists, extension }, timeout }
        }
        Transmit::CheckOwnUrl { base_url, extension, timeout, .. } => {
            Message { base_url, content: MessageContent::OwnUrl { extension }, timeout }
        }
        Transmit::Inquire { base_url, timeout, .. } => {
            Message { base_url, content: MessageContent::List, timeout }
        }
        other => return Err(other),
    })
}

/// The request without the secret of gossip with peers, which `PeerSecrets` adds.
fn request(transmit: Transmit, credentials: &Credentials) -> Option<Request> {
    Some(match transmit {
        Transmit::Gossip { base_url, lists, extension, timeout, .. } => Request {
            json_body: Some(lists.to_gossip_json(extension.as_deref())),
            ..Request::to_peer(Method::Post, format!("{base_url}clustershazbot/gossip"), timeout)
        },
        // Behind a load balancer, a reused connection would reach the same process each time.
        Transmit::CheckOwnUrl { base_url, extension, timeout, .. } => Request {
            authorization: credentials.gossip(),
            json_body: Some(Lists::default().to_gossip_json(Some(&extension))),
            needs_new_connection: true,
            ..Request::to_peer(Method::Post, format!("{base_url}clustershazbot/gossip"), timeout)
        },
        // A server that shuts down waits for its last connection, which inquiries would keep open.
        Transmit::Inquire { base_url, timeout, .. } => Request {
            needs_new_connection: true,
            ..Request::to_peer(Method::Get, format!("{base_url}clustershazbot/list"), timeout)
        },
        Transmit::DownloadMasterList { .. } => {
            let request = Request::to_peer(Method::Get, credentials.master_list.clone(), MASTER_LIST_TIMEOUT);
            Request { destination: Destination::MasterList, ..request }
        }
        Transmit::UploadMasterList { entries, condition, .. } => {
            let (if_match, if_none_match) = match condition {
                Condition::None => (None, None),
                Condition::Unchanged(etag) => (Some(etag), None),
                Condition::Absent => (None, Some("*".to_owned())),
            };
            Request {
                authorization: credentials.update_authorization(),
                json_body: Some(DocumentEntry::to_document_json(&entries)),
                if_match,
                if_none_match,
                destination: Destination::MasterList,
                ..Request::to_peer(Method::Put, credentials.master_list_update.clone(), MASTER_LIST_TIMEOUT)
            }
        }
        Transmit::AbandonAll => return None,
    })
}
