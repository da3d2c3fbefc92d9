//! Floor 2: translates between JavaScript and the driver. Nothing is decided here.
//!
//! | file | what it holds |
//! |---|---|
//! | `functions` | what JavaScript calls |
//! | `environment` | the engine that belongs to one JavaScript environment |
//! | `layout` | the buffers that Rust and JavaScript share |
//! | `snapshot` | what is shown of all servers, in the buffer that JavaScript keeps |
//! | `received` | the entries of a gossip request, in the buffer that JavaScript writes |
//! | `words` | words in a buffer |
//! | `raw` | what JavaScript calls with bytes, for the adapters |
//! | `promise` | promises of what is done on other threads |
//! | `errors` | errors with their codes |

#![expect(unreachable_pub, reason = "what `#[napi]` exports to JavaScript has to be public in Rust")]

mod environment;
mod errors;
mod functions;
mod layout;
mod promise;
mod raw;
mod received;
mod snapshot;
mod words;
