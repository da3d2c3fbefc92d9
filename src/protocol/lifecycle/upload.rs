//! Uploads of the master list: their conditions, and the failures that a store may answer.
//!
//! Each try begins with a download, so it keeps the entries that others have written since, and
//! uses the latest tag.

use std::time::Duration;

use rand::RngExt;

use crate::protocol::context::Context;
use crate::protocol::context::output::Transmit;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::lifecycle::master_list::MasterList;
use crate::protocol::lifecycle::revision;
use crate::protocol::members::Members;
use crate::protocol::merging::clocks::Rejected;
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::document::{self, Condition, Document, Upload};

/// Pause before a second try. It doubles with each further one.
const MIN_UPLOAD_BACKOFF: Duration = Duration::from_millis(200);
/// Longest pause between two tries, as for downloads.
const MAX_UPLOAD_BACKOFF: Duration = Duration::from_secs(60);
/// Tries of one upload whose condition the store rejects. After these, the next announcement tries
/// again.
const MAX_REJECTED: u32 = 3;
/// Time for which a last upload and its download are retried. After that, a leave waits the same
/// time again for the last try.
const LAST_UPLOAD_RETRY_TIME: Duration = Duration::from_secs(5);
/// Minimum time from the start of the last of these tries to the end of the retries.
const LAST_RETRY_MARGIN: Duration = Duration::from_millis(50);
/// Time for which uploads omit the condition after the store has refused it. Not permanent, as one
/// of several servers of the store may have refused it.
const WITHOUT_CONDITIONS: Duration = Duration::from_secs(60 * 60);
/// Longest `Retry-After` of a store that is honoured. A limit, so that a faulty store cannot stop
/// the uploads.
const MAX_STORE_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// The state of the requested upload.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Tries {
    /// The number of failed tries. Each is followed by a longer pause.
    failed: u32,
    /// The number of failed tries whose condition was rejected.
    rejected: u32,
    /// The condition of the try in flight.
    condition: Condition,
    /// The tag to which the store answered 412.
    stale_tag: Option<String>,
    /// The status with which the store refused conditions as such.
    refusal: Option<u16>,
    /// Whether the store has refused conditions twice with the same status.
    goes_without: bool,
    /// The time at which a last upload is given up.
    ends: Option<Tick>,
}

/// The next step after a failed try.
enum Next {
    /// The store may accept the same again.
    Retry(Option<Duration>),
    /// The condition did not hold, or was refused as such.
    Rejected,
    /// No further try would help now.
    GiveUp,
}

impl MasterList {
    /// Begins the upload that removes this server from the list.
    pub(in crate::protocol) fn begin_last_upload(
        &mut self,
        exchanges: &mut Exchanges,
        rejected: &mut Rejected,
        cx: &mut Context,
        now: Now,
    ) {
        self.wants_upload = true;
        self.tries = Tries { ends: Some(now.tick + LAST_UPLOAD_RETRY_TIME), ..Tries::default() };
        self.download(exchanges, rejected, cx);
    }

    /// Uploads the revised list. Returns false if the downloaded one needs no upload.
    pub(in crate::protocol) fn upload(
        &mut self,
        members: &Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        document: &Document,
        now: Now,
    ) -> bool {
        let Some(entries) = revision::revise(members, cx, document, now) else {
            self.counts.uploaded_at = Some(now.wall);
            return false;
        };
        let condition = self.choose_condition(cx, document, now.tick);
        let id = exchanges.in_flight.next_id();
        self.current = Some(id);
        self.tries.condition = condition.clone();
        cx.transmits.push_back(Transmit::UploadMasterList { id, entries, condition });
        true
    }

    fn choose_condition(&mut self, cx: &mut Context, document: &Document, now: Tick) -> Condition {
        let is_without = self.without_conditions_until.is_some_and(|until| now < until);
        if is_without || !self.has_conditions || self.tries.goes_without || document.is_elsewhere {
            return Condition::None;
        }
        match &document.etag {
            Some(etag) if self.tries.stale_tag.as_ref() == Some(etag) => {
                self.warn_of_useless_tags(cx);
                Condition::None
            }
            Some(etag) => Condition::Unchanged(etag.clone()),
            // A store that answers 204 for an empty list refuses to create it, so the second try
            // has no condition.
            None if document.is_missing || (document.is_absent && self.tries.rejected == 0) => {
                Condition::Absent
            }
            None => Condition::None,
        }
    }

    fn warn_of_useless_tags(&mut self, cx: &mut Context) {
        if !std::mem::replace(&mut self.has_warned_of_tags, true) {
            let place = document::without_secrets(&cx.config.master_list.url);
            cx.warn(&format!(
                "Clustershazbot: the store compares uploads of the master list at {place} with another ETag than that of \
                 its downloads, so they have no condition. Two servers that write at once may lose an entry until the \
                 next upload"
            ));
        }
    }

    /// Records the outcome of an upload, and schedules another try if it may help. Returns whether
    /// the upload is over.
    pub(in crate::protocol) fn record_upload(&mut self, cx: &mut Context, upload: &Upload, now: Now) -> bool {
        let reason = match upload {
            Upload::Answer(200..=299, _) => {
                if self.tries.goes_without {
                    self.without_conditions_until = Some(now.tick + WITHOUT_CONDITIONS);
                }
                self.counts.uploaded_at = Some(now.wall);
                return true;
            }
            Upload::Answer(status, _) => format!("answered {status}"),
            Upload::Failure(reason) => reason.clone(),
        };
        let next = self.tries.judge(upload);
        let is_again = match next {
            Next::Retry(at_least) => self.retry_upload(cx, at_least, now.tick),
            Next::Rejected => self.retry_upload(cx, None, now.tick),
            Next::GiveUp => false,
        };
        if !(is_again && matches!(next, Next::Rejected)) {
            self.counts.failed_uploads += 1;
            let place = document::without_secrets(&cx.config.master_list.update_url);
            cx.log_own_failure(format!("Failed to upload master list to {place}:"), &reason, now.tick);
        }
        !is_again
    }

    /// Schedules another try after a pause. Returns false if the next announcement or the end of a
    /// leave comes before it.
    pub(in crate::protocol) fn retry_upload(
        &mut self,
        cx: &mut Context,
        at_least: Option<Duration>,
        now: Tick,
    ) -> bool {
        let tries = &mut self.tries;
        let pause = MIN_UPLOAD_BACKOFF.saturating_mul(1 << tries.failed.min(9)).min(MAX_UPLOAD_BACKOFF);
        tries.failed += 1;
        let at_least = at_least.unwrap_or_default().min(MAX_STORE_RETRY_AFTER);
        let at = now + pause.mul_f64(cx.rng.random_range(1.0..1.5)).max(at_least);
        let ends = tries.ends.or(cx.timers.get(Timer::Announce));
        let last_chance = tries.ends.map(|ends| ends.since(now).saturating_sub(LAST_RETRY_MARGIN));
        let last_chance = last_chance.filter(|left| *left >= MIN_UPLOAD_BACKOFF.max(at_least));
        if ends.is_none_or(|ends| at < ends) {
            cx.timers.set(Timer::Download, at);
            return true;
        }
        if let Some(left) = last_chance {
            cx.timers.set(Timer::Download, now + left);
            return true;
        }
        if cx.is_running() && !at_least.is_zero() {
            cx.timers.set(Timer::Announce, at);
        }
        false
    }
}

impl Tries {
    fn judge(&mut self, upload: &Upload) -> Next {
        let (status, retry_after) = match upload {
            Upload::Answer(status, retry_after) => (*status, *retry_after),
            Upload::Failure(_) => return Next::Retry(None),
        };
        match (status, &self.condition) {
            // 404: the list has been removed, and the next try creates it.
            (404, Condition::Unchanged(_)) | (409 | 429 | 500 | 502..=504, _) => Next::Retry(retry_after),
            (_, Condition::None) => Next::GiveUp,
            (412, condition) => {
                if let Condition::Unchanged(tag) = condition {
                    self.stale_tag = Some(tag.clone());
                }
                self.reject()
            }
            // A store may also answer these temporarily, so the same condition is tried once more
            // before it is omitted.
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

    fn reject(&mut self) -> Next {
        self.rejected += 1;
        if self.rejected < MAX_REJECTED { Next::Rejected } else { Next::GiveUp }
    }
}
