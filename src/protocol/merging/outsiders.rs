//! Servers of another cluster: they rejected this server's secret and never exchanged with it.
//!
//! Two clusters may share a master list. A stranger that answers 401 is left out after a while,
//! whatever its list says: it has no tombstone, it stays on the master list, and no hearsay brings it
//! back. An exchange does, and so does its own request with this server's secret.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use crate::protocol::context::output::{Severity, Transmit};
use crate::protocol::exchanges::in_flight::{Exchange, PEER_TIMEOUT, Purpose};
use crate::protocol::machine::Machine;
use crate::protocol::members::member::{Member, Wire};
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::merging::intake::Subject;
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::extension::Kind;
use crate::protocol::wire::message::{Lists, Refusal, Reply};

/// Time from a stranger's first 401 until it is left out. Enough for it to call with the right
/// secret, if a new one is being rolled out just then.
pub(in crate::protocol) const LEFT_OUT_AFTER: Duration = Duration::from_secs(18);
/// Outsiders remembered; the oldest makes way, and is left out again if it is heard of again.
pub(in crate::protocol) const MAX_OUTSIDERS: usize = 4_096;
/// Pause before an outsider that others talk about is asked again whether it has the secret by now.
const ASKED_AGAIN: Duration = Duration::from_secs(30);
/// Pause between two questions to whichever outsiders.
const PACE: Duration = Duration::from_secs(1);

/// Servers that are no members.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Outsiders {
    by_identity: IndexMap<Arc<str>, Outsider, FixedState>,
    next_question: Tick,
    is_told: bool,
}

/// One of them.
#[derive(Debug)]
struct Outsider {
    /// What was known of it when it was left out, which stays true if it becomes a member.
    member: Member,
    asked_at: Tick,
}

impl Outsiders {
    pub(in crate::protocol) fn has(&self, identity: &str) -> bool {
        !self.by_identity.is_empty() && self.by_identity.contains_key(identity)
    }

    pub(in crate::protocol) fn len(&self) -> usize {
        self.by_identity.len()
    }

    fn insert(&mut self, identity: &Arc<str>, member: Member, now: Tick) {
        if self.by_identity.len() >= MAX_OUTSIDERS {
            self.by_identity.shift_remove_index(0);
        }
        self.by_identity.insert(Arc::clone(identity), Outsider { member, asked_at: now });
    }
}

impl Machine {
    /// A stranger that shows nobody its list may still have this server's secret.
    pub(in crate::protocol) fn try_stranger(&mut self, peer: &Arc<str>, reply: &Reply<'_>, now: Now) {
        let is_untried =
            |member: &Member| member.is_online() && !member.has_exchanged() && member.rejected_at().is_none();
        if *reply == Reply::Refusal(Refusal::Unauthorized)
            && self.members.roster.get(peer).is_some_and(is_untried)
        {
            self.converse(Arc::clone(peer), Purpose::Trial, now);
        }
    }

    /// A list does not tell whether its server is native; now that it is known not to be drained, gossip may.
    pub(in crate::protocol) fn offer_to_stranger(&mut self, peer: &Arc<str>, now: Now) {
        let is_to_be_asked = |member: &Member| member.wire == Wire::Unknown && member.rejected_at().is_none();
        if self.is_native() && self.members.roster.get(peer).is_some_and(is_to_be_asked) {
            self.converse(Arc::clone(peer), Purpose::DeathNotices, now);
        }
    }

    /// A stranger that rejects this server's secret is no member.
    pub(in crate::protocol) fn leave_out(&mut self, peer: &Arc<str>, now: Now) {
        let shown = self.members.roster.spelling(peer);
        self.native.probes.excuse(peer);
        self.members.roster.because(Cause::Rejected);
        let Some(mut member) = self.members.roster.remove(peer, now.tick) else { return };
        self.forget_in_queues(peer);
        member.close_check();
        member.acquit();
        member.status = Status::Online;
        self.merging.outsiders.insert(peer, member, now.tick);
        if !std::mem::replace(&mut self.merging.outsiders.is_told, true) {
            let message = format!(
                "Clustershazbot shares its master list with servers that reject its SHAZBOT_SECRET, such as {shown}: they are not shown"
            );
            self.cx.log(Severity::Warning, &message, None);
        }
    }

    /// Somebody says that an outsider is online: now and then it is asked whether it has this server's secret by now.
    pub(in crate::protocol) fn hear_of_outsider(&mut self, url: &BaseUrl, now: Now) {
        let is_paused = now.tick < self.merging.outsiders.next_question || !self.lifecycle.phase.is_running();
        if is_paused || self.legacy_room() == 0 {
            return;
        }
        let outsider = self.merging.outsiders.by_identity.get_mut(url.identity());
        let Some(outsider) = outsider.filter(|outsider| now.tick.since(outsider.asked_at) >= ASKED_AGAIN)
        else {
            return;
        };
        outsider.asked_at = now.tick;
        self.merging.outsiders.next_question = now.tick + PACE;
        self.try_by_gossip(url, now);
    }

    /// Asks a server that is no member by gossip.
    pub(in crate::protocol) fn try_by_gossip(&mut self, url: &BaseUrl, now: Now) -> ExchangeId {
        self.members.me.refresh(now);
        let id = self.exchanges.in_flight.begin(Arc::clone(url.identity()), Purpose::Trial, now.tick);
        // It hears of nobody else before it has shown that it belongs here.
        let mut lists = Lists::default();
        let (me, is_online) = self.own_entry();
        if is_online {
            lists.online.push(me)
        } else {
            lists.offline.push(me)
        }
        let lists = Arc::new(lists);
        let extension = self.is_native().then(|| Arc::new(self.extension(Kind::Push, Vec::new())));
        let base_url = Arc::clone(url.spelling());
        self.cx.transmits.push_back(Transmit::Gossip {
            id,
            base_url,
            lists,
            extension,
            timeout: PEER_TIMEOUT,
        });
        id
    }

    /// A native server has called with this server's secret, or answered it: it is no outsider.
    pub(in crate::protocol) fn admit_native(&mut self, base_url: &Arc<str>, now: Now) {
        if !self.merging.outsiders.by_identity.is_empty()
            && let Ok(Subject::New(url)) = self.identify_shared(base_url)
        {
            self.admit(url.identity(), now);
        }
    }

    /// An outsider has answered gossip with its own entry.
    pub(in crate::protocol) fn admit_answerer(&mut self, exchange: &Exchange, now: Now) {
        if exchange.purpose != Purpose::Inquiry && exchange.own_word.is_some() {
            self.admit(&exchange.peer, now);
        }
    }

    fn admit(&mut self, identity: &str, now: Now) {
        if self.members.roster.is_full() {
            return;
        }
        if let Some((identity, outsider)) = self.merging.outsiders.by_identity.swap_remove_entry(identity) {
            let mut member = outsider.member;
            (member.changed_at, member.refreshed_at) = (now.tick.into(), now.tick.into());
            self.members.roster.because(Cause::OwnWord);
            self.members.roster.insert(identity, member);
        }
    }
}
