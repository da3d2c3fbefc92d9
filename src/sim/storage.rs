//! Requests to the store of the master list.

use super::clock::Millis;
use super::event::WorldEvent;
use super::process::{Engine, Process};
use super::store::{Download, StoreRequest};
use super::wire::{ProcessId, RequestId, Sender};
use super::world::World;
use crate::protocol::document::{Document, DocumentEntry, Upload};

/// Timeout of a request to the store.
const STORE_TIMEOUT: Millis = 10_000;

impl World {
    pub(super) fn run(&mut self, from: ProcessId, request_id: RequestId, request: StoreRequest) {
        let Some(process) = self.processes.get(from.index()) else { return };
        let deadline = self.time + STORE_TIMEOUT;
        let sender = Sender { process: from, epoch: process.epoch, request_id, target: None, deadline };
        let at = if self.store.answers() { self.time + self.store.delay() } else { deadline };
        self.queue.push(at.min(deadline), WorldEvent::Stored(sender, Box::new(request)));
    }

    pub(super) fn conclude_store_request(&mut self, sender: Sender, request: StoreRequest) {
        let is_known = |process: &Process| process.epoch == sender.epoch;
        if !self.processes.get(sender.process.index()).is_some_and(is_known) {
            return;
        }
        self.trace.record(self.time, 5, u64::from(sender.process.0), 0);
        let is_late = !self.store.answers() || self.time >= sender.deadline;
        let late = || "no answer in time".to_owned();
        let upload = |world: &mut Self, upload: Upload| {
            world.act(sender.process, |engine, now| {
                if let (Engine::Native(machine), RequestId::Native(id)) = (engine, sender.request_id) {
                    machine.handle_upload(now, id, &upload);
                }
            });
        };
        match request {
            StoreRequest::Upload { .. } | StoreRequest::PlainUpload { .. } if is_late => {
                upload(self, Upload::Failure(late()));
            }
            StoreRequest::Upload { entries, condition } => {
                let answer = self.store.upload(&DocumentEntry::to_document_json(&entries), &condition);
                upload(self, answer);
            }
            StoreRequest::PlainUpload { entries } => {
                self.store.upload_unconditionally(&entries);
            }
            StoreRequest::Download => {
                let download = if is_late { Download::Failure(late().into()) } else { self.store.download() };
                if let Download::List(version) = &download {
                    let urls = version.lists.online.iter().map(|entry| entry.base_url.clone().into());
                    self.record_master_list(sender.process, urls.collect());
                }
                self.act(sender.process, |engine, now| match (engine, sender.request_id) {
                    (Engine::Native(machine), RequestId::Native(id)) => match &download {
                        Download::List(version) => machine.handle_download(now, id, &version.document),
                        Download::Nothing => {
                            machine.handle_download(now, id, &Document::read(404, None, b""));
                        }
                        Download::Failure(reason) => machine.handle_download(now, id, &Err(reason.clone())),
                    },
                    (Engine::Legacy(legacy), _) => {
                        let list = match &download {
                            Download::List(version) => Some(legacy.names().listing(&version.lists)),
                            _ => None,
                        };
                        legacy.handle_download(now, list.as_ref());
                    }
                    _ => {}
                });
            }
        }
    }
}
