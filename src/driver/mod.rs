//! Floor 1: the real world drives the protocol.
//!
//! | file | what it holds |
//! |---|---|
//! | `clock` | the only readings of the clocks in this crate |
//! | `engine` | the handle: what callers on any thread do with a running server |
//! | `credentials` | what requests carry: secrets and URLs of the configuration |
//! | `log_sink` | where log lines go |
//! | `shared` | the machine behind its short lock |
//! | [`raw`] | requests and answers as bytes |
//! | `cached_body` | the text of all servers shown, cached until it changes |
//! | `actor` | the task that wakes the machine and carries out what it wants |
//! | `errand` | one request to the outside, from the machine's wish to its answer |
//! | `event_loop_watch` | how far the program's event loop lags |
//! | [`transport`] | the HTTP client |

mod actor;
mod cached_body;
mod clock;
mod credentials;
mod engine;
mod errand;
mod event_loop_watch;
mod log_sink;
pub mod raw;
mod shared;
pub mod transport;

pub use engine::Engine;
pub use event_loop_watch::{EventLoopProbe, ProbeReply};
pub use log_sink::LogSink;
