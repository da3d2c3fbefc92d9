//! The master list: read as hearsay, and written with care.
//!
//! This server never writes it after a failed download. It keeps the entries of others, verified or
//! not, except servers with a tombstone. It writes only changes, and with a condition if the store
//! supports one.

use std::time::Duration;

use rand::RngExt;

use crate::protocol::context::Context;
use crate::protocol::context::config::MasterListConfig;
use crate::protocol::context::output::Transmit;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::lifecycle::revision;
use crate::protocol::lifecycle::upload::Tries;
use crate::protocol::members::Members;
use crate::protocol::merging::clocks::Rejected;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::time::{Now, Stamp, Tick};
use crate::protocol::wire::document::{self, Document};

/// First pause after a failed download. It doubles with each further failure.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// Longest pause after a failed download.
const LONGEST_RETRY: Duration = Duration::from_secs(60);
/// First pause before another download if no server on the list has answered: a greeting takes up
/// to 5 s. It doubles up to [`LONGEST_RETRY`].
const FIRST_PAUSE_ALONE: Duration = Duration::from_secs(5);

/// The requests to the stores of the list, in flight and wanted.
#[derive(Debug)]
pub(in crate::protocol) struct MasterList {
    /// Whether the ETag of a download belongs to the resource of the upload.
    pub(super) has_conditions: bool,
    /// The time until which uploads have no condition, because the store supports none.
    pub(super) without_conditions_until: Option<Tick>,
    /// Whether the log has a warning that the tags of downloads are not those of uploads.
    pub(super) has_warned_of_tags: bool,
    /// The download or upload in flight.
    pub(super) current: Option<ExchangeId>,
    /// Whether an upload follows the next successful download.
    pub(super) wants_upload: bool,
    /// Whether this server has greeted the servers on the list.
    has_greeted: bool,
    failures: u32,
    /// Downloads in a row after which no server has answered.
    lonely: u32,
    pub(super) tries: Tries,
    pub(super) counts: StoreCounts,
}

/// How the requests to the stores have ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreCounts {
    /// When the list was last downloaded.
    pub downloaded_at: Option<Stamp>,
    /// Failed downloads.
    pub failed_downloads: u64,
    /// When the list was last uploaded, or found to need no upload.
    pub uploaded_at: Option<Stamp>,
    /// Failed uploads, except those that a rejected condition repeats.
    pub failed_uploads: u64,
}

impl MasterList {
    pub(in crate::protocol) fn new(config: &MasterListConfig) -> Self {
        Self {
            has_conditions: config.is_one_resource(),
            without_conditions_until: None,
            has_warned_of_tags: false,
            current: None,
            wants_upload: false,
            has_greeted: false,
            failures: 0,
            lonely: 0,
            tries: Tries::default(),
            counts: StoreCounts::default(),
        }
    }

    /// How the requests to the stores have ended.
    pub(in crate::protocol) fn counts(&self) -> StoreCounts {
        self.counts
    }

    /// Whether a download or an upload is in flight.
    pub(in crate::protocol) fn is_busy(&self) -> bool {
        self.current.is_some()
    }

    /// Gives up the request in flight and the wanted upload.
    pub(in crate::protocol) fn give_up(&mut self) {
        self.current = None;
        self.end_upload();
    }

    /// Ends the wanted upload.
    pub(in crate::protocol) fn end_upload(&mut self) {
        self.wants_upload = false;
        self.tries = Tries::default();
    }

    /// Ends the download or upload in flight if it has this id, and returns whether it does.
    pub(in crate::protocol) fn take_current(&mut self, id: ExchangeId) -> bool {
        self.current.take_if(|current| *current == id).is_some()
    }

    /// Returns whether to greet the servers on this list, and records that they are greeted.
    pub(in crate::protocol) fn take_greeting(&mut self) -> bool {
        !std::mem::replace(&mut self.has_greeted, true)
    }

    /// Makes this server greet the servers on the next list again.
    pub(in crate::protocol) fn greet_again(&mut self) {
        self.has_greeted = false;
    }

    /// Whether an upload follows the next successful download.
    pub(in crate::protocol) fn wants_upload(&self) -> bool {
        self.wants_upload
    }

    /// Begins an announcement, and schedules the next one.
    pub(in crate::protocol) fn announce(
        &mut self,
        exchanges: &mut Exchanges,
        rejected: &mut Rejected,
        cx: &mut Context,
        now: Now,
    ) {
        self.wants_upload = true;
        self.tries = Tries::default();
        schedule_announcement(cx, now.tick);
        self.download(exchanges, rejected, cx);
    }

    /// Downloads the list, unless a download or an upload is in flight.
    pub(in crate::protocol) fn download(
        &mut self,
        exchanges: &mut Exchanges,
        rejected: &mut Rejected,
        cx: &mut Context,
    ) {
        if self.current.is_none() {
            let id = exchanges.in_flight.next_id();
            self.current = Some(id);
            cx.timers.stop(Timer::Download);
            rejected.begin_list();
            cx.transmits.push_back(Transmit::DownloadMasterList { id });
        }
    }

    /// Downloads the list again, if there is still a reason.
    pub(in crate::protocol) fn download_again(
        &mut self,
        members: &Members,
        exchanges: &mut Exchanges,
        rejected: &mut Rejected,
        cx: &mut Context,
    ) {
        let is_wanted = rejected.take_wanted_list() || self.wants_upload;
        if is_wanted || self.failures > 0 || !members.isolation.was_ever_answered() {
            self.download(exchanges, rejected, cx);
        }
    }

    /// Records a download. If no server has answered yet, schedules another one, because the list
    /// may soon name other servers.
    pub(in crate::protocol) fn record_download(
        &mut self,
        members: &Members,
        cx: &mut Context,
        document: &Document,
        now: Now,
    ) {
        if !members.isolation.was_ever_answered() && revision::names_others(members, cx, document) {
            let pause = FIRST_PAUSE_ALONE.saturating_mul(1 << self.lonely.min(4));
            self.lonely += 1;
            schedule_download(cx, pause, None, now);
        }
    }

    /// Records a successful download, which ends a series of failures.
    pub(in crate::protocol) fn end_failures(&mut self, now: Now) {
        self.failures = 0;
        self.counts.downloaded_at = Some(now.wall);
    }

    /// Counts and logs a failed download.
    pub(in crate::protocol) fn record_failure(&mut self, cx: &mut Context, reason: &str, now: Now) {
        self.counts.failed_downloads += 1;
        let place = document::without_secrets(&cx.config.master_list.url);
        cx.log_own_failure(format!("Failed to download master list from {place}:"), reason, now.tick);
    }

    /// Schedules the download that follows a failed one.
    pub(in crate::protocol) fn schedule_retry(
        &mut self,
        cx: &mut Context,
        at_least: Option<Duration>,
        now: Now,
    ) {
        let pause = FIRST_RETRY.saturating_mul(1 << self.failures.min(6));
        self.failures += 1;
        schedule_download(cx, pause, at_least, now);
    }
}

/// Schedules the next announcement.
pub(in crate::protocol) fn schedule_announcement(cx: &mut Context, now: Tick) {
    let config = &cx.config.master_list;
    let spread = config.announce_interval.mul_f64(cx.rng.random::<f64>());
    cx.timers.set(Timer::Announce, now + config.announce_minimum + spread);
}

fn schedule_download(cx: &mut Context, pause: Duration, at_least: Option<Duration>, now: Now) {
    let pause = pause.min(LONGEST_RETRY);
    let pause = pause.mul_f64(cx.rng.random_range(0.5..1.0));
    let pause = pause.max(at_least.unwrap_or_default().min(LONGEST_RETRY));
    cx.timers.set(Timer::Download, now.tick + pause);
}
