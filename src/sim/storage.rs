//! Errands to the store of the master list.

use super::clock::Millis;
use super::process::Engine;
use super::store::Download;
use super::wire::{ProcessId, Sender, Ticket};
use super::world::{Happening, World};
use crate::protocol::document::{Condition, Document, DocumentEntry, Upload};
use crate::protocol::message::Entry;

/// So long the store is waited for.
const STORE_TIMEOUT: Millis = 10_000;

/// What is wanted of the store.
#[derive(Debug)]
pub(super) enum Errand {
    Download,
    Upload { entries: Vec<DocumentEntry>, condition: Condition },
    PlainUpload { entries: Vec<Entry> },
}

impl World {
    pub(super) fn run(&mut self, from: ProcessId, ticket: Ticket, errand: Errand) {
        let Some(process) = self.processes.get(from.index()) else { return };
        let deadline = self.time + STORE_TIMEOUT;
        let sender = Sender { process: from, epoch: process.epoch, ticket, asked: None, deadline };
        let at = if self.store.answers() { self.time + self.store.delay() } else { deadline };
        self.queue.push(at.min(deadline), Happening::Stored(sender, Box::new(errand)));
    }

    pub(super) fn conclude_errand(&mut self, sender: Sender, errand: Errand) {
        let is_known = |process: &super::process::Process| process.epoch == sender.epoch;
        if !self.processes.get(sender.process.index()).is_some_and(is_known) {
            return;
        }
        self.trace.note(self.time, 5, u64::from(sender.process.0), 0);
        let is_late = !self.store.answers() || self.time >= sender.deadline;
        let late = || "no answer in time".to_owned();
        let upload = |world: &mut Self, upload: Upload| {
            world.act(sender.process, |engine, now| {
                if let (Engine::Native(machine), Ticket::Native(id)) = (engine, sender.ticket) {
                    machine.handle_upload(now, id, &upload);
                }
            });
        };
        match errand {
            Errand::Upload { .. } | Errand::PlainUpload { .. } if is_late => {
                upload(self, Upload::Failure(late()));
            }
            Errand::Upload { entries, condition } => {
                let answer = self.store.upload(&DocumentEntry::to_document_json(&entries), &condition);
                upload(self, answer);
            }
            Errand::PlainUpload { entries } => {
                self.store.upload_plainly(&entries);
            }
            Errand::Download => {
                let download = if is_late { Download::Failure(late().into()) } else { self.store.download() };
                self.act(sender.process, |engine, now| match (engine, sender.ticket) {
                    (Engine::Native(machine), Ticket::Native(id)) => match &download {
                        Download::List(version) => machine.handle_download(now, id, &version.document),
                        Download::Nothing => {
                            machine.handle_download(now, id, &Document::read(404, None, b""));
                        }
                        Download::Failure(reason) => machine.handle_download(now, id, &Err(reason.clone())),
                    },
                    (Engine::Legacy(legacy), _) => {
                        let list = if let Download::List(version) = &download {
                            Some(&*version.lists)
                        } else {
                            None
                        };
                        legacy.handle_download(now, list);
                    }
                    _ => {}
                });
            }
        }
    }
}
