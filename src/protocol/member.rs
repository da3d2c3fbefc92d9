//! What is known of one other server.

use std::sync::Arc;
use std::time::Duration;

use super::case::Case;
use super::flights::ExchangeId;
use super::message::Entry;
use super::suspicion::Suspicion;
use super::time::{Incarnation, Now, Stamp, Tick};

/// For so long hearsay does not overturn what this server found out itself.
pub(super) const FIRST_HAND_HOLDS: Duration = Duration::from_secs(60);

/// Where a server stands; of two claims of one incarnation the later in this order counts. Suspects are shown online, dead and
/// left ones are tombstones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Believed to be running.
    Online,
    /// Did not answer, and is given time to speak up.
    Suspect,
    /// Declared dead, by this server or by hearsay: tried again now and then, for a partition may heal.
    Dead,
    /// Said itself that it is offline: not disturbed.
    Left,
}

impl Status {
    /// As it stands in a claim.
    pub fn name(self) -> &'static str {
        match self {
            Self::Online => "alive",
            Self::Suspect => "suspect",
            Self::Dead => "dead",
            Self::Left => "left",
        }
    }

    /// The status of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Online, Self::Suspect, Self::Dead, Self::Left].into_iter().find(|status| status.name() == name)
    }

    /// Whether it is shown online.
    pub fn is_online(self) -> bool {
        matches!(self, Self::Online | Self::Suspect)
    }
}

/// What this server found out itself about another, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) alive: bool,
    pub(super) at: Tick,
}

/// What language a server was last found to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    /// No exchange has told yet.
    Unknown,
    /// It has spoken the native extension.
    Native,
    /// It has passed over the native extension, which is offered to it again from then on.
    Legacy { until: Tick },
}

/// What is known of one other server.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// As the server itself spells its URL, before it has spoken as first heard.
    pub(super) spelling: Arc<str>,
    /// Changed through the roster alone, which counts.
    pub(super) status: Status,
    pub(super) monitor: bool,
    /// The version among native servers; none for a legacy peer. Changed through the roster alone.
    pub(super) incarnation: Incarnation,
    /// What language it was last found to speak.
    pub(super) wire: Wire,
    /// Set while it is a suspect.
    pub(super) suspicion: Option<Box<Suspicion>>,
    /// The version of what is shown.
    pub(super) stamp: Stamp,
    /// The highest stamp ever seen in any claim; never falls, even where the rest of a claim is ignored.
    pub(super) highest_seen: Stamp,
    pub(super) verdict: Option<Verdict>,
    /// Whether it has answered since it came online here.
    pub(super) has_answered: bool,
    /// When the last newer claim came, or it became known.
    pub(super) refreshed_at: Tick,
    /// The last request that was out when hearsay last contradicted its status: what was asked until then may have been
    /// answered before that news came to be, and does not settle it.
    pub(super) disputed_after: ExchangeId,
    /// When its status changed here.
    pub(super) changed_at: Tick,
    /// How often its pages were halved because it found them too large.
    pub(super) page_halvings: u8,
    /// The open question about it, if any.
    pub(super) case: Option<Box<Case>>,
}

impl Member {
    pub(super) fn new(spelling: Arc<str>, status: Status, monitor: bool, stamp: Stamp, now: Now) -> Self {
        Self {
            spelling,
            status,
            monitor,
            incarnation: Incarnation::NONE,
            wire: Wire::Unknown,
            suspicion: None,
            stamp,
            highest_seen: stamp,
            verdict: None,
            has_answered: false,
            refreshed_at: now.tick,
            disputed_after: ExchangeId::default(),
            changed_at: now.tick,
            page_halvings: 0,
            case: None,
        }
    }

    pub(super) fn entry(&self) -> Entry {
        Entry { base_url: Arc::clone(&self.spelling), monitor: self.monitor, last_update: self.stamp }
    }

    /// Whether it has ever been known as a native server, by its own word or another's.
    pub(super) fn is_native(&self) -> bool {
        self.incarnation != Incarnation::NONE
    }

    /// Whether it has passed over the native extension so lately that it is not offered it.
    pub(super) fn passes_over(&self, now: Tick) -> bool {
        matches!(self.wire, Wire::Legacy { until } if now < until)
    }

    /// Whether it is met as a legacy peer: it never spoke the native extension, or did not understand it lately.
    pub(super) fn is_met_as_legacy(&self, now: Tick) -> bool {
        match self.wire {
            Wire::Native => false,
            Wire::Unknown => !self.is_native(),
            Wire::Legacy { .. } => self.passes_over(now) || !self.is_native(),
        }
    }

    pub(super) fn is_online(&self) -> bool {
        self.status.is_online()
    }

    /// Whether this server itself found the member alive (or not) so recently that hearsay must be verified first.
    pub(super) fn is_first_hand(&self, alive: bool, now: Now) -> bool {
        self.verdict
            .is_some_and(|verdict| verdict.alive == alive && now.tick.since(verdict.at) < FIRST_HAND_HOLDS)
    }

    /// Whether it is said to be back, which is still to be verified.
    pub(super) fn has_comeback(&self) -> bool {
        self.case.as_ref().is_some_and(|case| case.comeback.is_some())
    }

    /// This server itself has found it alive, or not.
    pub(super) fn find(&mut self, alive: bool, now: Now) {
        self.verdict = Some(Verdict { alive, at: now.tick });
    }

    /// Shows it with another stamp.
    pub(super) fn restamp(&mut self, stamp: Stamp) {
        self.stamp = stamp;
        self.saw(stamp);
    }

    /// Takes over the stamp of news.
    pub(super) fn renew(&mut self, stamp: Stamp, now: Now) {
        self.restamp(stamp);
        self.refreshed_at = now.tick;
    }

    pub(super) fn saw(&mut self, stamp: Stamp) {
        self.highest_seen = self.highest_seen.max(stamp);
    }

    /// A stamp for a tombstone, which beats every claim seen, even one of a fast clock.
    pub(super) fn tombstone_stamp(&self, now: Now) -> Stamp {
        now.wall.max(self.highest_seen.next())
    }
}
