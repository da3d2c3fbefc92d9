//! Idle connections. Each is closed before its server closes it.
//!
//! An HTTP client has one idle timeout for all its connections, and keeps them for up to twice as
//! long. But servers differ. So each client in the pool has at most one connection, which is closed
//! when its client is dropped. A client costs some microseconds and 2 kB.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use reqwest::{Client, Url};
use tokio::{
    sync::Notify,
    task::AbortHandle,
    time::{Instant, timeout_at},
};
use url::Origin;

use super::reuse::ConnectionEnds;

/// Idle connections to all servers together. A server that probes another one each second has some
/// ten, but news may be sent to a hundred servers at once.
const MAX_IDLE: usize = 64;

/// Idle connections to one server.
const MAX_IDLE_PER_ORIGIN: usize = 2;

/// A client with at most one connection.
#[derive(Debug)]
pub(super) struct PooledClient {
    pub(super) client: Client,
    /// The connection of its last response. The client opens another one if that has been closed.
    pub(super) used: Option<ConnectionEnds>,
}

#[derive(Debug)]
struct Idle {
    pooled: PooledClient,
    origin: Origin,
    closes_at: Instant,
}

/// The idle connections to servers of one kind.
#[derive(Debug, Default)]
pub(super) struct Pool(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Wakes the task that closes connections earlier than planned.
    earlier: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// From the least to the most recently used.
    idle: Vec<Idle>,
    closer: Option<Closer>,
}

/// The task that closes connections; it exists only while there are idle ones.
#[derive(Debug)]
struct Closer {
    task: AbortHandle,
    wakes_at: Instant,
}

impl Pool {
    /// Takes the most recently used connection to the server of a URL.
    pub(super) fn take(&self, url: &Url, now: Instant) -> Option<PooledClient> {
        let origin = url.origin();
        let State { idle, .. } = &mut *self.0.lock();
        let index = idle.iter().rposition(|idle| idle.origin == origin && now < idle.closes_at)?;
        Some(idle.remove(index).pooled)
    }

    /// Keeps a connection until `closes_at`, unless its server has enough idle ones. If the pool is
    /// full, the least recently used one closes.
    pub(super) fn put(&self, url: &Url, pooled: PooledClient, closes_at: Instant) {
        let origin = url.origin();
        let mut state = self.0.lock();
        let idle = &mut state.idle;
        if idle.iter().filter(|idle| idle.origin == origin).count() >= MAX_IDLE_PER_ORIGIN {
            return;
        }
        if idle.len() >= MAX_IDLE {
            idle.remove(0);
        }
        idle.push(Idle { pooled, origin, closes_at });
        match &state.closer {
            None => {
                // The type of all tasks, since each further one adds kilobytes to the addon.
                let task: Pin<Box<dyn Future<Output = ()> + Send>> =
                    Box::pin(close(Arc::clone(&self.0), closes_at));
                let task = tokio::spawn(task).abort_handle();
                state.closer = Some(Closer { task, wakes_at: closes_at });
            }
            Some(closer) if closes_at < closer.wakes_at => self.0.earlier.notify_one(),
            Some(_) => (),
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.lock().idle.len()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(closer) = self.0.lock().closer.take() {
            closer.task.abort();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the connections that have been idle for long enough. Returns when the next one
    /// closes; `None` if none is left, which ends the task.
    fn close_expired(&self, now: Instant) -> Option<Instant> {
        let mut state = self.lock();
        let (expired, idle) = mem::take(&mut state.idle).into_iter().partition(|idle| idle.closes_at <= now);
        state.idle = idle;
        let next = state.idle.iter().map(|idle| idle.closes_at).min();
        match (next, &mut state.closer) {
            (Some(next), Some(closer)) => closer.wakes_at = next,
            (_, closer) => *closer = None,
        }
        drop(state);
        drop::<Vec<Idle>>(expired);
        next
    }
}

async fn close(pool: Arc<Shared>, first: Instant) {
    let mut next = first;
    loop {
        // Both outcomes mean that there may be something to close.
        let _ = timeout_at(next, pool.earlier.notified()).await;
        match pool.close_expired(Instant::now()) {
            Some(later) => next = later,
            None => return,
        }
    }
}
