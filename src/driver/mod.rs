//! Layer 1: the real world drives the protocol.
//!
//! | file | contents |
//! |---|---|
//! | `clock` | the only readings of the clocks in this crate |
//! | `engine` | the handle with which callers on any thread use a running server |
//! | `authorization` | which requests a header authorizes |
//! | `credentials` | the secrets and URLs that requests carry |
//! | [`secret_files`] | secrets in files, which are read again after each change |
//! | `peer_secrets` | the secret of each outgoing gossip message |
//! | `limited_file` | files that the operator names, with a limit of their size |
//! | `log_sink` | the destination of log lines |
//! | `shared` | the machine behind its short lock |
//! | [`gossip`] | incoming gossip requests, signed or with the raw secret |
//! | [`raw`] | requests and responses as bytes |
//! | `owners` | which server owns a key |
//! | `cached_body` | the text of all servers shown, cached until it changes |
//! | `actor` | the task that wakes the machine and carries out its effects |
//! | `http_task` | one outgoing request, from the machine's `Transmit` to the reported outcome |
//! | `delivery_task` | the requests that one message to a peer takes: challenges, signed, raw |
//! | `security` | keys, and who has proved the secret |
//! | `sent_requests` | counts of the requests that this server has sent |
//! | `metrics` | the numbers of a running server, for operators |
//! | `allocator` | on Linux with glibc: lets the system provide large blocks of memory |
//! | `memory_review` | gives memory back to the system after a burst |
//! | `portraits` | what this server knows of all servers, for operators |
//! | `remote_control` | control requests that are passed on to another server |
//! | `sibling_search` | looks for other processes behind the own URL |
//! | `event_loop` | calls of the program's event loop |
//! | `event_loop_watch` | measures the lag of the program's event loop |
//! | `news` | what readers of news have missed |
//! | `news_bell` | wakes the program after news |
//! | [`transport`] | the HTTP client |

mod actor;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod allocator;
mod authorization;
mod cached_body;
mod clock;
mod credentials;
mod delivery_task;
mod engine;
mod event_loop;
mod event_loop_watch;
pub mod gossip;
mod http_task;
mod limited_file;
mod log_sink;
mod memory_review;
pub mod metrics;
mod news;
mod news_bell;
mod owners;
mod peer_secrets;
mod portraits;
pub mod raw;
mod remote_control;
pub mod secret_files;
mod security;
mod sent_requests;
mod shared;
mod sibling_search;
pub mod transport;

pub use authorization::{Authorization, Unauthorized};
pub use engine::Engine;
pub use event_loop::{EventLoopProbe, ProbeReply};
pub use log_sink::LogSink;
pub use news::NewsReport;
pub use news_bell::NewsBell;
pub use remote_control::ControlOutcome;
