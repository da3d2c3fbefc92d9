//! Writing the master list: conditions, and what a store may answer instead of a yes.
//!
//! Each try begins with a download, so that it writes what others wrote meanwhile, under the tag of this moment.

use std::time::Duration;

use rand::RngExt;

use crate::protocol::context::output::Transmit;
use crate::protocol::context::timers::Timer;
use crate::protocol::lifecycle::phase::Phase;
use crate::protocol::lifecycle::revision;
use crate::protocol::machine::Machine;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::document::{self, Condition, Document, Upload};

/// The pause before a second try; doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause between two tries, as for downloads.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Tries of one upload whose condition the store does not accept; then the next announcement.
const MAX_REJECTED: u32 = 3;
/// How long a last upload and its download are tried again. The last try may take as long again before a leave gives up.
const LAST_UPLOAD_RETRIED: Duration = Duration::from_secs(5);
/// How long before that the last of these tries begins.
const SHORTEST_RESPITE: Duration = Duration::from_millis(50);
/// How long a store that knows no conditions is written without one: it may have been one of several servers.
const WITHOUT_CONDITIONS: Duration = Duration::from_secs(60 * 60);
/// The longest `Retry-After` of a store that is honoured: nobody is left alone for ever.
const LONGEST_REST: Duration = Duration::from_secs(60 * 60);

/// What has come so far of the upload that is wanted.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Tries {
    /// Failed tries, each followed by a longer pause.
    failed: u32,
    /// Those among them whose condition was not accepted.
    rejected: u32,
    /// The condition of the try under way.
    condition: Condition,
    /// The hash of the content that the try under way was to replace.
    content: u64,
    /// The tag that was answered with 412, and the hash of the content that came with it.
    stale: Option<(String, u64)>,
    /// The status with which the store answered a condition as such.
    refusal: Option<u16>,
    /// The store has refused conditions twice in the same way.
    goes_without: bool,
    /// When a last upload is given up.
    ends: Option<Tick>,
}

/// What follows from an answer that is no yes.
enum Next {
    /// The store may accept the same again.
    Retry(Option<Duration>),
    /// The condition did not hold, or was refused as such.
    Rejected,
    /// Nothing can be done about it now.
    GiveUp,
}

impl Machine {
    pub(in crate::protocol) fn begin_last_upload(&mut self, now: Now) {
        self.lifecycle.master_list.wants_upload = true;
        self.lifecycle.master_list.tries =
            Tries { ends: Some(now.tick + LAST_UPLOAD_RETRIED), ..Tries::default() };
        self.download_master_list();
    }

    pub(in crate::protocol) fn upload(&mut self, document: &Document, now: Now) {
        let Some(entries) = revision::revise(&self.members, &self.cx, document, now) else {
            return self.end_upload(now);
        };
        let condition = self.condition(document, now.tick);
        let id = self.exchanges.in_flight.next_id();
        self.lifecycle.master_list.current = Some(id);
        self.lifecycle.master_list.tries.condition = condition.clone();
        self.lifecycle.master_list.tries.content = document.content_hash();
        self.cx.transmits.push_back(Transmit::UploadMasterList { id, entries, condition });
    }

    fn condition(&mut self, document: &Document, now: Tick) -> Condition {
        let list = &self.lifecycle.master_list;
        let is_without = list.without_conditions_until.is_some_and(|until| now < until);
        if is_without || !list.has_conditions || list.tries.goes_without || document.is_elsewhere {
            return Condition::None;
        }
        match &document.etag {
            Some(etag) if list.tries.shows_useless_tags(etag, document) => {
                self.warn_of_useless_tags();
                Condition::None
            }
            Some(etag) => Condition::Unchanged(etag.clone()),
            // A store that answers 204 for an empty list refuses to create it: the second try goes without.
            None if document.is_missing || (document.is_absent && list.tries.rejected == 0) => {
                Condition::Absent
            }
            None => Condition::None,
        }
    }

    fn warn_of_useless_tags(&mut self) {
        if !std::mem::replace(&mut self.lifecycle.master_list.has_warned_of_tags, true) {
            let place = document::without_secrets(&self.cx.config.master_list.url);
            self.cx.warn(&format!(
                "Clustershazbot: the ETag of the master list at {place} is not the one that its uploads are compared with, \
                 so they go without a condition, and two servers that write at once may lose an entry until the next upload"
            ));
        }
    }

    /// The outcome of an upload.
    pub fn handle_upload(&mut self, now: Now, id: ExchangeId, upload: &Upload) {
        if self.lifecycle.master_list.current.take_if(|current| *current == id).is_none() {
            return;
        }
        let reason = match upload {
            Upload::Answer(200..=299, _) => {
                if self.lifecycle.master_list.tries.goes_without {
                    self.lifecycle.master_list.without_conditions_until = Some(now.tick + WITHOUT_CONDITIONS);
                }
                return self.end_upload(now);
            }
            Upload::Answer(status, _) => format!("answered {status}"),
            Upload::Failure(reason) => reason.clone(),
        };
        let next = self.lifecycle.master_list.tries.judge(upload);
        let is_again = match next {
            Next::Retry(at_least) => self.retry_upload(at_least, now.tick),
            Next::Rejected => self.retry_upload(None, now.tick),
            Next::GiveUp => false,
        };
        if !(is_again && matches!(next, Next::Rejected)) {
            let place = document::without_secrets(&self.cx.config.master_list.update_url);
            self.cx.log_own_failure(format!("Failed to upload master list to {place}:"), &reason, now.tick);
        }
        if !is_again {
            self.end_upload(now);
        }
    }

    /// Tries again after a pause, if there is time for that before the next announcement or the end of a leave.
    pub(in crate::protocol) fn retry_upload(&mut self, at_least: Option<Duration>, now: Tick) -> bool {
        let tries = &mut self.lifecycle.master_list.tries;
        let pause = FIRST_PAUSE.saturating_mul(1 << tries.failed.min(9)).min(LONGEST_PAUSE);
        tries.failed += 1;
        let at_least = at_least.unwrap_or_default().min(LONGEST_REST);
        let at = now + pause.mul_f64(self.cx.rng.random_range(1.0..1.5)).max(at_least);
        let ends = tries.ends.or(self.cx.timers.get(Timer::Announce));
        let last_chance = tries.ends.map(|ends| ends.since(now).saturating_sub(SHORTEST_RESPITE));
        let last_chance = last_chance.filter(|left| *left >= FIRST_PAUSE.max(at_least));
        if ends.is_none_or(|ends| at < ends) {
            self.cx.timers.set(Timer::Download, at);
            return true;
        }
        if let Some(left) = last_chance {
            self.cx.timers.set(Timer::Download, now + left);
            return true;
        }
        if self.lifecycle.phase == Phase::Running && !at_least.is_zero() {
            self.cx.timers.set(Timer::Announce, at);
        }
        false
    }

    fn end_upload(&mut self, now: Now) {
        self.lifecycle.master_list.wants_upload = false;
        self.lifecycle.master_list.tries = Tries::default();
        if self.lifecycle.phase == Phase::LastUpload {
            self.end_farewell_stage(now);
        }
    }
}

impl Tries {
    fn judge(&mut self, upload: &Upload) -> Next {
        let (status, retry_after) = match upload {
            Upload::Answer(status, retry_after) => (*status, *retry_after),
            Upload::Failure(_) => return Next::Retry(None),
        };
        match (status, &self.condition) {
            // The list has been removed: the next try creates it.
            (404, Condition::Unchanged(_)) | (409 | 429 | 500 | 502..=504, _) => Next::Retry(retry_after),
            (_, Condition::None) => Next::GiveUp,
            (412, condition) => {
                if let Condition::Unchanged(tag) = condition {
                    self.stale = Some((tag.clone(), self.content));
                }
                self.reject()
            }
            // Also what a store answers in passing, so the same condition is tried once more before it goes without.
            (400 | 405 | 501, _) if self.refusal == Some(status) => {
                self.goes_without = true;
                Next::Rejected
            }
            (400 | 405 | 501, _) => {
                self.refusal = Some(status);
                self.reject()
            }
            _ => Next::GiveUp,
        }
    }

    /// Whether the tag of a download after a 412 is the same, or another one of the same content: nobody wrote meanwhile.
    fn shows_useless_tags(&self, etag: &str, document: &Document) -> bool {
        let is_unchanged =
            |(tag, content): &(String, u64)| tag == etag || *content == document.content_hash();
        self.stale.as_ref().is_some_and(is_unchanged)
    }

    fn reject(&mut self) -> Next {
        self.rejected += 1;
        if self.rejected < MAX_REJECTED { Next::Rejected } else { Next::GiveUp }
    }
}
