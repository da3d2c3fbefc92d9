//! Rule R1: how many new names others may bring in.
//!
//! Without a limit, a holder of the secret or a repeated message could fill the roster within
//! seconds. Surplus names are ignored: a round, a sync or the master list brings them later.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use crate::protocol::context::Context;
use crate::protocol::context::rate_limit::TokenBucket;
use crate::protocol::context::refused::Refused;
use crate::protocol::members::Members;
use crate::protocol::merging::intake::{self, Subject};
use crate::protocol::types::limits::MAX_MEMBERS;
use crate::protocol::types::time::{Now, Tick};

/// New names from one sender in a burst: a cluster of 10,000 servers may be replaced at once.
pub(in crate::protocol) const MAX_NAMES: u64 = 10_000;
/// Time until one more is accepted, in milliseconds: `MAX_NAMES` per minute.
const NAME_PERIOD_MS: u64 = 6;
/// New names from all senders together in a burst. Fabricated senders do not help: filling the
/// roster takes minutes.
pub(in crate::protocol) const MAX_ALL_NAMES: u64 = 30_000;
/// Time until one more is accepted, in milliseconds: `MAX_ALL_NAMES` per minute.
const ALL_NAMES_PERIOD_MS: u64 = 2;
/// Senders with a bucket of their own; the others share one. A bucket in use is never dropped.
pub(in crate::protocol) const MAX_SENDERS: usize = 1_024;
/// Time after the start in which answers and plain requests may bring any number of names. A joiner
/// knows nobody yet, and legacy peers send it whole lists.
pub(in crate::protocol) const JOINING: Duration = Duration::from_secs(60);
/// Minimum time between two warnings about surplus names.
const SURPLUS_PAUSE: Duration = Duration::from_secs(60);
/// Minimum time between two warnings about a full roster, which may stay full for long.
const FULL_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Who names the servers of the current message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::protocol) enum Sender {
    /// The master list, or the creator of this server: not limited.
    #[default]
    Trusted,
    /// A plain request, which does not say who sends it.
    Unnamed,
    /// The sender of a native request, about itself. The names in its message must not keep it out.
    Itself,
    /// A native request that says it comes from this base URL, which is not looked up yet.
    Claimed(Arc<str>),
    /// A native request of a server that has not answered this one.
    Unmet,
    /// A native request of a server that has answered this one.
    Met(Arc<str>),
    /// The answer of this server.
    Asked(Arc<str>),
}

type Bucket = TokenBucket<MAX_NAMES, NAME_PERIOD_MS>;

/// Limits the new names of the messages that are merged.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Newcomers {
    sender: Sender,
    by_sender: IndexMap<Arc<str>, Bucket, FixedState>,
    /// Shared by all senders without a bucket of their own.
    shared: Bucket,
    all: TokenBucket<MAX_ALL_NAMES, ALL_NAMES_PERIOD_MS>,
    /// When this server has joined; `None` while it starts.
    joined_at: Option<Tick>,
    surplus_logged_at: Option<Tick>,
    full_logged_at: Option<Tick>,
}

impl Newcomers {
    /// Sets the sender of the names that follow.
    pub(in crate::protocol) fn set_sender(&mut self, sender: Sender) {
        self.sender = sender;
    }

    /// Records the end of the start.
    pub(in crate::protocol) fn record_start(&mut self, now: Tick) {
        self.joined_at = Some(now + JOINING);
    }

    /// The number of senders with a bucket of their own.
    pub(in crate::protocol) fn len(&self) -> usize {
        self.by_sender.len()
    }

    /// Returns whether a new name may become a member, and counts it. Logs why if it may not.
    pub(in crate::protocol) fn admit(&mut self, members: &Members, cx: &mut Context, now: Now) -> bool {
        if members.roster.is_full() {
            cx.refused.count(Refused::Full, 1);
            self.warn_of_full_roster(cx, members.roster.capacity(), now.tick);
            return false;
        }
        if matches!(self.sender, Sender::Claimed(_)) {
            self.look_up_sender(members, cx);
        }
        let is_admitted = !self.is_limited(now.tick) || self.take(now.tick);
        if !is_admitted {
            cx.refused.count(Refused::Surplus, 1);
            self.warn_of_surplus(cx, now.tick);
        }
        is_admitted
    }

    /// A sender may claim any base URL. Only one that has answered at its URL is told apart from
    /// others, so that fabricated senders share one bucket.
    fn look_up_sender(&mut self, members: &Members, cx: &Context) {
        let Sender::Claimed(base_url) = &self.sender else { return };
        self.sender = match intake::identify_shared(members, cx, base_url) {
            Ok(Subject::Known(known))
                if members.roster.at(known.slot()).is_some_and(|(_, member)| member.has_answered()) =>
            {
                Sender::Met(known.into_identity())
            }
            _ => Sender::Unmet,
        };
    }

    fn is_limited(&self, now: Tick) -> bool {
        match self.sender {
            Sender::Trusted => false,
            Sender::Unnamed | Sender::Asked(_) => self.joined_at.is_some_and(|joined| now >= joined),
            Sender::Itself | Sender::Claimed(_) | Sender::Unmet | Sender::Met(_) => true,
        }
    }

    fn take(&mut self, now: Tick) -> bool {
        let bucket = match &self.sender {
            Sender::Itself => return self.all.take(1, now) > 0,
            Sender::Met(identity) | Sender::Asked(identity) => {
                bucket_of(&mut self.by_sender, identity, now).unwrap_or(&mut self.shared)
            }
            _ => &mut self.shared,
        };
        bucket.take(1, now) > 0 && self.all.take(1, now) > 0
    }

    fn warn_of_surplus(&mut self, cx: &mut Context, now: Tick) {
        if is_due(&mut self.surplus_logged_at, SURPLUS_PAUSE, now) {
            let sender = match &self.sender {
                Sender::Met(identity) | Sender::Asked(identity) => identity,
                _ => "senders that it does not know",
            };
            cx.warn(&format!(
                "Clustershazbot ignores new servers beyond {MAX_NAMES} a minute from one sender and {MAX_ALL_NAMES} from all: the latest come from {sender}"
            ));
        }
    }

    fn warn_of_full_roster(&mut self, cx: &mut Context, capacity: usize, now: Tick) {
        if is_due(&mut self.full_logged_at, FULL_PAUSE, now) {
            cx.warn(&format!(
                "Clustershazbot ignores new servers, as it knows {capacity}, offline ones included: if there are more, raise SHAZBOT_MAX_SERVERS (at most {MAX_MEMBERS})"
            ));
        }
    }
}

/// Returns the bucket of a sender; `None` if too many others are in use.
fn bucket_of<'a>(
    buckets: &'a mut IndexMap<Arc<str>, Bucket, FixedState>,
    sender: &Arc<str>,
    now: Tick,
) -> Option<&'a mut Bucket> {
    if buckets.len() >= MAX_SENDERS && !buckets.contains_key(sender) {
        buckets.retain(|_, bucket| !bucket.is_full(now));
    }
    let has_room = buckets.len() < MAX_SENDERS || buckets.contains_key(sender);
    has_room.then(|| buckets.entry(Arc::clone(sender)).or_default())
}

/// Returns whether the last warning is old enough, and records this one.
fn is_due(logged_at: &mut Option<Tick>, pause: Duration, now: Tick) -> bool {
    let is_due = logged_at.is_none_or(|logged_at| now.since(logged_at) >= pause);
    if is_due {
        *logged_at = Some(now);
    }
    is_due
}
