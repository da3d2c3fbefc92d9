//! The HTTP client: requests that behave as Node's own `fetch`.
//!
//! | file | what it holds |
//! |---|---|
//! | `client` | sending: the second try, the limits on time and size |
//! | `decoding` | what compressed answers hold |
//! | `message` | requests, answers, header values |
//! | `error` | why there is no answer |
//! | `settings` | what of the environment counts |
//! | `redirect` | where a redirect leads |
//! | `reuse` | which connections have answered before |
//! | `reach` | which addresses requests may go to |
//! | `proxy` | which requests go through a proxy |
//! | `tls`, `verifier` | whom to trust, and how certificates are checked |
//! | `certificate`, `ca_leaf` | what is read from certificates; those of servers that could issue others |

mod ca_leaf;
mod certificate;
mod client;
mod decoding;
mod error;
mod message;
mod proxy;
mod reach;
mod redirect;
mod retry_after;
mod reuse;
mod settings;
#[cfg(test)]
mod tests;
mod tls;
mod verifier;

pub use self::{
    client::HttpClient,
    error::TransportError,
    message::{Destination, HeaderText, Method, NotAHeaderValue, Request, Response},
    reach::OwnUrls,
    settings::{HttpSettings, ProxySettings},
};
