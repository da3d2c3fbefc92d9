//! The HTTP client, which behaves like Node's own `fetch`.
//!
//! | file | contents |
//! |---|---|
//! | `client` | sending, with the retry and the limits on time and size |
//! | `clients` | the clients for one kind of destination |
//! | `pool`, `keep_alive` | idle connections, and how long they are kept |
//! | `peer_clients` | those for peers, which follow changes of their TLS files |
//! | `byte_counts` | the bytes of all bodies |
//! | `decoding` | decompression of responses |
//! | `message` | requests, responses, header values |
//! | `error` | why a request failed |
//! | `settings` | the environment variables that count |
//! | `redirect` | where a redirect leads |
//! | `reuse` | which connection a request used |
//! | `address_policy` | which addresses requests may go to |
//! | `proxy` | which requests go through a proxy |
//! | `tls`, `verifier` | the trusted roots, and how certificates are verified |
//! | `tls_files` | the client certificate and the authorities for peers, in PEM files |
//! | `certificate`, `ca_leaf` | parsing of certificates; those of servers that may issue others |

mod address_policy;
mod byte_counts;
mod ca_leaf;
mod certificate;
mod client;
mod clients;
mod decoding;
mod error;
mod keep_alive;
mod message;
mod peer_clients;
mod pool;
mod proxy;
mod redirect;
mod retry_after;
mod reuse;
mod settings;
#[cfg(test)]
mod tests;
mod tls;
mod tls_files;
mod verifier;

pub use self::{
    address_policy::ConfiguredUrls,
    byte_counts::ByteCounts,
    client::HttpClient,
    error::TransportError,
    message::{Destination, HeaderText, Method, NotAHeaderValue, Request, Response},
    peer_clients::TlsChange,
    settings::{HttpSettings, ProxySettings},
    tls_files::TlsFiles,
};
