//! Rule "Grace" among native servers: one that refuses connections and has never answered may not
//! listen yet, or may have died before it did. What tells the two apart is whether it still speaks.
//!
//! ```text
//! T joins ── refused ──▶ again after 1 s, and 3 s after T's last word ── refused, by a helper too ──▶ T is suspect
//!                                                                                     │
//!                     T refutes, in its next message to anybody: T has spoken ◀───────┼──▶ 5 s of silence: T is dead
//! ```
//! A starting server probes others each second, also while its event loop is blocked. So each
//! server that T speaks to tells it of the suspicion, and a suspicion that nobody hears refuted is
//! silence towards everybody.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::members::member::check::YOUNG;
use crate::protocol::members::member::proof::Facts;
use crate::protocol::types::time::{Now, Tick};

/// Servers remembered to have refused; beyond it they have no grace.
pub(in crate::protocol) const MAX_UNREACHED: usize = 1_024;
/// Pause after the first refusal. A server that listens after a second is seen after a second.
const SECOND_LOOK: Duration = Duration::from_secs(1);
/// Time since its last word before such a server is suspected: it speaks each second, though not to
/// each other server.
const SPEAKS_WITHIN: Duration = Duration::from_secs(3);
/// Silence towards everybody after which such a server is dead: five of its probes, of which one
/// has to arrive.
const SILENCE: Duration = Duration::from_secs(5);

/// Native servers that refuse connections and have never answered, and when each of them last
/// spoke.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Unreached(IndexMap<Arc<str>, Tick, FixedState>);

impl Unreached {
    /// Records a word of the server's own, by whatever way it came.
    #[inline]
    pub(in crate::protocol) fn record_word(&mut self, identity: &str, now: Tick) {
        if let Some(last_word) = self.0.get_mut(identity) {
            *last_word = now;
        }
    }

    /// Records that a server which may not listen yet has refused. Returns when to look at it
    /// again, or none where there is no room to wait.
    pub(super) fn record_refusal(
        &mut self,
        members: &mut Members,
        identity: &Arc<str>,
        now: Now,
    ) -> Option<Tick> {
        let member = members.roster.get_mut(identity)?;
        member.facts.set(Facts::REFUSED, true);
        let news_came = now.tick.before(member.refreshed_at.age(now.tick));
        if !self.0.contains_key(identity) {
            self.make_room(members);
            if self.len() >= MAX_UNREACHED {
                return None;
            }
        }
        let last_word = self.0.entry(Arc::clone(identity)).or_default();
        *last_word = news_came.max(*last_word);
        Some((*last_word + SPEAKS_WITHIN).max(now.tick + SECOND_LOOK))
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

    /// When a server that has refused once more may be suspected; none if now.
    pub(super) fn next_look(&self, identity: &str, now: Tick) -> Option<Tick> {
        self.0.get(identity).map(|last_word| *last_word + SPEAKS_WITHIN).filter(|at| *at > now)
    }

    /// Whether this server itself has found it refusing, and nothing has ever come from it but
    /// words.
    pub(super) fn has(&self, members: &Members, identity: &str) -> bool {
        self.0.contains_key(identity)
            && members.roster.get(identity).is_some_and(|member| !member.has_answered())
    }

    /// When the time of a suspect that has never answered is up: it was suspected `since`, and one
    /// that has answered would have until `usual`.
    pub(super) fn end_of_silence(&self, identity: &str, since: Tick, usual: Tick, stretch: f64) -> Tick {
        let silence = SILENCE.mul_f64(stretch);
        match self.0.get(identity) {
            Some(last_word) => since.max(*last_word) + silence,
            // Others know better whether its port is closed.
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
    /// Whether it came just now and has never answered.
    pub(super) fn may_not_listen_yet(&self, now: Tick) -> bool {
        !self.has_answered() && self.changed_at.age(now) < YOUNG
    }
}
