//! What readers of news have missed.

use std::sync::Arc;
use std::time::Duration;

use super::engine::Engine;
use crate::protocol::news::{Missed, Summary};

/// What a reader of news is told.
#[derive(Debug)]
pub struct NewsReport {
    /// The state of this server.
    pub summary: Summary,
    /// The latest measured lag of the event loop.
    pub lag: Duration,
    /// What the reader has missed.
    pub missed: Missed,
}

impl Engine {
    /// Returns what a reader has missed who knows the news up to this number; a reader without a
    /// number is told all servers.
    pub fn news(&self, view: Option<u64>) -> NewsReport {
        let (summary, missed) =
            self.shared.with(|machine, now| (machine.summary(now), machine.missed(view, now)));
        NewsReport { summary, lag: self.shared.lag(), missed }
    }

    /// Returns the URL of this server, as it is shown.
    pub fn own_url(&self) -> Arc<str> {
        self.shared.read(|machine| machine.own_entry().0.base_url).into()
    }
}
