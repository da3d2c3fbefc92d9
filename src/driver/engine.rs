//! The handle of a running server.

use std::future::Future;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use super::actor::{self, Milestones};
use super::credentials::Credentials;
use super::event_loop_watch::EventLoopProbe;
use super::log_sink::LogSink;
use super::shared::Shared;
use super::transport::HttpSettings;
use crate::protocol::config::Config;
use crate::protocol::extension::Extension;
use crate::protocol::machine::Machine;
use crate::protocol::places::{Beginning, PlacedEntry};
use crate::protocol::secret::Secret;

/// How often a blocked thread looks whether the task has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// A running server, to be used from any thread. Clones are the same server; dropping them does not stop it.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(super) shared: Arc<Shared>,
    milestones: watch::Receiver<Milestones>,
    stop: Arc<watch::Sender<bool>>,
    secrets: Arc<Secrets>,
}

/// What requests are checked against: here, as nobody should have to wait for the machine to be turned away.
#[derive(Debug)]
struct Secrets {
    gossip: Secret,
    control: Secret,
}

impl Engine {
    /// A server, and the task that runs it and ends with it; requests are answered at once. Without a probe nobody
    /// watches whether the program's thread is blocked.
    pub fn start(
        config: Config,
        http: HttpSettings,
        log: LogSink,
        probe: Option<EventLoopProbe>,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let credentials = Credentials::new(&config);
        let secrets = Secrets { gossip: config.secret.clone(), control: config.control_secret.clone() };
        let shared = Arc::new(Shared::new(|now| Machine::start(config, rand::random(), now)));
        let (milestone, milestones) = watch::channel(Milestones::default());
        let (stop, stopped) = watch::channel(false);
        let engine = Self {
            shared: Arc::clone(&shared),
            milestones,
            stop: Arc::new(stop),
            secrets: Arc::new(secrets),
        };
        (engine, actor::run(shared, http, credentials, log, probe, milestone, stopped))
    }

    /// Whether a request may gossip.
    pub fn is_secret(&self, authorization: &str) -> bool {
        self.secrets.gossip.matches(authorization)
    }

    /// Whether a request may control this server and see the offline ones.
    pub fn is_control_secret(&self, authorization: &str) -> bool {
        self.secrets.control.matches(authorization)
    }

    /// Merges entries of a gossip request that name places of the roster, those after so many changes. Tells how many it
    /// has merged before a place may have become another one, and looks at what is shown then. `beginning`: where no
    /// part of this request has been merged yet.
    pub fn gossip_placed<'a, T>(
        &self,
        changes: u64,
        beginning: Option<Beginning>,
        entries: impl Iterator<Item = PlacedEntry<'a>>,
        look: impl FnOnce(&Machine) -> T,
    ) -> (usize, T) {
        self.shared.hear_placed(changes, beginning, entries, look)
    }

    /// Looks at what is shown.
    pub fn look<T>(&self, look: impl FnOnce(&Machine) -> T) -> T {
        self.shared.look(look)
    }

    /// Merges what a gossip request says in the native extension, given as the text of its `v2`, and answers it in kind.
    /// None where this server does not speak it, or the text is nothing of it: then the request is a plain one.
    pub fn gossip_native(&self, v2: &str) -> Option<String> {
        if !self.shared.look(Machine::is_native) {
            return None;
        }
        let answer = self.shared.answer_native(&Extension::read(v2)?);
        Some(answer.to_json())
    }

    /// Drains this server or brings it back.
    pub fn control(&self, online: bool) {
        self.shared.change(|machine, now| machine.handle_control(now, online));
    }

    /// Takes this server offline at once, and begins to tell the others.
    pub fn leave(&self) {
        self.shared.change(|machine, now| machine.handle_leave(now));
    }

    /// Ends the task without telling anybody.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Resolves when the start has done all it waits for, or the server has ended.
    pub async fn started(&self) {
        self.reach(|milestones| milestones.started).await;
    }

    /// Resolves when the task has ended and nothing of it is left.
    pub async fn ended(&self) {
        self.reach(|_| false).await;
    }

    /// Blocks the calling thread until the task has ended, or for so long. Needs no runtime: it may have gone before.
    pub fn wait_until_ended(&self, at_most: Duration) {
        let mut waited = Duration::ZERO;
        while self.milestones.has_changed().is_ok() && waited < at_most {
            thread::sleep(LOOK_AGAIN);
            waited += LOOK_AGAIN;
        }
    }

    async fn reach(&self, is_reached: impl Fn(&Milestones) -> bool) {
        let mut milestones = self.milestones.clone();
        // The sender goes when the task ends, in whatever way: then there is nothing left to wait for.
        let _ = milestones.wait_for(is_reached).await;
    }
}
