//! Start and leave, and the clock at each door.

use crate::protocol::context::timers::Timer;
use crate::protocol::lifecycle::phase::Phase;
use crate::protocol::lifecycle::{master_list, reconnect, retention};
use crate::protocol::machine::Machine;
use crate::protocol::merging::clocks;
use crate::protocol::types::ids::{ExchangeId, Source};
use crate::protocol::types::time::Now;
use crate::protocol::wire::document::{Document, DownloadFailure, Upload};

impl Machine {
    /// Looks at the clock, at each door; cheap.
    pub(in crate::protocol) fn look_at_clock(&mut self, now: Now) {
        clocks::restart_below(&mut self.members, &mut self.cx, now);
        self.apply(now);
        if self.cx.is_running() && self.merging.rejected.take_jump(now) {
            self.request_again(now);
        }
    }

    /// The clock was set ahead: what was rejected before may be let in now.
    fn request_again(&mut self, now: Now) {
        self.lifecycle.master_list.has_greeted = false;
        self.merging.rejected.want_list();
        self.cx.timers.set(Timer::Download, now.tick);
        self.ask_again_for_whole_roster(now);
        self.push_to_many(now.tick);
    }

    /// Drops tombstones that have served their time, and checks servers that nobody has heard of for long.
    pub(in crate::protocol) fn drop_what_is_old(&mut self, now: Now) {
        let due = retention::look(&mut self.members, &mut self.cx, now);
        for identity in due.expired {
            self.members.forget(&mut self.cx, &identity, now);
            self.apply(now);
        }
        for identity in due.stale {
            self.request_check(&identity);
        }
        self.schedule_verification(now.tick);
    }

    /// Tries to reach a server that was declared dead.
    pub(in crate::protocol) fn reconnect(&mut self, now: Now) {
        if let Some(peer) = reconnect::pick(&self.members, &mut self.cx, now.tick) {
            if self.is_met_natively(&peer) {
                self.tell_dead(&peer, now);
            } else {
                self.request_check(&peer);
                self.schedule_verification(now.tick);
            }
        }
        reconnect::schedule(&mut self.cx, now.tick);
    }

    /// Announces this server to the master list.
    pub(in crate::protocol) fn announce_to_master_list(&mut self, now: Now) {
        let Self { lifecycle, exchanges, merging, cx, .. } = self;
        lifecycle.master_list.announce(exchanges, &mut merging.rejected, cx, now);
    }

    pub(in crate::protocol) fn download_master_list(&mut self) {
        let Self { lifecycle, exchanges, merging, cx, .. } = self;
        lifecycle.master_list.download(exchanges, &mut merging.rejected, cx);
    }

    /// The moment for another download has come.
    pub(in crate::protocol) fn download_again(&mut self) {
        let Self { lifecycle, members, exchanges, merging, cx, .. } = self;
        lifecycle.master_list.download_again(members, exchanges, &mut merging.rejected, cx);
    }

    /// The outcome of a download: the list, or why there is none. Merges the claims that the document still holds.
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
        self.lifecycle.master_list.end_failures();
        self.merge_lists(now, Source::MasterList, &document.claims);
        self.legacy.listings.ask_some_again(&self.members, &mut self.cx);
        self.greet_after_download(now);
        self.lifecycle.master_list.record_download(&self.members, &mut self.cx, document, now);
        if self.merging.rejected.schedule_download(&self.members, &mut self.cx, now.tick) {
            self.lifecycle.master_list.has_greeted = false;
        }
        if self.lifecycle.master_list.wants_upload {
            let Self { lifecycle, members, exchanges, cx, .. } = self;
            if !lifecycle.master_list.upload(members, exchanges, cx, document, now) {
                self.end_upload(now);
            }
        }
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

    fn handle_failed_download(&mut self, failure: &DownloadFailure, now: Now) {
        master_list::log_failure(&mut self.cx, &failure.reason, now);
        let list = &mut self.lifecycle.master_list;
        if self.lifecycle.phase == Phase::LastUpload {
            if !failure.is_passing || !list.retry_upload(&mut self.cx, failure.retry_after, now.tick) {
                self.end_farewell_stage(now);
            }
            return;
        }
        if self.lifecycle.phase == Phase::Downloading {
            self.begin_running(now);
        }
        self.lifecycle.master_list.schedule_retry(&mut self.cx, failure.retry_after, now);
    }

    /// The outcome of an upload.
    pub fn handle_upload(&mut self, now: Now, id: ExchangeId, upload: &Upload) {
        let list = &mut self.lifecycle.master_list;
        if list.take_current(id) && list.record_upload(&mut self.cx, upload, now) {
            self.end_upload(now);
        }
    }

    fn end_upload(&mut self, now: Now) {
        self.lifecycle.master_list.end_upload();
        if self.lifecycle.phase == Phase::LastUpload {
            self.end_farewell_stage(now);
        }
    }
}
