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
//! | `written` | the text of what is shown, kept until it changes |
//! | `actor` | the task that wakes the machine and carries out what it wants |
//! | `errand` | one request to the outside, from the machine's wish to its answer |
//! | `pulse` | whether the program's thread still gets round to anything |
//! | [`transport`] | the HTTP client |

mod actor;
mod clock;
mod credentials;
mod engine;
mod errand;
mod log_sink;
mod pulse;
pub mod raw;
mod shared;
pub mod transport;
mod written;

pub use engine::Engine;
pub use log_sink::LogSink;
pub use pulse::{Beat, Pulse};
