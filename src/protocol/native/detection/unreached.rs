//! Rule "Grace" among native servers: a server that refuses connections and has never answered may
//! not listen yet. It may also have died before it did. Only a running server sends messages.
//!
//! ```text
//! T joins ── refused ──▶ again after 1 s, and 3 s after T's last message
//!                          │ refused, also by a helper
//!                          ▼
//!                     T is suspect ── 5 s of silence ──▶ T is dead
//!                          │ T refutes, in its next message to any server
//!                          ▼
//!                     T is online
//! ```
//! A starting server probes others each second, even while its event loop is blocked. Each server
//! that T probes answers with the suspicion. If no refutation follows, T is silent towards all
//! servers.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::members::member::check::YOUNG;
use crate::protocol::types::time::{Now, Tick};

/// Servers with closed ports remembered. Further ones have no grace.
pub(in crate::protocol) const MAX_UNREACHED: usize = 1_024;
/// Pause after the first refusal. A server that listens within a second is noticed within a second.
const SECOND_CHECK_DELAY: Duration = Duration::from_secs(1);
/// Time since its last message before such a server is suspected. It sends one each second, but not
/// to every server.
const MAX_MESSAGE_GAP: Duration = Duration::from_secs(3);
/// Silence towards all servers after which such a server is dead: five of its probes, at least one
/// of which should arrive.
const SILENCE: Duration = Duration::from_secs(5);

/// Native servers that refuse connections and have never answered, with the time of each one's last
/// message.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Unreached(IndexMap<Arc<str>, Tick, FixedState>);

impl Unreached {
    /// Records a message of the server itself, received directly or relayed.
    #[inline]
    pub(in crate::protocol) fn record_message(&mut self, identity: &str, now: Tick) {
        if let Some(last_message) = self.0.get_mut(identity) {
            *last_message = now;
        }
    }

    /// Records the refusal of a server that may not listen yet. Returns the time of the next check,
    /// or `None` if there is no capacity to wait.
    pub(super) fn record_closed_port(
        &mut self,
        members: &mut Members,
        identity: &Arc<str>,
        now: Now,
    ) -> Option<Tick> {
        let member = members.roster.get_mut(identity)?;
        member.record_closed_port();
        let news_came = now.tick.before(member.refreshed_at().age(now.tick));
        if !self.0.contains_key(identity) {
            self.make_room(members);
            if self.len() >= MAX_UNREACHED {
                return None;
            }
        }
        let last_message = self.0.entry(Arc::clone(identity)).or_default();
        *last_message = news_came.max(*last_message);
        Some((*last_message + MAX_MESSAGE_GAP).max(now.tick + SECOND_CHECK_DELAY))
    }

    fn make_room(&mut self, members: &Members) {
        if self.len() >= MAX_UNREACHED {
            let waits = |identity: &Arc<str>| {
                let member = members.roster.get(identity);
                member.is_some_and(|member| member.is_online() && !member.has_answered())
            };
            self.0.retain(|identity, _| waits(identity));
        }
    }

    /// Returns when a server that has refused again may be suspected, or `None` if it may be now.
    pub(super) fn next_check(&self, identity: &str, now: Tick) -> Option<Tick> {
        self.0.get(identity).map(|last_message| *last_message + MAX_MESSAGE_GAP).filter(|at| *at > now)
    }

    /// Whether this server itself has found it refusing, and it has never answered a request.
    pub(super) fn has(&self, members: &Members, identity: &str) -> bool {
        self.0.contains_key(identity)
            && members.roster.get(identity).is_some_and(|member| !member.has_answered())
    }

    /// Returns the end of the suspicion of a server that has never answered. It was suspected at
    /// `since`; for a server that has answered, the suspicion would end at `usual`.
    pub(super) fn end_of_silence(&self, identity: &str, since: Tick, usual: Tick, stretch: f64) -> Tick {
        let silence = SILENCE.mul_f64(stretch);
        match self.0.get(identity) {
            Some(last_message) => since.max(*last_message) + silence,
            // Other servers know whether its port is closed; this one does not.
            None => usual.max(since + silence),
        }
    }

    pub(in crate::protocol) fn forget(&mut self, identity: &str) {
        self.0.swap_remove(identity);
    }

    pub(in crate::protocol) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Member {
    /// Whether it has just joined and has never answered.
    pub(super) fn may_not_listen_yet(&self, now: Tick) -> bool {
        !self.has_answered() && self.changed_at().age(now) < YOUNG
    }
}
