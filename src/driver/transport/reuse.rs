//! Which connections have answered before.

use std::{
    collections::BTreeMap,
    error::Error,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hyper_util::client::legacy::{Error as HyperError, connect::HttpInfo};
use tokio::time::Instant;

/// How long a connection is remembered: longer than it idles and a request on it lasts.
const REMEMBERED: Duration = Duration::from_secs(60);

/// How many connections are remembered.
const MOST: usize = 4096;

/// The connections that have answered before.
///
/// A failure on one of them may only mean that its server closed it meanwhile, so the request is worth a second
/// try; a failure on a fresh connection is the server's own. The HTTP client does not tell which of them it used,
/// but names both ends of the connection in an answer as well as in an error, and these identify it.
#[derive(Debug, Default)]
pub(super) struct AnsweredConnections(Mutex<BTreeMap<Connection, Instant>>);

/// Both ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Connection {
    local: SocketAddr,
    remote: SocketAddr,
}

impl AnsweredConnections {
    /// Notes that an answer came on this connection; true if it was not the first one.
    pub(super) fn note(&self, connection: Connection, now: Instant) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= MOST {
            noted.retain(|_, at| now.duration_since(*at) < REMEMBERED);
        }
        if noted.len() >= MOST
            && let Some(oldest) = noted.iter().min_by_key(|(_, at)| **at).map(|(oldest, _)| *oldest)
        {
            noted.remove(&oldest);
        }
        noted.insert(connection, now).is_some_and(|at| now.duration_since(at) < REMEMBERED)
    }

    /// Whether an answer has come on this connection before.
    pub(super) fn knows(&self, connection: &Connection, now: Instant) -> bool {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.get(connection).is_some_and(|at| now.duration_since(*at) < REMEMBERED)
    }
}

impl Connection {
    /// The connection that an answer came on.
    pub(super) fn of_answer(answer: &reqwest::Response) -> Option<Self> {
        answer.extensions().get().map(Self::new)
    }

    /// The connection that a request failed on; none if it failed while connecting.
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
    fn remembers_for_a_while_and_within_bounds() {
        let answered = AnsweredConnections::default();
        let start = Instant::now();
        assert!(!answered.knows(&connection(1), start));
        assert!(!answered.note(connection(1), start));
        assert!(answered.knows(&connection(1), start));
        assert!(answered.note(connection(1), start));
        assert!(!answered.knows(&connection(1), start + REMEMBERED));
        assert!(!answered.note(connection(1), start + REMEMBERED));

        let later = |number: u16| start + REMEMBERED + Duration::from_millis(number.into());
        let last = MOST as u16 + 1;
        for number in 2..=last {
            answered.note(connection(number), later(number));
        }
        assert_eq!(answered.0.lock().unwrap().len(), MOST);
        assert!(!answered.knows(&connection(1), later(last)));
        assert!(answered.knows(&connection(2), later(last)));
        assert!(answered.knows(&connection(last), later(last)));
    }
}
