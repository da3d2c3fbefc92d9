//! Hidden servers: they did not answer, and only the master list or unconfirmed hearsay names them.
//!
//! They are not members and have no tombstone, because the fault may be this server's own network.

use std::sync::Arc;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use crate::protocol::context::Context;
use crate::protocol::context::effect::Effect;
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Stamp, Tick};

/// Hidden servers remembered. A further one evicts another, which is shown again if it is named
/// again.
pub(in crate::protocol) const MAX_HIDDEN: usize = 10_000;

/// A server that did not answer.
#[derive(Debug)]
pub(in crate::protocol) struct Hidden {
    pub(in crate::protocol) url: BaseUrl,
    monitor: bool,
    stamp: Stamp,
    pub(in crate::protocol) failed_at: Tick,
    /// An answer of another server since then shows that this server's own network works.
    pub(in crate::protocol) doubted_since: Tick,
}

/// Hidden servers by identity. The oldest is first until one is removed.
#[derive(Debug, Default)]
pub(in crate::protocol) struct HiddenServers(IndexMap<Arc<str>, Hidden, FixedState>);

impl HiddenServers {
    pub(in crate::protocol) fn get(&self, identity: &str) -> Option<&Hidden> {
        self.0.get(identity)
    }

    /// Whether a claim with this stamp is not newer than the one found false.
    pub(in crate::protocol) fn blocks(&self, identity: &str, stamp: Stamp) -> bool {
        self.0.get(identity).is_some_and(|hidden| stamp <= hidden.stamp)
    }

    pub(in crate::protocol) fn identities(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.keys()
    }

    pub(in crate::protocol) fn at(&self, index: usize) -> Option<&Arc<str>> {
        self.0.get_index(index).map(|(identity, _)| identity)
    }

    pub(in crate::protocol) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Members {
    /// Hides a member that did not answer. Returns the hidden server that was dropped for it.
    pub(in crate::protocol) fn hide(
        &mut self,
        cx: &mut Context,
        peer: &Arc<str>,
        doubted_since: Tick,
        now: Now,
    ) -> Option<Arc<str>> {
        let member = self.roster.get(peer)?;
        let (monitor, stamp) = (member.monitor, member.highest_seen());
        let url = BaseUrl::parse_shared(&member.base_url(Arc::clone(peer))).ok()?;
        self.roster.remove(peer, now);
        cx.effects.push(Effect::Forget(Arc::clone(peer)));
        let oldest = if self.hidden.len() >= MAX_HIDDEN { self.hidden.0.swap_remove_index(0) } else { None };
        let hidden = Hidden { url, monitor, stamp, failed_at: now.tick, doubted_since };
        self.hidden.0.insert(Arc::clone(peer), hidden);
        oldest.map(|(identity, _)| identity)
    }

    /// Makes a hidden server a member again.
    pub(in crate::protocol) fn reveal(
        &mut self,
        cx: &mut Context,
        peer: &Arc<str>,
        status: Status,
        now: Now,
    ) {
        let Some(Hidden { url, monitor, stamp, .. }) = self.take_hidden(cx, peer) else { return };
        if self.roster.get(peer).is_none() && !self.roster.is_full() {
            let mut member = Member::new(&url, status, monitor, stamp, now);
            if status.is_online() {
                member.mark_unconfirmed();
            }
            self.roster.insert(Arc::clone(peer), member, now);
        }
    }

    /// Removes a hidden server about which there is newer knowledge, and returns its stamp.
    pub(in crate::protocol) fn supersede_hidden(
        &mut self,
        cx: &mut Context,
        identity: &Arc<str>,
    ) -> Option<Stamp> {
        Some(self.take_hidden(cx, identity)?.stamp)
    }

    fn take_hidden(&mut self, cx: &mut Context, identity: &Arc<str>) -> Option<Hidden> {
        let hidden = self.hidden.0.swap_remove(identity)?;
        cx.effects.push(Effect::ForgetHidden(Arc::clone(identity)));
        Some(hidden)
    }
}
