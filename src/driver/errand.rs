//! One request to the outside, from the machine's wish to its answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::credentials::Credentials;
use super::shared::Shared;
use super::transport::{Destination, HttpClient, Method, Request, Response, TransportError};
use crate::protocol::ExchangeId;
use crate::protocol::document::{Condition, Document, DocumentEntry, DownloadFailure, Upload};
use crate::protocol::message::{Lists, Reply};
use crate::protocol::output::Transmit;

/// A download or upload of the master list takes no longer.
const MASTER_LIST_TIMEOUT: Duration = Duration::from_secs(10);

/// So many requests are under way at once; more than the machine asks for, unless it is told nonsense.
pub(super) const MAX_IN_FLIGHT: usize = 128;

/// Whose answer an errand brings.
#[derive(Debug, Clone, Copy)]
pub(super) enum Errand {
    Exchange(ExchangeId),
    Download(ExchangeId),
    Upload(ExchangeId),
}

impl Errand {
    pub(super) fn fail(self, shared: &Shared, reason: String) {
        match self {
            Self::Exchange(id) => shared.reply(id, Reply::Failure(reason)),
            Self::Download(id) => shared.downloaded(id, Err(reason.into())),
            Self::Upload(id) => {
                shared.change(|machine, now| machine.handle_upload(now, id, &Upload::Failure(reason)));
            }
        }
    }

    fn break_off(self, shared: &Shared, error: TransportError) {
        match self {
            Self::Exchange(id) if error.is_refused() => {
                shared.reply(id, Reply::NoListener(error.to_string()));
            }
            _ => self.fail(shared, error.to_string()),
        }
    }

    fn succeed(self, shared: &Shared, response: Response) {
        let Response { status, etag, retry_after, is_elsewhere, body } = response;
        match self {
            Self::Exchange(id) => shared.reply(id, Reply::read(status, retry_after, &body)),
            Self::Download(id) => {
                let mut document = Document::read(status, etag, &body);
                if let Ok(document) = &mut document {
                    document.is_elsewhere = is_elsewhere;
                }
                shared.downloaded(id, document.map_err(|failure| DownloadFailure { retry_after, ..failure }));
            }
            Self::Upload(id) => {
                shared.change(|machine, now| {
                    machine.handle_upload(now, id, &Upload::Answer(status, retry_after))
                });
            }
        }
    }
}

/// The way to the outside.
#[derive(Debug)]
pub(super) struct Outside {
    /// None where no client could be built: then every request fails.
    pub(super) client: Option<HttpClient>,
    pub(super) permits: Arc<Semaphore>,
    pub(super) credentials: Credentials,
}

type Run = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Outside {
    /// What is to be run for a transmit, and whose answer it brings. What is long to serialise is serialised there.
    pub(super) fn prepare(&self, transmit: Transmit, shared: &Arc<Shared>) -> Option<(Errand, Run)> {
        let errand = match &transmit {
            Transmit::Gossip { id, .. } | Transmit::Inquire { id, .. } | Transmit::AskMyself { id, .. } => {
                Errand::Exchange(*id)
            }
            Transmit::DownloadMasterList { id } => Errand::Download(*id),
            Transmit::UploadMasterList { id, .. } => Errand::Upload(*id),
            Transmit::AbandonAll => return None,
        };
        let (client, credentials, shared) =
            (self.client.clone(), self.credentials.clone(), Arc::clone(shared));
        let permits = Arc::clone(&self.permits);
        let run = async move {
            // Never closed, so that there is always a permit to come.
            let _permit = permits.acquire().await;
            let Some(client) = client else { return errand.fail(&shared, "no HTTP client".to_owned()) };
            let Some(request) = request(transmit, &credentials) else { return };
            match client.send(request).await {
                Ok(response) => errand.succeed(&shared, response),
                Err(error) => errand.break_off(&shared, error),
            }
        };
        Some((errand, Box::pin(run)))
    }
}

fn request(transmit: Transmit, credentials: &Credentials) -> Option<Request> {
    let bare = |method, url, timeout| Request {
        method,
        url,
        authorization: None,
        json_body: None,
        if_match: None,
        if_none_match: None,
        destination: Destination::Peer,
        timeout,
        is_alone: false,
    };
    Some(match transmit {
        Transmit::Gossip { base_url, lists, extension, timeout, .. } => Request {
            authorization: credentials.secret.clone(),
            json_body: Some(lists.to_gossip_json(extension.as_deref())),
            ..bare(Method::Post, format!("{base_url}clustershazbot/gossip"), timeout)
        },
        // Behind a balancer a kept connection would lead to the same process each time.
        Transmit::AskMyself { base_url, extension, timeout, .. } => Request {
            authorization: credentials.secret.clone(),
            json_body: Some(Lists::default().to_gossip_json(Some(&extension))),
            is_alone: true,
            ..bare(Method::Post, format!("{base_url}clustershazbot/gossip"), timeout)
        },
        // A program that leaves waits for its last connection: one that inquiries keep in use would hold it for ever.
        Transmit::Inquire { base_url, timeout, .. } => {
            Request { is_alone: true, ..bare(Method::Get, format!("{base_url}clustershazbot/list"), timeout) }
        }
        Transmit::DownloadMasterList { .. } => {
            let request = bare(Method::Get, credentials.master_list.clone(), MASTER_LIST_TIMEOUT);
            Request { destination: Destination::MasterList, ..request }
        }
        Transmit::UploadMasterList { entries, condition, .. } => {
            let (if_match, if_none_match) = match condition {
                Condition::None => (None, None),
                Condition::Unchanged(etag) => (Some(etag), None),
                Condition::Absent => (None, Some("*".to_owned())),
            };
            Request {
                authorization: credentials.master_list_authorization.clone(),
                json_body: Some(DocumentEntry::to_document_json(&entries)),
                if_match,
                if_none_match,
                destination: Destination::MasterList,
                ..bare(Method::Put, credentials.master_list_update.clone(), MASTER_LIST_TIMEOUT)
            }
        }
        Transmit::AbandonAll => return None,
    })
}
