//! The destination of log lines.

use std::sync::Arc;

use crate::protocol::output::Severity;

/// Takes a log line: its severity, its text, and the reason if there is one. Must not block.
pub type LogSink = Box<dyn Fn(Severity, String, Option<String>) + Send + Sync>;

/// The same for several tasks of one engine.
pub(super) type SharedLogSink = Arc<dyn Fn(Severity, String, Option<String>) + Send + Sync>;
