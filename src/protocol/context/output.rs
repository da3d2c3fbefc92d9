//! The requests that the machine wants sent, and the events that it reports.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::protocol::types::ids::ExchangeId;
use crate::protocol::wire::document::{Condition, DocumentEntry};
use crate::protocol::wire::extension::Extension;
use crate::protocol::wire::message::Lists;

/// Events queued. If the driver does not fetch them, further log lines are dropped.
pub(in crate::protocol) const MAX_EVENTS: usize = 1_024;

/// A request to be sent.
#[derive(Debug, Clone)]
pub enum Transmit {
    /// `POST {base_url}clustershazbot/gossip`; the reply goes to `handle_reply`.
    Gossip {
        /// Names the exchange.
        id: ExchangeId,
        /// The URL of the receiver.
        base_url: Arc<str>,
        /// The lists to send, shared by all receivers.
        lists: Arc<Lists>,
        /// The native extension, if it is offered.
        extension: Option<Arc<Extension>>,
        /// The time to wait for the answer.
        timeout: Duration,
    },
    /// `GET {base_url}clustershazbot/list`; the reply goes to `handle_reply`.
    Inquire {
        /// Names the exchange.
        id: ExchangeId,
        /// The URL of the server asked.
        base_url: Arc<str>,
        /// The time to wait for the answer.
        timeout: Duration,
    },
    /// `POST {base_url}clustershazbot/gossip` to this server's own URL, over a separate connection;
    /// the reply goes to `handle_reply`.
    CheckOwnUrl {
        /// Names the exchange.
        id: ExchangeId,
        /// The URL of this server.
        base_url: Arc<str>,
        /// The native extension to send.
        extension: Arc<Extension>,
        /// The time to wait for the answer.
        timeout: Duration,
    },
    /// Downloads the master list; the outcome goes to `handle_download`.
    DownloadMasterList {
        /// Names the download.
        id: ExchangeId,
    },
    /// Uploads the master list; the outcome goes to `handle_upload`.
    UploadMasterList {
        /// Names the upload.
        id: ExchangeId,
        /// The whole list.
        entries: Vec<DocumentEntry>,
        /// The condition under which the store may replace the list.
        condition: Condition,
    },
    /// Aborts all requests in flight; no reply to them is needed.
    AbandonAll,
}

/// Something that the machine reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The start is complete.
    Started,
    /// The leave is complete; no further event follows.
    ShutDown,
    /// A line for the log.
    Log {
        /// The severity.
        severity: Severity,
        /// The line, without secrets.
        message: String,
        /// The reason, if the line ends in a colon.
        reason: Option<String>,
    },
}

/// The severity of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// `console.log`.
    Info,
    /// `console.warn`.
    Warning,
    /// `console.error`.
    Error,
}

/// Events queued for the driver.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Events(VecDeque<Event>);

impl Events {
    /// Adds an event, unless it is a log line and the queue is full.
    pub(in crate::protocol) fn push_back(&mut self, event: Event) {
        if self.0.len() < MAX_EVENTS || !matches!(event, Event::Log { .. }) {
            self.0.push_back(event);
        }
    }

    pub(in crate::protocol) fn pop_front(&mut self) -> Option<Event> {
        self.0.pop_front()
    }

    pub(in crate::protocol) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::protocol) fn len(&self) -> usize {
        self.0.len()
    }
}
