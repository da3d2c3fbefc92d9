//! Which connection a request used.
//!
//! A failure on a connection that was used before may only mean that its server has closed it, so
//! the request is retried. A failure on a new connection is final. The HTTP client does not tell
//! which kind it used. But responses and errors name both ends of the connection, which identify
//! it.

use std::{error::Error, net::SocketAddr};

use hyper_util::client::legacy::{Error as HyperError, connect::HttpInfo};

/// Both ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ConnectionEnds {
    local: SocketAddr,
    remote: SocketAddr,
}

impl ConnectionEnds {
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
