//! Which connections have been used before.

use std::{
    collections::BTreeMap,
    error::Error,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hyper_util::client::legacy::{Error as HyperError, connect::HttpInfo};
use tokio::time::Instant;

/// How long a connection is remembered: longer than it idles plus the longest request.
const RETENTION: Duration = Duration::from_secs(60);

/// Connections remembered at once.
const MAX_CONNECTIONS: usize = 4096;

/// The connections on which a response has arrived.
///
/// A failure on one of them may only mean that its server has closed it, so the request is retried.
/// A failure on a new connection is final. The HTTP client does not tell which kind it used. But
/// responses and errors name both ends of the connection, which identify it.
#[derive(Debug, Default)]
pub(super) struct UsedConnections(Mutex<BTreeMap<Connection, Instant>>);

/// Both ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Connection {
    local: SocketAddr,
    remote: SocketAddr,
}

impl UsedConnections {
    /// Records a response on this connection; returns whether it was used before.
    pub(super) fn record(&self, connection: Connection, now: Instant) -> bool {
        let mut connections = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if connections.len() >= MAX_CONNECTIONS {
            connections.retain(|_, at| now.duration_since(*at) < RETENTION);
        }
        if connections.len() >= MAX_CONNECTIONS
            && let Some(oldest) = connections.iter().min_by_key(|(_, at)| **at).map(|(oldest, _)| *oldest)
        {
            connections.remove(&oldest);
        }
        connections.insert(connection, now).is_some_and(|at| now.duration_since(at) < RETENTION)
    }

    /// Whether a response has arrived on this connection before.
    pub(super) fn was_used(&self, connection: &Connection, now: Instant) -> bool {
        let connections = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        connections.get(connection).is_some_and(|at| now.duration_since(*at) < RETENTION)
    }
}

impl Connection {
    /// The connection of a response.
    pub(super) fn of_response(response: &reqwest::Response) -> Option<Self> {
        response.extensions().get().map(Self::new)
    }

    /// The connection on which a request failed; `None` if connecting failed.
    pub(super) fn of_failure(error: &reqwest::Error) -> Option<Self> {
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<HyperError>() {
                let mut extensions = Default::default();
                error.connect_info()?.get_extras(&mut extensions);
                return extensions.get().map(Self::new);
            }
            cause = error.source();
        }
        None
    }

    fn new(info: &HttpInfo) -> Self {
        Self { local: info.local_addr(), remote: info.remote_addr() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(number: u16) -> Connection {
        Connection {
            local: SocketAddr::from(([127, 0, 0, 1], number)),
            remote: SocketAddr::from(([127, 0, 0, 1], 80)),
        }
    }

    #[test]
    fn forgets_old_connections_and_keeps_a_bounded_number() {
        let used_connections = UsedConnections::default();
        let start = Instant::now();
        assert!(!used_connections.was_used(&connection(1), start));
        assert!(!used_connections.record(connection(1), start));
        assert!(used_connections.was_used(&connection(1), start));
        assert!(used_connections.record(connection(1), start));
        assert!(!used_connections.was_used(&connection(1), start + RETENTION));
        assert!(!used_connections.record(connection(1), start + RETENTION));

        let later = |number: u16| start + RETENTION + Duration::from_millis(number.into());
        let last = MAX_CONNECTIONS as u16 + 1;
        for number in 2..=last {
            used_connections.record(connection(number), later(number));
        }
        assert_eq!(used_connections.0.lock().unwrap().len(), MAX_CONNECTIONS);
        assert!(!used_connections.was_used(&connection(1), later(last)));
        assert!(used_connections.was_used(&connection(2), later(last)));
        assert!(used_connections.was_used(&connection(last), later(last)));
    }
}
