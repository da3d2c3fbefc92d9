//! The HTTP clients for peers, which follow their TLS files.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use rustls::ClientConfig;
use tokio::{task, time::sleep};

use super::{
    clients::{Clients, Rules},
    error::TransportError,
    tls_files::{Contents, Fingerprint, TlsFiles},
};

/// How often the TLS files are read, which takes less than a millisecond.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// The HTTP clients for peers. Changed TLS files replace them as a whole: requests in flight keep
/// the clients with which they began, and idle connections and TLS sessions of replaced ones are
/// dropped, as they would keep the previous certificate and trust.
#[derive(Debug)]
pub(super) struct PeerClients {
    current: RwLock<Arc<Clients>>,
    files: TlsFiles,
    /// The configuration without the files.
    usual: ClientConfig,
    state: Mutex<State>,
}

/// Which contents of the files are known.
#[derive(Debug)]
struct State {
    in_use: Fingerprint,
    rejected: Option<Rejected>,
}

/// Contents that cannot be used.
#[derive(Debug)]
struct Rejected {
    fingerprint: Fingerprint,
    is_reported: bool,
}

/// The effect of changed TLS files.
#[derive(Debug, PartialEq, Eq)]
pub enum TlsChange {
    /// New requests use the new files.
    Used,
    /// The new files cannot be used, so the previous ones remain in use.
    Rejected(TransportError),
}

impl PeerClients {
    /// Reads the TLS files and builds the clients.
    ///
    /// # Errors
    /// Fails if the files cannot be used.
    pub(super) fn new(
        files: TlsFiles,
        usual: ClientConfig,
        rules: Rules,
    ) -> Result<Arc<Self>, TransportError> {
        let contents = files.read();
        let clients = Clients::new(rules, with_files(&usual, &contents)?)?;
        let state = State { in_use: contents.fingerprint(), rejected: None };
        let current = RwLock::new(Arc::new(clients));
        Ok(Arc::new(Self { current, files, usual, state: Mutex::new(state) }))
    }

    /// The clients for the next request.
    pub(super) fn current(&self) -> Arc<Clients> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Checks the TLS files from time to time, for ever, and reports changes. `None` if no file is
    /// configured.
    pub(super) fn watch(
        self: Arc<Self>,
        report: impl Fn(TlsChange) + Send + 'static,
    ) -> Option<impl Future<Output = ()> + Send + 'static> {
        (!self.files.is_empty()).then_some(async move {
            loop {
                sleep(CHECK_INTERVAL).await;
                let clients = Arc::clone(&self);
                if let Ok(Some(change)) = task::spawn_blocking(move || clients.check()).await {
                    report(change);
                }
            }
        })
    }

    /// Reads the TLS files, and replaces the clients if they have changed. Blocks.
    ///
    /// Programs write a certificate and its key one after the other. So contents that cannot be
    /// used are reported only if the next check finds the same ones.
    pub(super) fn check(&self) -> Option<TlsChange> {
        let contents = self.files.read();
        let fingerprint = contents.fingerprint();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if fingerprint == state.in_use {
            state.rejected = None;
            return None;
        }
        let known = state.rejected.take_if(|rejected| rejected.fingerprint == fingerprint);
        let is_repeated = known.is_some();
        if known.is_some_and(|rejected| rejected.is_reported) {
            state.rejected = Some(Rejected { fingerprint, is_reported: true });
            return None;
        }
        match self.replace(&contents) {
            Ok(()) => {
                *state = State { in_use: fingerprint, rejected: None };
                Some(TlsChange::Used)
            }
            Err(error) => {
                state.rejected = Some(Rejected { fingerprint, is_reported: is_repeated });
                is_repeated.then_some(TlsChange::Rejected(error))
            }
        }
    }

    fn replace(&self, contents: &Contents) -> Result<(), TransportError> {
        let tls = with_files(&self.usual, contents)?;
        let clients = Arc::new(Clients::new(self.current().rules.clone(), tls)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = clients;
        Ok(())
    }
}

fn with_files(usual: &ClientConfig, contents: &Contents) -> Result<ClientConfig, TransportError> {
    Ok(contents.parse(usual.crypto_provider())?.configure(usual))
}
