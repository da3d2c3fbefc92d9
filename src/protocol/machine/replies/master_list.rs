//! Replies about the master list.

use crate::protocol::lifecycle::phase::Phase;
use crate::protocol::machine::Machine;
use crate::protocol::types::ids::{ExchangeId, Source};
use crate::protocol::types::time::Now;
use crate::protocol::wire::document::{Document, DownloadFailure, Upload};

impl Machine {
    /// Handles the outcome of a download: the list, or why it failed. Merges the claims left in the
    /// document.
    pub fn handle_download(&mut self, now: Now, id: ExchangeId, outcome: &Result<Document, DownloadFailure>) {
        if !self.lifecycle.master_list.take_current(id) {
            return;
        }
        self.cx.parsing.lift_limit();
        match outcome {
            Ok(document) => self.handle_document(document, now),
            Err(failure) => self.handle_failed_download(failure, now),
        }
        self.schedule_verification(now.tick);
    }

    fn handle_document(&mut self, document: &Document, now: Now) {
        self.lifecycle.master_list.end_failures(now);
        self.merge_lists(now, Source::MasterList, &document.claims);
        self.legacy.listings.ask_some_again(&self.members, &mut self.cx);
        self.greet_after_download(now);
        self.lifecycle.master_list.record_download(&self.members, &mut self.cx, document, now);
        if self.merging.rejected.schedule_download(&self.members, &mut self.cx, now.tick) {
            self.lifecycle.master_list.greet_again();
        }
        if self.lifecycle.master_list.wants_upload() {
            let Self { lifecycle, members, exchanges, cx, .. } = self;
            if !lifecycle.master_list.upload(members, exchanges, cx, document, now) {
                self.end_upload(now);
            }
        }
    }

    fn greet_after_download(&mut self, now: Now) {
        if !self.lifecycle.master_list.take_greeting() {
            return;
        }
        match self.lifecycle.phase() {
            Phase::Downloading => self.greet(now),
            Phase::Running => self.push_to_many(now.tick),
            _ => {}
        }
    }

    fn handle_failed_download(&mut self, failure: &DownloadFailure, now: Now) {
        self.lifecycle.master_list.record_failure(&mut self.cx, &failure.reason, now);
        if *self.lifecycle.phase() == Phase::LastUpload {
            let list = &mut self.lifecycle.master_list;
            if !failure.is_passing || !list.retry_upload(&mut self.cx, failure.retry_after, now.tick) {
                self.end_farewell_stage(now);
            }
            return;
        }
        if *self.lifecycle.phase() == Phase::Downloading {
            self.begin_running(now);
        }
        self.lifecycle.master_list.schedule_retry(&mut self.cx, failure.retry_after, now);
    }

    /// Handles the outcome of an upload.
    pub fn handle_upload(&mut self, now: Now, id: ExchangeId, upload: &Upload) {
        let list = &mut self.lifecycle.master_list;
        if list.take_current(id) && list.record_upload(&mut self.cx, upload, now) {
            self.end_upload(now);
        }
    }

    fn end_upload(&mut self, now: Now) {
        self.lifecycle.master_list.end_upload();
        if *self.lifecycle.phase() == Phase::LastUpload {
            self.end_farewell_stage(now);
        }
    }
}
