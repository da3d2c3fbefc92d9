//! The master list: hearsay like any other, and written with care.
//!
//! Never written after a failed download; whatever others wrote is kept, verified or not, except servers with a
//! tombstone; written only where that changes something, and under a condition where the store knows any.

use std::time::Duration;

use rand::RngExt;

use crate::protocol::context::config::MasterListConfig;
use crate::protocol::context::output::Transmit;
use crate::protocol::context::timers::Timer;
use crate::protocol::lifecycle::phase::Phase;
use crate::protocol::lifecycle::revision;
use crate::protocol::lifecycle::upload::Tries;
use crate::protocol::machine::Machine;
use crate::protocol::types::ids::{ExchangeId, Source};
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::document::{self, Document, DownloadFailure};

/// The first pause after a failed download; doubles with each further failure.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(60);
/// The first pause before another download where nobody on the list has answered; doubles up to
/// [`LONGEST_RETRY`]. A greeting takes up to 5 s.
const FIRST_PAUSE_ALONE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(in crate::protocol) struct MasterList {
    /// Whether the ETag of the download is one of the upload's resource.
    pub(in crate::protocol) has_conditions: bool,
    /// The store knows no conditions; it is asked again then.
    pub(in crate::protocol) without_conditions_until: Option<Tick>,
    /// Whether it was told that tags of downloads are not those of uploads.
    pub(in crate::protocol) has_warned_of_tags: bool,
    /// The download or upload under way.
    pub(in crate::protocol) current: Option<ExchangeId>,
    /// Whether an upload is due as soon as a download succeeds.
    pub(in crate::protocol) wants_upload: bool,
    pub(in crate::protocol) has_greeted: bool,
    failures: u32,
    /// Downloads in a row after which nobody has answered.
    lonely: u32,
    /// Whether the greeting still waits for entries that are most likely dead.
    pub(in crate::protocol) awaits_overdue: bool,
    pub(in crate::protocol) tries: Tries,
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
            awaits_overdue: false,
            tries: Tries::default(),
        }
    }

    /// No outcome of what is under way is wanted any more.
    pub(in crate::protocol) fn give_up(&mut self) {
        self.current = None;
        self.wants_upload = false;
        self.tries = Tries::default();
    }
}

impl Machine {
    pub(in crate::protocol) fn schedule_announcement(&mut self, now: Tick) {
        let config = &self.cx.config.master_list;
        let spread = config.announce_interval.mul_f64(self.cx.rng.random::<f64>());
        self.cx.timers.set(Timer::Announce, now + config.announce_minimum + spread);
    }

    pub(in crate::protocol) fn announce_to_master_list(&mut self, now: Now) {
        self.lifecycle.master_list.wants_upload = true;
        self.lifecycle.master_list.tries = Tries::default();
        self.schedule_announcement(now.tick);
        self.download_master_list();
    }

    pub(in crate::protocol) fn download_master_list(&mut self) {
        if self.lifecycle.master_list.current.is_none() {
            let id = self.exchanges.in_flight.next_id();
            self.lifecycle.master_list.current = Some(id);
            self.cx.timers.stop(Timer::Download);
            self.merging.rejected.begin_list();
            self.cx.transmits.push_back(Transmit::DownloadMasterList { id });
        }
    }

    /// The outcome of a download: the list, or why there is none. Merges the claims that the document still holds.
    pub fn handle_download(&mut self, now: Now, id: ExchangeId, outcome: &Result<Document, DownloadFailure>) {
        if self.lifecycle.master_list.current.take_if(|current| *current == id).is_none() {
            return;
        }
        self.cx.parsing.lift();
        match outcome {
            Ok(document) => {
                self.lifecycle.master_list.failures = 0;
                self.merge_lists(now, Source::MasterList, &document.claims);
                self.legacy.listings.ask_some_again(&self.members, &mut self.cx);
                self.greet_after_download(now);
                self.download_again_if_alone(document, now);
                if self.merging.rejected.schedule_download(&self.members, &mut self.cx, now.tick) {
                    self.lifecycle.master_list.has_greeted = false;
                }
                if self.lifecycle.master_list.wants_upload {
                    self.upload(document, now);
                }
            }
            Err(failure) => {
                let place = document::without_secrets(&self.cx.config.master_list.url);
                self.cx.log_own_failure(
                    format!("Failed to download master list from {place}:"),
                    &failure.reason,
                    now.tick,
                );
                match self.lifecycle.phase {
                    Phase::LastUpload if failure.is_passing => {
                        if !self.retry_upload(failure.retry_after, now.tick) {
                            self.end_farewell_stage(now);
                        }
                        return;
                    }
                    Phase::LastUpload => return self.end_farewell_stage(now),
                    Phase::Downloading => self.begin_running(now),
                    _ => {}
                }
                self.schedule_retry(failure.retry_after, now);
            }
        }
        self.schedule_verification(now.tick);
    }

    fn greet_after_download(&mut self, now: Now) {
        if std::mem::replace(&mut self.lifecycle.master_list.has_greeted, true) {
            return;
        }
        match self.lifecycle.phase {
            Phase::Downloading => self.greet(now),
            Phase::Running => self.push_to_many(now.tick),
            _ => {}
        }
    }

    /// A list whose servers are all out of reach may soon name others.
    fn download_again_if_alone(&mut self, document: &Document, now: Now) {
        if !self.members.isolation.has_heard() && revision::names_others(&self.members, &self.cx, document) {
            let pause = FIRST_PAUSE_ALONE.saturating_mul(1 << self.lifecycle.master_list.lonely.min(4));
            self.lifecycle.master_list.lonely += 1;
            self.schedule_download(pause, None, now);
        }
    }

    /// The moment for another download has come.
    pub(in crate::protocol) fn download_again(&mut self) {
        let has_failed = self.lifecycle.master_list.failures > 0;
        let is_wanted = self.merging.rejected.take_wanted_list() || self.lifecycle.master_list.wants_upload;
        if is_wanted || has_failed || !self.members.isolation.has_heard() {
            self.download_master_list();
        }
    }

    fn schedule_retry(&mut self, at_least: Option<Duration>, now: Now) {
        let list = &mut self.lifecycle.master_list;
        let pause = FIRST_RETRY.saturating_mul(1 << list.failures.min(6));
        list.failures += 1;
        self.schedule_download(pause, at_least, now);
    }

    fn schedule_download(&mut self, pause: Duration, at_least: Option<Duration>, now: Now) {
        let pause = pause.min(LONGEST_RETRY);
        let pause = pause.mul_f64(self.cx.rng.random_range(0.5..1.0));
        let pause = pause.max(at_least.unwrap_or_default().min(LONGEST_RETRY));
        self.cx.timers.set(Timer::Download, now.tick + pause);
    }
}
