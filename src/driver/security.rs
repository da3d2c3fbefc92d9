//! The security state of a server, behind locks of its own: a rejection never waits for the
//! machine.

use std::collections::BTreeSet;
use std::future::Future;
use std::iter;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::{Notify, watch};
use tokio::task;

use super::clock::Clock;
use crate::protocol::allow::{AllowList, Allowance, Target};
use crate::protocol::base_url::BaseUrl;
use crate::protocol::config::{AcceptedSecrets, Config, LegacyPolicy, SecretSet};
use crate::protocol::extension::Extension;
use crate::protocol::secret::Secret;
use crate::protocol::time::Tick;
use crate::security::delivery::{Delivery, Step};
use crate::security::keys::{Keyring, Keys};
use crate::security::message::{Header, Party, Route};
use crate::security::payload::{decode_request, encode};
use crate::security::process::ProcessNumber;
use crate::security::proof::Nonce;
use crate::security::receiver::{Receiver, Rejection};
use crate::security::sessions::Sessions;

/// The security state of a server that speaks the native extension.
#[derive(Debug)]
pub(super) struct Security {
    clock: Clock,
    policy: LegacyPolicy,
    keys: watch::Sender<KeyState>,
    /// The keys of the control secret, once they are derived.
    control_keys: RwLock<Option<Arc<Keyring>>>,
    known_gossip: Mutex<Known>,
    known_control: Mutex<Known>,
    receiver: Mutex<Receiver>,
    sessions: Mutex<Sessions>,
    /// Notified when a message to a group of processes needs a sibling.
    sibling_wanted: Notify,
    base_url: String,
    process: ProcessNumber,
    allowed: Option<AllowList>,
    /// The normalised URLs that the master list names.
    known: RwLock<BTreeSet<Arc<str>>>,
}

/// Secrets whose keys need not be derived again after a change of the others.
type Known = Vec<(Secret, Arc<Keys>)>;

/// Whether the keys are derived, which takes about 50 ms after the start.
#[derive(Debug, Clone)]
enum KeyState {
    Pending,
    Ready(Arc<Keyring>),
    Failed,
}

/// An accepted signed request.
#[derive(Debug)]
pub(super) struct Accepted<'a> {
    /// The extension in its payload.
    pub(super) extension: Extension,
    header: Header<'a>,
    keyring: Arc<Keyring>,
    at: Tick,
}

impl Security {
    pub(super) fn new(config: &Config, process: ProcessNumber, clock: &Clock) -> Self {
        let base_url = config.base_url.identity();
        Self {
            clock: clock.clone(),
            policy: config.legacy,
            keys: watch::Sender::new(KeyState::Pending),
            control_keys: RwLock::default(),
            known_gossip: Mutex::default(),
            known_control: Mutex::default(),
            receiver: Mutex::new(Receiver::new(base_url, process, clock.now().tick)),
            sessions: Mutex::new(Sessions::new(base_url, process, config.legacy)),
            sibling_wanted: Notify::new(),
            base_url: base_url.to_string(),
            process,
            allowed: config.allowed.clone(),
            known: RwLock::default(),
        }
    }

    /// Derives the keys of the secrets, and again whenever these change. Those of the control
    /// secret wait until the start is complete, for which they are not needed. Never returns while
    /// the secrets may change.
    pub(super) async fn watch_secrets(
        &self,
        mut secrets: watch::Receiver<Arc<SecretSet>>,
        start: impl Future<Output = ()>,
    ) {
        let mut start = pin!(start);
        let mut is_started = false;
        loop {
            let set = Arc::clone(&secrets.borrow_and_update());
            self.derive_keys(&set).await;
            if !is_started {
                start.as_mut().await;
                is_started = true;
            }
            self.derive_control_keys(&set).await;
            if secrets.changed().await.is_err() {
                return;
            }
        }
    }

    /// Derives keys on a thread for blocking work. Those of known secrets are taken from `known`,
    /// which is replaced.
    async fn derive(&self, secrets: &AcceptedSecrets, known: &Mutex<Known>) -> Option<Arc<Keyring>> {
        let secrets = secrets.clone();
        let earlier = std::mem::take(&mut *lock(known));
        let derived = task::spawn_blocking(move || {
            let keys_of = |secret: &Secret| {
                let found = earlier.iter().find(|(known, _)| known.matches(secret.expose()));
                let keys = found.map_or_else(|| Arc::new(Keys::derive(secret)), |(_, keys)| Arc::clone(keys));
                (secret.clone(), keys)
            };
            iter::once(secrets.current()).chain(secrets.previous()).map(keys_of).collect::<Known>()
        });
        let derived = derived.await.ok()?;
        let mut keys = derived.iter().map(|(_, keys)| Arc::clone(keys));
        let keyring = keys.next().map(|current| Arc::new(Keyring::new(current, keys.collect())));
        *lock(known) = derived;
        keyring
    }

    /// Derives the keys of gossip. Until then, the earlier ones count.
    pub(super) async fn derive_keys(&self, secrets: &SecretSet) {
        self.keys.send_replace(match self.derive(&secrets.gossip, &self.known_gossip).await {
            Some(keyring) => KeyState::Ready(keyring),
            None => KeyState::Failed,
        });
        self.receiver().forget_verified();
    }

    /// Derives the keys of control requests. Until then, the earlier ones count.
    pub(super) async fn derive_control_keys(&self, secrets: &SecretSet) {
        let keyring = self.derive(&secrets.control, &self.known_control).await;
        *self.control_keys.write().unwrap_or_else(PoisonError::into_inner) = keyring;
        self.receiver().forget_verified();
    }

    /// The keys, once they are derived; `None` if that has failed.
    pub(super) async fn ready_keyring(&self) -> Option<Arc<Keyring>> {
        let mut keys = self.keys.subscribe();
        // The sender lives as long as this server.
        let _ = keys.wait_for(|keys| !matches!(keys, KeyState::Pending)).await;
        self.keyring()
    }

    fn keyring(&self) -> Option<Arc<Keyring>> {
        match &*self.keys.borrow() {
            KeyState::Ready(keyring) => Some(Arc::clone(keyring)),
            KeyState::Pending | KeyState::Failed => None,
        }
    }

    /// The keys of the control secret, once they are derived.
    pub(super) fn control_keyring(&self) -> Option<Arc<Keyring>> {
        self.control_keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Checks the header of a signed request before its body is read.
    pub(super) fn check(&self, route: Route, header: &str) -> Result<(), Rejection> {
        let keyring = match route {
            Route::Gossip | Route::List => self.keyring(),
            Route::Control => self.control_keyring(),
        };
        let keyring = keyring.ok_or(Rejection::UnknownKey)?;
        let outcome = self.receiver().check(&keyring, route, header, self.clock.now());
        if outcome == Err(Rejection::NoSibling) {
            self.sibling_wanted.notify_one();
        }
        outcome
    }

    /// Resolves when a search for a sibling is due.
    pub(super) async fn sibling_wanted(&self) {
        self.sibling_wanted.notified().await;
    }

    /// Starts a search for a sibling, as a peer has met one, unless this server knows of it.
    pub(super) fn expect_sibling(&self) {
        let now = self.clock.now().tick;
        if !self.receiver().has_met_sibling_lately(now) {
            self.sibling_wanted.notify_one();
        }
    }

    /// Records who has answered a challenge at the own URL. Returns whether it is a sibling.
    pub(super) fn record_own_url(&self, proof: &str, nonce: Nonce) -> bool {
        let now = self.clock.now().tick;
        self.keyring().is_some_and(|keyring| self.receiver().record_own_url(&keyring, proof, nonce, now))
    }

    /// This server as one side of a message.
    pub(super) fn party(&self) -> Party<'_> {
        Party { base_url: &self.base_url, process: self.process }
    }

    /// The normalised URL of this server.
    pub(super) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Accepts a signed gossip request with this payload.
    pub(super) fn accept<'a>(&self, header: &'a str, payload: &str) -> Result<Accepted<'a>, Rejection> {
        let keyring = self.keyring().ok_or(Rejection::UnknownKey)?;
        let now = self.clock.now();
        let (accepted, needs_sibling) = {
            let mut receiver = self.receiver();
            let accepted = receiver.accept(&keyring, Route::Gossip, header, payload, now);
            (accepted, receiver.needs_sibling(&accepted, now.tick))
        };
        if needs_sibling {
            self.sibling_wanted.notify_one();
        }
        let header = accepted?;
        let sender = header.sender;
        let extension = decode_request(payload, sender, |url| self.sessions().knows(url));
        let extension = extension.ok_or(Rejection::Payload)?;
        self.sessions().record_request(sender.base_url, sender.process, extension.epoch, now.tick);
        Ok(Accepted { extension, header, keyring, at: now.tick })
    }

    /// Accepts a signed control request with this payload.
    pub(super) fn accept_control(&self, header: &str, payload: &str) -> Result<(), Rejection> {
        let keyring = self.control_keyring().ok_or(Rejection::UnknownKey)?;
        self.receiver().accept(&keyring, Route::Control, header, payload, self.clock.now()).map(|_| ())
    }

    /// Accepts a signed list request. Returns whether it was signed under the control secret.
    pub(super) fn accept_list(&self, header: &str) -> Result<bool, Rejection> {
        let key_id = Header::read(header).ok_or(Rejection::Malformed)?.key_id;
        let keyring_of_key = |keyring: Option<Arc<Keyring>>| keyring.filter(|it| it.find(key_id).is_some());
        let control = keyring_of_key(self.control_keyring()).map(|keyring| (keyring, true));
        let gossip = || keyring_of_key(self.keyring()).map(|keyring| (keyring, false));
        let (keyring, is_control) = control.or_else(gossip).ok_or(Rejection::UnknownKey)?;
        self.receiver().accept(&keyring, Route::List, header, "", self.clock.now()).map(|_| is_control)
    }

    /// Signs the response to an accepted request. Returns its `v2` field.
    pub(super) fn respond(&self, request: &Accepted<'_>, response: Extension) -> Option<String> {
        self.sign_response(&request.keyring, &request.header, response, request.at)
    }

    /// Signs a response to a request whose header is valid, without its payload.
    pub(super) fn respond_unread(
        &self,
        header: &str,
        response: impl FnOnce() -> Extension,
    ) -> Option<String> {
        self.check(Route::Gossip, header).ok()?;
        let now = self.clock.now().tick;
        self.sign_response(&*self.keyring()?, &Header::read(header)?, response(), now)
    }

    fn sign_response(
        &self,
        keyring: &Keyring,
        request: &Header<'_>,
        mut response: Extension,
        now: Tick,
    ) -> Option<String> {
        let receiver = self.receiver();
        response.epoch = receiver.epoch(now);
        let payload = encode(&response, receiver.party());
        receiver.sign_response(keyring, request, &payload, now)
    }

    /// The current epoch of this process.
    pub(super) fn epoch(&self) -> u64 {
        self.receiver().epoch(self.clock.now().tick)
    }

    /// Proves the secret to a challenger; `None` until the keys are derived.
    pub(super) fn prove(&self, nonce: Nonce) -> Option<String> {
        let keyring = self.keyring()?;
        Some(self.receiver().prove(keyring.current(), nonce, self.clock.now().tick))
    }

    /// Whether a message with the raw secret comes from the process that has proved the secret at
    /// the URL that it names.
    pub(super) fn is_proved_sender(&self, extension: &Extension) -> bool {
        self.sessions().is_proved_sender(extension)
    }

    /// Whether the raw secret authorizes gossip requests.
    pub(super) fn accepts_raw(&self) -> bool {
        self.policy.accepts_raw()
    }

    /// Whether the raw control secret may be sent to a legacy peer.
    pub(super) fn may_send_raw_control(&self, base_url: &str) -> bool {
        let is_allowed = match self.policy {
            LegacyPolicy::Allow => true,
            LegacyPolicy::Known => self.is_known(base_url),
            LegacyPolicy::Off => false,
        };
        is_allowed && !self.sessions().has_proved(base_url)
    }

    /// Records the URLs of the master list.
    pub(super) fn record_master_list<'a>(&self, urls: impl Iterator<Item = &'a str>) {
        if self.policy == LegacyPolicy::Known {
            let urls = urls.filter_map(|url| BaseUrl::parse(url).ok());
            let known = urls.map(|url| Arc::clone(url.identity())).collect();
            *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        }
    }

    /// Whether the operator has named a normalised URL: on the master list, or on the allow list by
    /// its name or literal address.
    pub(super) fn is_known(&self, base_url: &str) -> bool {
        let is_allowed = |allowed: &AllowList| {
            let target = Target::of_identity(base_url);
            target.is_some_and(|target| allowed.judge(target) == Allowance::Allowed)
        };
        self.allowed.as_ref().is_some_and(is_allowed)
            || self.known.read().unwrap_or_else(PoisonError::into_inner).contains(base_url)
    }

    /// The next step of a delivery.
    pub(super) fn next_step(&self, delivery: &mut Delivery) -> Step {
        delivery.next(&mut self.sessions(), Nonce::new(rand::random()), self.clock.now())
    }

    pub(super) fn sessions(&self) -> MutexGuard<'_, Sessions> {
        lock(&self.sessions)
    }

    pub(super) fn receiver(&self) -> MutexGuard<'_, Receiver> {
        lock(&self.receiver)
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
