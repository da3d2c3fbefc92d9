//! The task that runs a server: it wakes the machine and carries out the machine's effects.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use tokio::task::{self, JoinError, JoinSet};

use super::credentials::Credentials;
use super::event_loop::EventLoopProbe;
use super::event_loop_watch;
use super::http_task::{HttpSender, MAX_HTTP_REQUESTS, RequestId, Task};
use super::log_sink::{LogSink, SharedLogSink};
use super::memory_review;
use super::peer_secrets::PeerSecrets;
use super::secret_files::SecretFiles;
use super::security::Security;
use super::shared::Shared;
use super::sibling_search;
use super::transport::{ConfiguredUrls, HttpClient, HttpSettings, TlsChange, TransportError};
use crate::protocol::config::ConfigError;
use crate::protocol::output::{Event, Severity, Transmit};

/// The progress of a server, for callers that wait for it.
#[derive(Debug, Default)]
pub(super) struct Milestones {
    pub(super) started: bool,
    /// Why the server did not start.
    pub(super) refusal: Option<ConfigError>,
}

/// What is watched beside the machine.
pub(super) struct Watched {
    pub(super) event_loop: Option<EventLoopProbe>,
    pub(super) secret_files: Option<SecretFiles>,
}

pub(super) async fn run(
    shared: Arc<Shared>,
    http: HttpSettings,
    (credentials, security): (Credentials, Option<Arc<Security>>),
    log: LogSink,
    watched: Watched,
    milestones: watch::Sender<Milestones>,
    mut stopped: watch::Receiver<bool>,
) {
    let log: SharedLogSink = Arc::from(log);
    let client = match build_client(http, credentials.configured_urls.clone(), &log).await {
        Ok(client) => client.map(|client| client.counting(Arc::clone(&shared.bytes))),
        Err(refusal) => {
            return milestones.send_modify(|milestones| milestones.refusal = Some(refusal));
        }
    };
    if let Some(client) = &client {
        // Nobody else sets it.
        let _ = shared.client.set(client.clone());
    }
    let tls_watch = client.as_ref().and_then(|client| client.watch_tls_files(tls_reporter(&log)));
    let siblings = client.clone().zip(security.clone());
    let peer_secrets = Arc::new(PeerSecrets::new(credentials.secrets.clone()));
    let permits = Arc::new(Semaphore::new(MAX_HTTP_REQUESTS));
    let sender = HttpSender { client, permits, credentials, peer_secrets, security };
    let wakeups = Arc::clone(&shared);
    let (tasks, request_ids) = (JoinSet::new(), BTreeMap::new());
    let mut actor = Actor { shared, sender, log, milestones, tasks, request_ids };
    // Declared after the actor, so that it is dropped first.
    let mut watchers: JoinSet<()> = JoinSet::new();
    let mut watch = |task: Task| drop(watchers.spawn(task));
    watch(Box::pin(memory_review::watch(Arc::clone(&wakeups))));
    if let Some(probe) = watched.event_loop {
        watch(Box::pin(event_loop_watch::watch(probe, Arc::clone(&wakeups))));
    }
    if let Some(files) = watched.secret_files {
        watch(Box::pin(files.watch(Arc::clone(&actor.log))));
    }
    if let Some(task) = tls_watch {
        watch(Box::pin(task));
    }
    if let Some(security) = &actor.sender.security {
        let (security, secrets) = (Arc::clone(security), actor.sender.credentials.secrets.clone());
        let mut milestones = actor.milestones.subscribe();
        watch(Box::pin(async move {
            let start = async { drop(milestones.wait_for(|milestones| milestones.started).await) };
            security.watch_secrets(secrets, start).await;
        }));
    }
    if let Some((client, security)) = siblings {
        watch(Box::pin(sibling_search::watch(client, security)));
    }
    while !actor.carry_out() {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => break,
            () = wakeups.wake.notified() => {}
            Some(ended) = actor.tasks.join_next_with_id() => actor.finish(ended),
            () = wakeups.alarm() => actor.shared.with(|machine, now| machine.handle_timeout(now)),
        }
    }
    watchers.shutdown().await;
    actor.tasks.shutdown().await;
}

/// Reading certificates is slow, so it runs on a thread for blocking work. Only a useless variable
/// is an error; without a client, each request fails.
async fn build_client(
    http: HttpSettings,
    own: ConfiguredUrls,
    log: &SharedLogSink,
) -> Result<Option<HttpClient>, ConfigError> {
    let outcome = task::spawn_blocking(move || HttpClient::new(&http, &own)).await;
    let failure = match outcome {
        Ok(Ok((client, warnings))) => {
            for warning in warnings {
                log(Severity::Warning, format!("Clustershazbot: {warning}"), None);
            }
            return Ok(Some(client));
        }
        Ok(Err(TransportError::Misconfigured(error))) => return Err(error),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "internal error".to_owned(),
    };
    log(Severity::Error, "Clustershazbot cannot send requests:".to_owned(), Some(failure));
    Ok(None)
}

fn tls_reporter(log: &SharedLogSink) -> impl Fn(TlsChange) + Send + 'static {
    let log = Arc::clone(log);
    move |change| match change {
        TlsChange::Used => {
            log(Severity::Info, "Clustershazbot: the TLS files have changed and are in use".to_owned(), None);
        }
        TlsChange::Rejected(error) => {
            let message = "Clustershazbot: the TLS files have changed, the previous ones remain in use:";
            log(Severity::Warning, message.to_owned(), Some(error.to_string()));
        }
    }
}

struct Actor {
    shared: Arc<Shared>,
    sender: HttpSender,
    log: SharedLogSink,
    tasks: JoinSet<()>,
    /// The requests in flight, so that a task that panics still reports a failure.
    request_ids: BTreeMap<task::Id, RequestId>,
    /// Dropped last: a closed channel means that the task has fully ended.
    milestones: watch::Sender<Milestones>,
}

impl Actor {
    /// Sends the machine's requests and delivers its events; returns whether the server has ended.
    fn carry_out(&mut self) -> bool {
        let (transmits, events) = self.shared.with(|machine, _| {
            let transmits: Vec<_> = std::iter::from_fn(|| machine.poll_transmit()).collect();
            let events: Vec<_> = std::iter::from_fn(|| machine.poll_event()).collect();
            (transmits, events)
        });
        for transmit in transmits {
            match transmit {
                Transmit::AbandonAll => {
                    self.tasks = JoinSet::new();
                    self.request_ids.clear();
                }
                transmit => self.send(transmit),
            }
        }
        let mut has_ended = false;
        for event in events {
            match event {
                Event::Started => self.milestones.send_modify(|milestones| milestones.started = true),
                Event::ShutDown => has_ended = true,
                Event::Log { severity, message, reason } => (self.log)(severity, message, reason),
            }
        }
        has_ended
    }

    fn send(&mut self, transmit: Transmit) {
        let Some((request_id, task)) = self.sender.prepare(transmit, &self.shared) else { return };
        let handle = self.tasks.spawn(task);
        self.request_ids.insert(handle.id(), request_id);
    }

    fn finish(&mut self, ended: Result<(task::Id, ()), JoinError>) {
        match ended {
            Ok((id, ())) => {
                self.request_ids.remove(&id);
            }
            Err(error) => {
                if let Some(request_id) = self.request_ids.remove(&error.id()) {
                    request_id.report_failure(&self.shared, "internal error".to_owned());
                }
            }
        }
    }
}
