//! The machine behind its lock, shared by callers, the actor and its errands.

use std::future::pending;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::sleep_until;

use super::cached_body::BodyCache;
use super::clock::Clock;
use crate::protocol::ExchangeId;
use crate::protocol::document::{Document, DownloadFailure};
use crate::protocol::extension::Extension;
use crate::protocol::ids::Source;
use crate::protocol::machine::Machine;
use crate::protocol::message::{ReceivedEntry, ReceivedLists, Reply};
use crate::protocol::places::{Beginning, PlacedEntry};
use crate::protocol::time::Now;

/// So many entries are merged under one hold of the lock, some 200 µs.
const SLICE: usize = 500;

#[derive(Debug)]
pub(super) struct Shared {
    machine: Mutex<Machine>,
    pub(super) clock: Clock,
    /// What was written last of what the machine shows.
    pub(super) cached_body: BodyCache,
    /// Notified when somebody has changed the machine and the actor has something to do.
    pub(super) wake: Notify,
}

impl Shared {
    pub(super) fn new(start: impl FnOnce(Now) -> Machine) -> Self {
        let clock = Clock::new();
        let machine = Mutex::new(start(clock.now()));
        Self { machine, clock, cached_body: BodyCache::default(), wake: Notify::new() }
    }

    /// Looks at the machine. Nothing that waits, parses or serialises belongs inside, here and below.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Machine) -> T) -> T {
        look(&self.lock())
    }

    /// Lets the actor look at the machine or change it.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Machine, Now) -> T) -> T {
        act(&mut self.lock(), self.clock.now())
    }

    /// As `with`, for others than the actor, who is woken if there is something for it to do: that is dear for the caller.
    pub(super) fn change<T>(&self, act: impl FnOnce(&mut Machine, Now) -> T) -> T {
        let mut machine = self.lock();
        let alarm = machine.poll_timeout();
        let result = act(&mut machine, self.clock.now());
        let is_alarm_earlier =
            machine.poll_timeout().is_some_and(|next| alarm.is_none_or(|alarm| next < alarm));
        let is_wanted = is_alarm_earlier || machine.has_output();
        drop(machine);
        if is_wanted {
            self.wake.notify_one();
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, Machine> {
        // A panic under the lock leaves the machine as it was between two of its steps, which is better than none.
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves when the machine wants to be woken.
    pub(super) async fn alarm(&self) {
        match self.look(Machine::poll_timeout) {
            Some(tick) => sleep_until(self.clock.instant(tick)).await,
            None => pending().await,
        }
    }

    /// Merges a gossip request; what the machine shows then is the answer.
    pub(super) fn hear(&self, mut lists: ReceivedLists<'_>) {
        self.look(|machine| machine.expect_entries(lists.len()));
        self.merge_in_slices(Source::Request, &mut lists);
        self.change(|machine, now| machine.handle_request(now, &lists));
    }

    /// Merges entries of a gossip request as long as their places hold, those after so many changes; tells how many those
    /// were, and looks at what is shown then.
    pub(super) fn hear_placed<'a, T>(
        &self,
        changes: u64,
        mut beginning: Option<Beginning>,
        mut entries: impl Iterator<Item = PlacedEntry<'a>>,
        look: impl FnOnce(&Machine) -> T,
    ) -> (usize, T) {
        let mut heard = 0;
        let mut look = Some(look);
        loop {
            let looked = self.change(|machine, now| {
                if let Some(beginning) = beginning.take() {
                    machine.handle_beginning(now, beginning);
                }
                let slice = machine.handle_placed(now, changes, &mut entries.by_ref().take(SLICE));
                heard += slice;
                look.take_if(|_| slice < SLICE).map(|look| look(machine))
            });
            if let Some(looked) = looked {
                return (heard, looked);
            }
        }
    }

    pub(super) fn answer_native(&self, heard: &Extension) -> Extension {
        self.change(|machine, now| machine.handle_native_request(now, heard))
    }

    pub(super) fn reply(&self, id: ExchangeId, mut reply: Reply<'_>) {
        match &mut reply {
            Reply::Lists(lists) => self.merge_in_slices(Source::Exchange(id), lists),
            Reply::Native(heard) => self.merge_claims_in_slices(id, heard),
            _ => {}
        }
        self.change(|machine, now| machine.handle_reply(now, id, &reply));
    }

    pub(super) fn downloaded(&self, id: ExchangeId, mut outcome: Result<Document, DownloadFailure>) {
        if let Ok(document) = &mut outcome {
            self.merge_in_slices(Source::MasterList, &mut document.claims);
        }
        self.change(|machine, now| machine.handle_download(now, id, &outcome));
    }

    /// Takes out of large lists what can be merged beforehand, so that no caller waits long for the lock.
    fn merge_in_slices(&self, source: Source, lists: &mut ReceivedLists<'_>) {
        if lists.len() <= SLICE {
            return;
        }
        let merge = |says_online: bool, entries: Vec<ReceivedEntry<'_>>| {
            for slice in entries.chunks(SLICE) {
                self.change(|machine, now| machine.handle_claims(now, source, says_online, slice));
            }
        };
        merge(false, std::mem::take(&mut lists.offline));
        merge(true, std::mem::take(&mut lists.online));
    }

    /// The same for a roster that a native server has sent.
    fn merge_claims_in_slices(&self, id: ExchangeId, heard: &Extension) {
        if heard.claims.len() > SLICE {
            for slice in heard.claims.chunks(SLICE) {
                self.change(|machine, now| machine.handle_native_claims(now, id, slice));
            }
        }
    }
}
