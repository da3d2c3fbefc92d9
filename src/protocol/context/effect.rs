//! Effects: requests of a rule to components other than its own.
//!
//! A rule pushes effects in order. Only the machine carries them out, after the rule has returned.

use std::sync::Arc;

use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::ids::{ExchangeId, NameKey, Origin};
use crate::protocol::types::time::{Stamp, Tick};
use crate::protocol::wire::extension::Finding;

/// Effects of one rule. The machine carries them out after each subject, so more would be a bug.
pub(in crate::protocol) const MAX_EFFECTS: usize = 64;

/// Why a member is to be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum CheckReason {
    /// Hearsay was accepted, or an old claim contradicts a tombstone.
    Hearsay,
    /// Only its own list decides. Such members are asked before those known by mere hearsay.
    NeedsList,
    /// Hearsay with this stamp says that the member is offline, but this server found it alive.
    Accusation(Stamp),
    /// Hearsay says that the member is online, but this server found it dead.
    Comeback(Comeback),
}

/// An online claim to be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) struct Comeback {
    pub(in crate::protocol) stamp: Stamp,
    pub(in crate::protocol) monitor: bool,
}

/// A request to another component. Servers are named by their identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::protocol) enum Effect {
    /// Let the start wait for the answer to this request.
    AwaitAnswer(ExchangeId),
    /// Spread the claim about this server as a rumour.
    Spread(NameKey),
    /// Spread that this server has refuted a claim about itself.
    AnnounceRefutation,
    /// Record a sibling: another process behind the URL of this server.
    RecordSibling,
    /// Push the news to a few random servers; only to legacy peers if this server is native.
    PushToFew,
    /// Push the news to many random servers and the monitors.
    PushToMany,
    /// Push the news to this peer, at once or when it is no longer busy.
    PushTo(Arc<str>),
    /// Send death notices to legacy peers soon, because a server has died or left.
    SendDeathNotices,
    /// Send death notices sooner, because a peer does not know of a death or leave.
    HastenDeathNotices,
    /// Schedule the end of a tombstone with this stamp.
    ScheduleDrop(Stamp),
    /// Request the list of this absent server now and then.
    WatchAbsence(Arc<str>),
    /// Ask this server again, because its answer was requested before the latest claim came.
    CheckAgain(Arc<str>),
    /// Hide this member, which did not answer. It may be buried if another server has answered
    /// since then.
    Hide(Arc<str>, Tick),
    /// Drop the state about this server, which is no longer a member.
    Forget(Arc<str>),
    /// Drop the state about this server, which is no longer hidden.
    ForgetHidden(Arc<str>),
    /// Ignore the missing answer to a native probe of this server.
    ExcuseProbe(Arc<str>),
    /// Report this finding to the servers that requested a probe of this peer.
    ReportFinding(Arc<str>, Finding),
    /// Check this member.
    Check(Arc<str>, CheckReason),
    /// Ask this new member, which only the master list names, at the pace of listings.
    AskListing(Arc<str>),
    /// Ask this outsider, which is claimed online, whether it has this server's secret by now.
    TryOutsider(Box<BaseUrl>),
    /// Probe this native server out of turn.
    ProbeSoon(Arc<str>),
    /// Tell this server that it is held as dead, because a peer claims that it is online.
    DisputeDeath(Arc<str>),
    /// Add this native server to the strangers, because only hearsay names it.
    GatherStranger(Arc<str>, Origin),
    /// Record that this native server has spoken since it came online.
    RecordMessage(Arc<str>),
    /// Schedule the end of a suspicion of this server, which has begun or become shorter.
    ScheduleSuspicion(Arc<str>),
}

/// Pending effects, in order.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Effects(Vec<Effect>);

impl Effects {
    #[inline]
    pub(in crate::protocol) fn push(&mut self, effect: Effect) {
        self.0.push(effect);
        debug_assert!(self.0.len() <= MAX_EFFECTS, "{:?}", self.0);
    }

    /// Removes and returns the effect, if there is only one.
    #[inline]
    pub(in crate::protocol) fn take_only(&mut self) -> Option<Effect> {
        if self.0.len() == 1 { self.0.pop() } else { None }
    }

    /// Removes and returns all effects, in order.
    pub(in crate::protocol) fn take(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.0)
    }

    /// Reuses the buffer of effects that have been carried out, to save allocations.
    pub(in crate::protocol) fn reuse(&mut self, room: Vec<Effect>) {
        if self.0.capacity() == 0 && room.is_empty() {
            self.0 = room;
        }
    }

    #[inline]
    pub(in crate::protocol) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::protocol) fn len(&self) -> usize {
        self.0.len()
    }
}
