//! The handle of a running server.

use std::future::Future;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use super::actor::{self, Milestones, Watched};
use super::credentials::Credentials;
use super::event_loop::EventLoopProbe;
use super::log_sink::LogSink;
use super::news_bell::NewsBell;
use super::secret_files::SecretFiles;
use super::security::Security;
use super::shared::Shared;
use super::transport::HttpSettings;
use crate::protocol::config::{Config, ConfigError, SecretSet};
use crate::protocol::machine::Machine;
use crate::protocol::roster_slots::{RequestStart, SlotEntry};
use crate::protocol::status::Control;
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
    pub(super) secrets: watch::Receiver<Arc<SecretSet>>,
    /// `None` without the native extension.
    pub(super) security: Option<Arc<Security>>,
    /// Whether anybody may read the list of online servers.
    pub(super) is_list_open: bool,
}

impl Engine {
    /// Starts a server. It answers requests at once; the returned future runs it and ends with it.
    /// Without a probe, nothing measures whether the program's thread is blocked.
    pub fn start(
        config: Config,
        http: HttpSettings,
        log: LogSink,
        probe: Option<EventLoopProbe>,
        bell: Arc<NewsBell>,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (secret_sender, secrets) = watch::channel(Arc::new(config.secrets.clone()));
        let credentials = Credentials::new(&config, secrets.clone());
        let secret_files = SecretFiles::new(config.secret_files.clone(), secret_sender);
        let (is_native, is_list_open) = (config.probe_interval.is_some(), config.is_list_open);
        let machine_config = config.clone();
        let shared = Arc::new(Shared::new(bell, |now| Machine::start(machine_config, rand::random(), now)));
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
            is_list_open,
        };
        let watched = Watched { event_loop: probe, secret_files };
        let credentials = (credentials, security);
        (engine, actor::run(shared, http, credentials, log, watched, milestone_sender, stopped))
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

    /// Blocks the calling thread until the task has ended, for at most `limit`. Needs no runtime.
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
        let (engine, task) = Engine::start(config, http, Box::new(|_, _, _| {}), None, Arc::default());
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
