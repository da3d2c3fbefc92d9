//! The task that runs a server: wakes the machine, and carries out what it wants.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use tokio::task::{self, JoinError, JoinSet};

use super::credentials::Credentials;
use super::errand::{Errand, MAX_IN_FLIGHT, Outside};
use super::event_loop_watch::{self, EventLoopProbe};
use super::log_sink::LogSink;
use super::shared::Shared;
use super::transport::{HttpClient, HttpSettings, OwnUrls};
use crate::protocol::output::{Event, Severity, Transmit};

/// What those who wait for a server want to know.
#[derive(Debug, Default)]
pub(super) struct Milestones {
    pub(super) started: bool,
}

pub(super) async fn run(
    shared: Arc<Shared>,
    http: HttpSettings,
    credentials: Credentials,
    log: LogSink,
    probe: Option<EventLoopProbe>,
    milestone: watch::Sender<Milestones>,
    mut stopped: watch::Receiver<bool>,
) {
    let client = build_client(http, credentials.own_urls.clone(), &log).await;
    let outside = Outside { client, permits: Arc::new(Semaphore::new(MAX_IN_FLIGHT)), credentials };
    let world = Arc::clone(&shared);
    let mut actor =
        Actor { shared, outside, log, milestone, errands: JoinSet::new(), names: BTreeMap::new() };
    // After the actor, so that it goes first.
    let mut watchers = JoinSet::new();
    if let Some(probe) = probe {
        watchers.spawn(event_loop_watch::watch(probe, Arc::clone(&world)));
    }
    while !actor.carry_out() {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => break,
            () = world.wake.notified() => {}
            Some(ended) = actor.errands.join_next_with_id() => actor.settle(ended),
            () = world.alarm() => actor.shared.with(|machine, now| machine.handle_timeout(now)),
        }
    }
    watchers.shutdown().await;
    actor.errands.shutdown().await;
}

// Reading the system's certificates takes its time, so it keeps off the tasks' threads.
async fn build_client(http: HttpSettings, own: OwnUrls, log: &LogSink) -> Option<HttpClient> {
    let built = task::spawn_blocking(move || HttpClient::new(&http, &own)).await;
    let failure = match built {
        Ok(Ok((client, warnings))) => {
            for warning in warnings {
                log(Severity::Warning, format!("Clustershazbot: {warning}"), None);
            }
            return Some(client);
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "internal error".to_owned(),
    };
    log(Severity::Error, "Clustershazbot can send no requests:".to_owned(), Some(failure));
    None
}

struct Actor {
    shared: Arc<Shared>,
    outside: Outside,
    log: LogSink,
    errands: JoinSet<()>,
    /// The errands under way, so that one that panics is not waited for for ever.
    names: BTreeMap<task::Id, Errand>,
    /// The last to go: that it is gone says that all else is.
    milestone: watch::Sender<Milestones>,
}

impl Actor {
    /// Does all that the machine wants; tells whether that was the end.
    fn carry_out(&mut self) -> bool {
        let (transmits, events) = self.shared.with(|machine, _| {
            let transmits: Vec<_> = std::iter::from_fn(|| machine.poll_transmit()).collect();
            let events: Vec<_> = std::iter::from_fn(|| machine.poll_event()).collect();
            (transmits, events)
        });
        for transmit in transmits {
            match transmit {
                Transmit::AbandonAll => {
                    self.errands = JoinSet::new();
                    self.names.clear();
                }
                transmit => self.send(transmit),
            }
        }
        let mut is_end = false;
        for event in events {
            match event {
                Event::Started => self.milestone.send_modify(|milestones| milestones.started = true),
                Event::ShutDown => is_end = true,
                Event::Log { severity, message, reason } => (self.log)(severity, message, reason),
            }
        }
        is_end
    }

    fn send(&mut self, transmit: Transmit) {
        let Some((errand, run)) = self.outside.prepare(transmit, &self.shared) else { return };
        let handle = self.errands.spawn(run);
        self.names.insert(handle.id(), errand);
    }

    fn settle(&mut self, ended: Result<(task::Id, ()), JoinError>) {
        match ended {
            Ok((id, ())) => {
                self.names.remove(&id);
            }
            Err(error) => {
                if let Some(errand) = self.names.remove(&error.id()) {
                    errand.fail(&self.shared, "internal error".to_owned());
                }
            }
        }
    }
}
