//! Fake peers, and a fake store of the master list.

use crate::protocol::members::member::unproved_answers::Route;
use std::collections::VecDeque;
use std::time::Duration;

use crate::protocol::types::time::Stamp;
use crate::protocol::wire::document::{Condition, Upload};
use crate::protocol::wire::message::{Entry, Lists};

/// How a fake peer answers.
#[derive(Debug, Clone)]
pub(in crate::protocol::tests) enum Fake {
    /// With itself online.
    Online,
    /// With an empty list to a `GET`, and with itself offline to gossip.
    Drained,
    /// Nothing listens on its port.
    Refuses,
    /// Not before the timeout.
    Hangs,
    /// When the test says so.
    Held,
    /// With this status and body.
    Status(u16, &'static str),
    /// With this status to a `GET`, and with itself online to gossip.
    NoList(u16),
    /// With 401 to gossip, and with itself online to a `GET`.
    OtherSecret,
    /// With these lists.
    Says(Lists),
}

impl Fake {
    pub(in crate::protocol::tests) fn answer(&self, url: &str, route: Route, wall: Stamp) -> (u16, Vec<u8>) {
        let own = Entry { base_url: url.into(), monitor: false, last_update: wall };
        let lists = match self {
            Self::OtherSecret if route == Route::Gossip => return (401, b"no".to_vec()),
            Self::Online | Self::OtherSecret => Lists { online: vec![own], offline: vec![] },
            Self::NoList(_) if route == Route::Gossip => Lists { online: vec![own], offline: vec![] },
            Self::Drained if route == Route::Gossip => Lists { online: vec![], offline: vec![own] },
            Self::Drained => Lists::default(),
            Self::NoList(status) => return (*status, b"no".to_vec()),
            Self::Status(status, body) => return (*status, body.as_bytes().to_vec()),
            Self::Says(lists) => lists.clone(),
            Self::Refuses | Self::Hangs | Self::Held => unreachable!("these do not answer"),
        };
        (200, lists.to_gossip_json(None))
    }
}

/// A store of the master list.
#[derive(Debug, Default)]
pub(in crate::protocol::tests) struct Store {
    /// `None` answers with 404.
    pub(in crate::protocol::tests) body: Option<String>,
    pub(in crate::protocol::tests) version: u64,
    /// Whether it sends ETags and checks conditions.
    pub(in crate::protocol::tests) has_conditions: bool,
    /// Answers to the next downloads, instead of the list.
    pub(in crate::protocol::tests) next_downloads: VecDeque<(u16, &'static str)>,
    /// Statuses of the answers to the next uploads, which change nothing.
    pub(in crate::protocol::tests) next_uploads: VecDeque<u16>,
    /// The `Retry-After` of these answers.
    pub(in crate::protocol::tests) retry_after: Option<Duration>,
    /// Whether uploads are compared with ETags that no download returns.
    pub(in crate::protocol::tests) has_useless_tags: bool,
    /// Whether it never answers.
    pub(in crate::protocol::tests) hangs: bool,
}

impl Store {
    pub(in crate::protocol::tests) fn download(&mut self) -> (u16, Option<String>, Vec<u8>) {
        if let Some((status, body)) = self.next_downloads.pop_front() {
            return (status, None, body.as_bytes().to_vec());
        }
        match &self.body {
            Some(body) => (200, self.tag(), body.as_bytes().to_vec()),
            None => (404, None, Vec::new()),
        }
    }

    pub(in crate::protocol::tests) fn upload(&mut self, body: &str, condition: &Condition) -> Upload {
        if let Some(status) = self.next_uploads.pop_front() {
            return Upload::Answer(status, self.retry_after);
        }
        let holds = match condition {
            Condition::None => true,
            Condition::Absent => self.body.is_none(),
            Condition::Unchanged(_) if self.has_useless_tags => false,
            Condition::Unchanged(tag) => self.body.is_some() && self.tag().as_ref() == Some(tag),
        };
        if !holds {
            return Upload::Answer(412, None);
        }
        self.version += 1;
        self.body = Some(body.to_owned());
        Upload::Answer(200, None)
    }

    fn tag(&self) -> Option<String> {
        self.has_conditions.then(|| format!("\"{}\"", self.version))
    }
}
