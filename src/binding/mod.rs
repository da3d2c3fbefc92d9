//! Layer 2: translates between JavaScript and the driver. It decides nothing.
//!
//! | file | contents |
//! |---|---|
//! | `functions` | the functions for JavaScript |
//! | `environment` | the engine of one JavaScript environment |
//! | `layout` | the buffers that Rust and JavaScript share |
//! | `snapshot` | the stamps and flags of all servers, in a buffer that JavaScript keeps |
//! | `received` | the entries of a gossip request, in a buffer that JavaScript writes |
//! | `news` | the functions with which JavaScript follows the news |
//! | `report` | what readers of news are told, as text |
//! | `operators` | what the routes for operators need |
//! | `words` | words in a buffer |
//! | `raw` | requests and responses as bytes, for the adapters |
//! | `metrics` | the numbers of this server, in a buffer that JavaScript keeps |
//! | `owners` | which server owns a key |
//! | `promise` | promises for work on other threads |
//! | `runtime` | the threads of all engines |
//! | `header` | `Authorization` headers, which are wiped |
//! | `errors` | errors with codes |

#![expect(unreachable_pub, reason = "what `#[napi]` exports to JavaScript has to be public in Rust")]

mod environment;
mod errors;
mod functions;
mod header;
mod layout;
mod metrics;
mod news;
mod operators;
mod owners;
mod promise;
mod raw;
mod received;
mod report;
mod runtime;
mod snapshot;
mod words;
