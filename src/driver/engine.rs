//! The handle of a running server.

use std::future::Future;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use super::actor::{self, Milestones, Watched};
use super::credentials::Credentials;
use super::event_loop_watch::EventLoopProbe;
use super::log_sink::LogSink;
use super::secret_files::SecretFiles;
use super::security::Security;
use super::shared::Shared;
use super::transport::HttpSettings;
use crate::protocol::config::{Config, ConfigError, SecretSet};
use crate::protocol::machine::Machine;
use crate::protocol::roster_slots::{RequestStart, SlotEntry};
use crate::protocol::status::Control;
use crate::security::message::{Route, is_signed};
use crate::security::process::ProcessNumber;

/// How often a blocked thread checks whether the task has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// A running server, usable from any thread. A clone is the same server; dropping it stops nothing.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(super) shared: Arc<Shared>,
    milestones: watch::Receiver<Milestones>,
    stop: Arc<watch::Sender<bool>>,
    /// They live here so that a rejection never waits for the machine's lock.
    secrets: watch::Receiver<Arc<SecretSet>>,
    /// `None` without the native extension.
    pub(super) security: Option<Arc<Security>>,
}

/// How a header authorizes a gossip request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authorization {
    /// It contains the secret.
    Raw,
    /// It is signed.
    Signed,
}

/// A header that does not authorize a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unauthorized {
    /// It does not contain the secret.
    Secret,
    /// Its signature is not valid here and now.
    Signature,
}

impl Engine {
    /// Starts a server. It answers requests at once; the returned future runs it and ends with it.
    /// Without a probe, nothing measures whether the program's thread is blocked.
    pub fn start(
        config: Config,
        http: HttpSettings,
        log: LogSink,
        probe: Option<EventLoopProbe>,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (secret_sender, secrets) = watch::channel(Arc::new(config.secrets.clone()));
        let credentials = Credentials::new(&config, secrets.clone());
        let secret_files = SecretFiles::new(config.secret_files.clone(), secret_sender);
        let is_native = config.probe_interval.is_some();
        let machine_config = config.clone();
        let shared = Arc::new(Shared::new(|now| Machine::start(machine_config, rand::random(), now)));
        let security = is_native.then(|| {
            let process = ProcessNumber::new(shared.read(Machine::process_number));
            let process = process.unwrap_or(ProcessNumber::MIN);
            Arc::new(Security::new(&config, process, &shared.clock))
        });
        let (milestone_sender, milestones) = watch::channel(Milestones::default());
        let (stop, stopped) = watch::channel(false);
        let engine = Self {
            shared: Arc::clone(&shared),
            milestones,
            stop: Arc::new(stop),
            secrets,
            security: security.clone(),
        };
        let watched = Watched { event_loop: probe, secret_files };
        let credentials = (credentials, security);
        (engine, actor::run(shared, http, credentials, log, watched, milestone_sender, stopped))
    }

    /// Checks whether the header authorizes a gossip request. That of a signed request is checked
    /// again with the body.
    ///
    /// # Errors
    /// Returns what is wrong with the header.
    pub fn authorize_gossip(&self, authorization: &str) -> Result<Authorization, Unauthorized> {
        let kind = self.authorization(authorization)?;
        if let (Some(security), Authorization::Signed) = (&self.security, kind) {
            security.check(Route::Gossip, authorization).map_err(|_| Unauthorized::Signature)?;
        }
        Ok(kind)
    }

    /// Returns how the header of a gossip request authorizes it. A signature is not verified yet.
    ///
    /// # Errors
    /// Returns what is wrong with the header.
    pub fn authorization(&self, authorization: &str) -> Result<Authorization, Unauthorized> {
        let accepts_raw = self.security.as_ref().is_none_or(|security| security.accepts_raw());
        if accepts_raw && self.secrets.borrow().gossip.accept(authorization) {
            return Ok(Authorization::Raw);
        }
        match &self.security {
            Some(_) if is_signed(authorization) => Ok(Authorization::Signed),
            Some(_) if !accepts_raw => Err(Unauthorized::Signature),
            _ => Err(Unauthorized::Secret),
        }
    }

    /// Whether the header authorizes control requests and the list of offline servers.
    pub fn is_control_secret(&self, authorization: &str) -> bool {
        self.secrets.borrow().control.accept(authorization)
    }

    /// Merges entries that name roster slots, where `changes` counts the slot changes that the
    /// caller knows. Stops at the first slot that has changed since. Returns the number of merged
    /// entries and the result of `read`. `start` is given with the first part of a request.
    pub fn merge_slot_entries<'a, T>(
        &self,
        changes: u64,
        start: Option<RequestStart>,
        entries: impl Iterator<Item = SlotEntry<'a>>,
        read: impl FnOnce(&Machine) -> T,
    ) -> (usize, T) {
        self.shared.merge_slot_entries(changes, start, entries, read)
    }

    /// Reads from the machine.
    pub fn read<T>(&self, read: impl FnOnce(&Machine) -> T) -> T {
        self.shared.read(read)
    }

    /// Drains this server or brings it back.
    pub fn control(&self, control: Control) {
        self.shared.update(|machine, now| machine.handle_control(now, control));
    }

    /// Takes this server offline at once, and starts to announce that.
    pub fn leave(&self) {
        self.shared.update(|machine, now| machine.handle_leave(now));
    }

    /// Ends the task without an announcement.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Resolves when the start is complete or the server has ended.
    ///
    /// # Errors
    /// Returns why the server did not start: it ends without having sent anything.
    pub async fn started(&self) -> Result<(), ConfigError> {
        self.wait_for(|milestones| milestones.started).await;
        self.milestones.borrow().refusal.clone().map_or(Ok(()), Err)
    }

    /// Resolves when the task has fully ended.
    pub async fn ended(&self) {
        self.wait_for(|_| false).await;
    }

    /// Blocks the calling thread until the task has ended, for at most `limit`. Needs no runtime,
    /// which may be gone already.
    pub fn wait_until_ended(&self, limit: Duration) {
        let mut waited = Duration::ZERO;
        while self.milestones.has_changed().is_ok() && waited < limit {
            thread::sleep(POLL_INTERVAL);
            waited += POLL_INTERVAL;
        }
    }

    async fn wait_for(&self, is_done: impl Fn(&Milestones) -> bool) {
        let mut milestones = self.milestones.clone();
        // The sender is dropped when the task ends, for whatever reason; then there is nothing to
        // wait for.
        let _ = milestones.wait_for(is_done).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{sleep, timeout};

    use super::*;

    /// A server whose requests are refused.
    fn config() -> (Config, HttpSettings) {
        let variable = |name: &str| {
            let value = match name {
                "SHAZBOT_BASE_URL" => "http://127.0.0.1:9/me/",
                "SHAZBOT_MASTER_LIST" | "SHAZBOT_MASTER_LIST_UPDATE" => "http://127.0.0.1:9/list",
                "SHAZBOT_SECRET" | "SHAZBOT_CONTROL_SECRET" | "SHAZBOT_MASTER_LIST_UPDATE_AUTH" => "hush",
                _ => return None,
            };
            Some(value.to_owned())
        };
        (Config::from_variables(variable).unwrap().0, HttpSettings::from_environment(variable))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn nobody_holds_the_secrets_of_a_server_that_has_shut_down() {
        let (config, http) = config();
        let (engine, task) = Engine::start(config, http, Box::new(|_, _, _| {}), None);
        let task = tokio::spawn(task);
        let (shared, secrets) = (Arc::downgrade(&engine.shared), Arc::downgrade(&engine.secrets.borrow()));
        engine.started().await.unwrap();
        assert!(engine.authorization("hush").is_ok() && secrets.upgrade().is_some());
        engine.leave();
        engine.ended().await;
        task.await.unwrap();
        drop(engine);
        // Requests that were cancelled end on other threads.
        let is_dropped = async {
            while shared.upgrade().is_some() || secrets.upgrade().is_some() {
                sleep(POLL_INTERVAL).await;
            }
        };
        timeout(Duration::from_secs(10), is_dropped).await.expect("somebody holds the secrets");
    }
}
