//! Servers that are left out: those of another cluster, those that this one may not contact, and
//! those of version 1 if `SHAZBOT_LEGACY` excludes them.
//!
//! Two clusters may share a master list. A stranger that answers 401 becomes an outsider after a
//! while, regardless of its list. So does, at once, a stranger whose host name resolves to no
//! address that `SHAZBOT_ALLOW` allows, and one that proves no secret under `SHAZBOT_LEGACY=off`.
//! An outsider has no tombstone and stays on the master list. Hearsay does not bring it back. An
//! exchange does, and so does its own request with this server's secret if this server may contact
//! it. All three reasons may pass: secrets and addresses change, and an attacker may have removed a
//! proof. So this server asks each outsider now and then, even if nobody mentions it.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexMap;
use rand::RngExt;

use crate::protocol::context::Context;
use crate::protocol::context::effect::Effect;
use crate::protocol::context::output::Transmit;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::in_flight::{PEER_TIMEOUT, Purpose};
use crate::protocol::members::Members;
use crate::protocol::members::member::{Member, Wire};
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::merging::intake::{self, Subject};
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::limits::TOMBSTONE_LIFETIME;
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::extension::Kind;
use crate::protocol::wire::message::{Lists, Refusal, Reply};

/// Time from a stranger's first 401 until it becomes an outsider. Long enough for a request with
/// the right secret during a rollout of a new one.
pub(in crate::protocol) const LEFT_OUT_AFTER: Duration = Duration::from_secs(18);
/// Outsiders remembered. The oldest is evicted, and becomes an outsider again after further claims
/// about it.
pub(in crate::protocol) const MAX_OUTSIDERS: usize = 4_096;
/// Pause before an outsider that peers claim to be online is asked again whether it has the secret.
const OUTSIDER_RETRY: Duration = Duration::from_secs(30);
/// Pause before an outsider that nobody mentions is asked for the first time. It doubles with each
/// request; each pause is shortened at random by up to a half.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// Longest such pause, unless the cluster is so large that all servers together would ask an
/// outsider more often than once per `OUTSIDER_INTERVAL`.
pub(in crate::protocol) const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);
/// Pause between two requests to any outsiders.
const OUTSIDER_INTERVAL: Duration = Duration::from_secs(1);

/// The servers that are left out.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Outsiders {
    by_identity: IndexMap<Arc<str>, Outsider, FixedState>,
    next_slot: Tick,
    /// Why others are left out, according to warnings in the log.
    logged: Vec<LeftOut>,
}

/// One such server.
#[derive(Debug)]
struct Outsider {
    /// Its state when it was left out, which it regains if it becomes a member.
    member: Member,
    reason: LeftOut,
    asked_at: Tick,
    /// When it is asked although nobody mentions it.
    due_at: Tick,
    /// The pause that follows the next request.
    pause: Duration,
    /// When it has last answered or was last claimed to be online.
    heard_at: Tick,
}

/// Why a server is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum LeftOut {
    /// It rejects this server's secret.
    OtherSecret,
    /// This server may not contact it.
    NotAllowed,
    /// It has not proved the secret, and is not sent the raw one.
    Unproved,
}

impl LeftOut {
    /// The warning about the first such server. The log names each one that may not be contacted
    /// as a failure.
    fn warning(self, shown: &str) -> Option<String> {
        match self {
            Self::OtherSecret => Some(format!(
                "Clustershazbot shares its master list with servers that reject its SHAZBOT_SECRET, such as {shown}: they are not shown"
            )),
            Self::NotAllowed => None,
            Self::Unproved => Some(format!(
                "Clustershazbot leaves out servers that do not prove SHAZBOT_SECRET, such as {shown}: SHAZBOT_LEGACY=off excludes those of version 1"
            )),
        }
    }
}

/// How a message of an outsider has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Direction {
    Request,
    Answer,
}

impl Outsiders {
    pub(in crate::protocol) fn has(&self, identity: &str) -> bool {
        !self.by_identity.is_empty() && self.by_identity.contains_key(identity)
    }

    pub(in crate::protocol) fn len(&self) -> usize {
        self.by_identity.len()
    }

    fn insert(&mut self, identity: &Arc<str>, outsider: Outsider) {
        if self.by_identity.len() >= MAX_OUTSIDERS {
            self.by_identity.shift_remove_index(0);
        }
        self.by_identity.insert(Arc::clone(identity), outsider);
    }
}

impl Outsiders {
    /// Makes a member an outsider.
    pub(in crate::protocol) fn leave_out(
        &mut self,
        members: &mut Members,
        cx: &mut Context,
        peer: &Arc<str>,
        reason: LeftOut,
        now: Now,
    ) {
        let shown = members.roster.spelling(peer);
        cx.effects.push(Effect::ExcuseProbe(Arc::clone(peer)));
        members.roster.set_cause(match reason {
            LeftOut::OtherSecret => Cause::Rejected,
            LeftOut::NotAllowed => Cause::NotAllowed,
            LeftOut::Unproved => Cause::Unproved,
        });
        let Some(mut member) = members.roster.remove(peer, now) else { return };
        cx.effects.push(Effect::Forget(Arc::clone(peer)));
        member.close_check();
        member.clear_tombstone();
        let (asked_at, heard_at) = (now.tick, now.tick);
        let due_at = now.tick + shortened(cx, FIRST_PAUSE);
        let pause = FIRST_PAUSE;
        self.insert(peer, Outsider { member, reason, asked_at, due_at, pause, heard_at });
        cx.timers.set_earlier(Timer::Outsiders, due_at);
        self.warn_of(cx, reason, &shown);
    }

    /// Warns of the first server that is not shown for this reason.
    pub(in crate::protocol) fn warn_of(&mut self, cx: &mut Context, reason: LeftOut, shown: &str) {
        if !self.logged.contains(&reason) {
            self.logged.push(reason);
            if let Some(warning) = reason.warning(shown) {
                cx.warn(&warning);
            }
        }
    }

    /// Requests a try of an outsider that a peer claims to be online, unless it or another one was
    /// tried recently.
    pub(in crate::protocol) fn try_later(&mut self, cx: &mut Context, url: &BaseUrl, now: Now) {
        self.record_sign_of_life(url.identity(), now.tick);
        if cx.is_running() && self.may_ask(url.identity(), now.tick) {
            cx.effects.push(Effect::TryOutsider(Box::new(url.clone())));
        }
    }

    /// Records a try of an outsider. Returns false if it or another one was tried recently.
    pub(in crate::protocol) fn try_claim_slot(
        &mut self,
        members: &Members,
        cx: &mut Context,
        identity: &str,
        now: Tick,
    ) -> bool {
        if !self.may_ask(identity, now) {
            return false;
        }
        if let Some(outsider) = self.by_identity.get_mut(identity) {
            let servers = u32::try_from(members.online_count()).unwrap_or(u32::MAX);
            let longest = LONGEST_PAUSE.max(OUTSIDER_INTERVAL.saturating_mul(servers));
            outsider.asked_at = now;
            outsider.pause = longest.min(outsider.pause * 2);
            outsider.due_at = now + shortened(cx, outsider.pause);
        }
        self.next_slot = now + OUTSIDER_INTERVAL;
        true
    }

    /// Returns an outsider that is due although nobody mentions it. Forgets it instead if it is
    /// probably gone.
    pub(in crate::protocol) fn take_due(&mut self, now: Tick) -> Option<BaseUrl> {
        let due = self.by_identity.iter().min_by_key(|(_, outsider)| outsider.due_at)?;
        let (identity, outsider) = (due.0, due.1);
        if outsider.due_at > now {
            return None;
        }
        if now.since(outsider.heard_at) < TOMBSTONE_LIFETIME {
            return BaseUrl::parse_shared(&outsider.member.base_url(Arc::clone(identity))).ok();
        }
        let identity = Arc::clone(identity);
        self.by_identity.swap_remove(&identity);
        None
    }

    /// Schedules the next request to an outsider that nobody mentions.
    pub(in crate::protocol) fn schedule(&self, cx: &mut Context, now: Tick) {
        if let Some(due_at) = self.by_identity.values().map(|outsider| outsider.due_at).min() {
            cx.timers.set(Timer::Outsiders, due_at.max(now + OUTSIDER_INTERVAL));
        }
    }

    /// Records that an outsider has answered, or that somebody claims it to be online.
    pub(in crate::protocol) fn record_sign_of_life(&mut self, identity: &str, now: Tick) {
        if let Some(outsider) = self.by_identity.get_mut(identity) {
            outsider.heard_at = now;
        }
    }

    fn may_ask(&self, identity: &str, now: Tick) -> bool {
        let is_rested = |outsider: &Outsider| now.since(outsider.asked_at) >= OUTSIDER_RETRY;
        now >= self.next_slot && self.by_identity.get(identity).is_some_and(is_rested)
    }

    /// Makes an outsider a member again: it has sent a request with this server's secret, or
    /// answered gossip.
    pub(in crate::protocol) fn admit(&mut self, members: &mut Members, identity: &str, now: Now) {
        if members.roster.is_full() {
            return;
        }
        if let Some((identity, outsider)) = self.by_identity.swap_remove_entry(identity) {
            let mut member = outsider.member;
            member.backdate(Duration::ZERO, now);
            members.roster.set_cause(Cause::SelfReported);
            members.roster.insert(identity, member, now);
        }
    }

    /// Makes the sender of a native message a member again, if it is an outsider.
    ///
    /// A request does not show that this server may contact its sender.
    pub(in crate::protocol) fn admit_sender(
        &mut self,
        members: &mut Members,
        cx: &Context,
        base_url: &Arc<str>,
        direction: Direction,
        now: Now,
    ) {
        let is_barred = |identity: &str| {
            let reason = self.by_identity.get(identity).map(|outsider| outsider.reason);
            direction == Direction::Request && reason == Some(LeftOut::NotAllowed)
        };
        if !self.by_identity.is_empty()
            && let Ok(Subject::New(url)) = intake::identify_shared(members, cx, base_url)
            && !is_barred(url.identity())
        {
            self.admit(members, url.identity(), now);
        }
    }
}

/// Shortens a pause at random, so that servers do not synchronise.
fn shortened(cx: &mut Context, pause: Duration) -> Duration {
    pause.mul_f64(cx.rng.random_range(0.5..1.0))
}

/// Whether to try gossip with a stranger that rejects requests for its list: it may still have this
/// server's secret.
pub(in crate::protocol) fn is_worth_a_trial(members: &Members, peer: &str, reply: &Reply<'_>) -> bool {
    let is_untried =
        |member: &Member| member.is_online() && !member.has_exchanged() && member.rejected_at().is_none();
    *reply == Reply::Refusal(Refusal::Unauthorized) && members.roster.get(peer).is_some_and(is_untried)
}

/// Whether to detect by gossip the wire of a server whose list has shown that it is not drained.
pub(in crate::protocol) fn is_worth_an_offer(members: &Members, cx: &Context, peer: &str) -> bool {
    let is_open = |member: &Member| member.wire() == Wire::Unknown && member.rejected_at().is_none();
    cx.is_native() && members.roster.get(peer).is_some_and(is_open)
}

/// Sends gossip to a server that is not a member.
pub(in crate::protocol) fn try_by_gossip(
    members: &mut Members,
    exchanges: &mut Exchanges,
    cx: &mut Context,
    url: &BaseUrl,
    now: Now,
) -> ExchangeId {
    members.local.refresh(now);
    let id = exchanges.in_flight.begin(Arc::clone(url.identity()), Purpose::Trial, now.tick);
    // It is sent no other entries before it has proved that it belongs to this cluster.
    let mut lists = Lists::default();
    let own_list = if members.local.is_online() { &mut lists.online } else { &mut lists.offline };
    own_list.push(members.local.entry());
    let lists = Arc::new(lists);
    let extension = cx.is_native().then(|| Arc::new(exchanges.extension(members, Kind::Push, Vec::new())));
    let base_url = Arc::clone(url.spelling());
    let timeout = PEER_TIMEOUT;
    cx.transmits.push_back(Transmit::Gossip { id, base_url, lists, extension, timeout });
    id
}
