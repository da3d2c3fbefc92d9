//! Effects: what a rule wants of a component other than its own.
//!
//! A rule pushes effects in order. Only the machine carries them out, after the rule has returned.

use std::sync::Arc;

use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::ids::{ExchangeId, Origin};
use crate::protocol::types::time::{Stamp, Tick};
use crate::protocol::wire::extension::Finding;

/// Effects of one rule, at most: the machine carries them out after each subject.
pub(in crate::protocol) const MAX_EFFECTS: usize = 64;

/// Why a member is to be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum CheckReason {
    /// Hearsay was taken for true, or an old claim contradicts a tombstone.
    Hearsay,
    /// Only its own list settles a question: such members are asked before those of mere hearsay.
    NeedsList,
    /// Hearsay says with this stamp that a member is offline which this server found alive.
    Accusation(Stamp),
    /// Hearsay says that a member is online which this server found dead.
    Comeback(Comeback),
}

/// An online claim that waits for its verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) struct Comeback {
    pub(in crate::protocol) stamp: Stamp,
    pub(in crate::protocol) monitor: bool,
}

/// What a rule wants of another component. Servers are named by their identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::protocol) enum Effect {
    /// A start waits for the answer to this request.
    AwaitAnswer(ExchangeId),
    /// Native servers hear of this server as a rumour.
    Spread(Arc<str>),
    /// This server has outdone a claim about itself: the others hear of it.
    AnnounceRefutation,
    /// Another process speaks for the URL of this server.
    MeetSibling,
    /// A few random servers, of the legacy peers if this server is native, are sent the news.
    PushToFew,
    /// Many random servers and the monitors are sent the news.
    PushToMany,
    /// This peer is sent the news at once, or when it is no longer busy.
    PushTo(Arc<str>),
    /// A server has died or left: legacy peers hear of it soon.
    SendDeathNotices,
    /// A peer has not heard of a death or leave: legacy peers hear of it sooner.
    HastenDeathNotices,
    /// A tombstone with this stamp is to be dropped in time.
    ScheduleDrop(Stamp),
    /// This server was found absent: its list is requested now and then.
    WatchAbsence(Arc<str>),
    /// The answer of this server was requested before the latest claim came: it is asked again.
    CheckAgain(Arc<str>),
    /// This member did not answer and is not shown any longer. It may be buried if another server has answered since then.
    Hide(Arc<str>, Tick),
    /// This server is no member any longer.
    Forget(Arc<str>),
    /// This server is not hidden any longer.
    ForgetHidden(Arc<str>),
    /// The missing answer to a native probe of this server does not count.
    ExcuseProbe(Arc<str>),
    /// Whoever asked this server to probe that one is told what was found.
    ReportFinding(Arc<str>, Finding),
    /// This member is checked.
    Check(Arc<str>, CheckReason),
    /// The master list alone names this new member: it is asked at the pace of listings.
    AskListing(Arc<str>),
    /// This outsider is said to be online: it is asked whether it has this server's secret by now.
    TryOutsider(BaseUrl),
    /// This native server is probed out of turn.
    ProbeSoon(Arc<str>),
    /// This server is said to be online though it is held for dead: it hears of its death.
    DisputeDeath(Arc<str>),
    /// Nobody here has met this native server.
    GatherStranger(Arc<str>, Origin),
    /// This native server has spoken since it came online.
    RecordWord(Arc<str>),
    /// A suspicion of this server has begun, or has become shorter.
    ScheduleSuspicion(Arc<str>),
}

/// Effects that wait to be carried out, in order.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Effects(Vec<Effect>);

impl Effects {
    pub(in crate::protocol) fn push(&mut self, effect: Effect) {
        self.0.push(effect);
        debug_assert!(self.0.len() <= MAX_EFFECTS, "{:?}", self.0);
    }

    /// Takes out all of them, in order.
    pub(in crate::protocol) fn take(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.0)
    }

    /// Takes back the room of effects that have been carried out, so that the next ones allocate none.
    pub(in crate::protocol) fn reuse(&mut self, room: Vec<Effect>) {
        if self.0.capacity() == 0 && room.is_empty() {
            self.0 = room;
        }
    }

    pub(in crate::protocol) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::protocol) fn len(&self) -> usize {
        self.0.len()
    }
}
