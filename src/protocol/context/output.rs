//! What the machine wants done, and what it has to tell.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::protocol::types::ids::ExchangeId;
use crate::protocol::wire::document::{Condition, DocumentEntry};
use crate::protocol::wire::extension::Extension;
use crate::protocol::wire::message::Lists;

/// Events that wait to be told; further log lines are dropped, as whoever does not fetch these reads none.
pub(in crate::protocol) const MAX_EVENTS: usize = 1_024;

/// A request to be sent.
#[derive(Debug, Clone)]
pub enum Transmit {
    /// `POST {base_url}clustershazbot/gossip`; the reply goes to `handle_reply`.
    Gossip {
        /// Names the exchange.
        id: ExchangeId,
        /// Whom to send to.
        base_url: Arc<str>,
        /// What to send; shared by all to whom the same goes out.
        lists: Arc<Lists>,
        /// The native extension, where it is offered.
        extension: Option<Arc<Extension>>,
        /// How long an answer is waited for.
        timeout: Duration,
    },
    /// `GET {base_url}clustershazbot/list`; the reply goes to `handle_reply`.
    Inquire {
        /// Names the exchange.
        id: ExchangeId,
        /// Whom to ask.
        base_url: Arc<str>,
        /// How long an answer is waited for.
        timeout: Duration,
    },
    /// `POST {base_url}clustershazbot/gossip` to this server's own URL, over a connection of its own; the reply goes to
    /// `handle_reply`.
    AskMyself {
        /// Names the exchange.
        id: ExchangeId,
        /// The own URL.
        base_url: Arc<str>,
        /// What to send.
        extension: Arc<Extension>,
        /// How long an answer is waited for.
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
        /// Under which the store may replace what it has.
        condition: Condition,
    },
    /// Everything under way is to be given up; no reply to it is wanted any more.
    AbandonAll,
}

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The start has done all it waits for.
    Started,
    /// The leave has done all it waits for; nothing more will come.
    ShutDown,
    /// A line for the log.
    Log {
        /// How grave it is.
        severity: Severity,
        /// The line, without secrets.
        message: String,
        /// The reason, if the line ends in a colon.
        reason: Option<String>,
    },
}

/// How grave a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// `console.log`.
    Info,
    /// `console.warn`.
    Warning,
    /// `console.error`.
    Error,
}

/// Events that wait to be told.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Events(VecDeque<Event>);

impl Events {
    /// Adds one, unless it is a log line and there is no room.
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
