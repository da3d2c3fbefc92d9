//! The machine behind its lock, shared by callers, the actor and its HTTP tasks.

use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep_until;

use super::cached_body::BodyCache;
use super::clock::Clock;
use super::news_bell::NewsBell;
use super::sent_requests::{RequestKind, RequestOutcome, SentRequests};
use super::transport::{ByteCounts, HttpClient};
use crate::protocol::ExchangeId;
use crate::protocol::document::{Document, DownloadFailure};
use crate::protocol::extension::Extension;
use crate::protocol::ids::Source;
use crate::protocol::machine::Machine;
use crate::protocol::message::{ReceivedEntry, ReceivedLists, Reply};
use crate::protocol::roster_slots::{RequestStart, SlotEntry};
use crate::protocol::status::ListKind;
use crate::protocol::time::{Now, Tick};

/// Entries merged per hold of the lock, which takes about 200 µs.
const ENTRIES_PER_SLICE: usize = 500;

#[derive(Debug)]
pub(super) struct Shared {
    machine: Mutex<Machine>,
    pub(super) clock: Clock,
    /// The text of the other servers, written last.
    pub(super) cached_body: BodyCache,
    /// Notified after a change that leaves something to do for the actor.
    pub(super) wake: Notify,
    /// Rung after news.
    bell: Arc<NewsBell>,
    /// The latest measured lag of the program's event loop, in milliseconds.
    lag: AtomicU32,
    sent_requests: Mutex<SentRequests>,
    pub(super) bytes: Arc<ByteCounts>,
    /// The HTTP client, once it is built.
    pub(super) client: OnceLock<HttpClient>,
}

impl Shared {
    pub(super) fn new(bell: Arc<NewsBell>, start: impl FnOnce(Now) -> Machine) -> Self {
        let clock = Clock::new();
        let machine = Mutex::new(start(clock.now()));
        let (cached_body, wake) = (BodyCache::default(), Notify::new());
        // The server itself is the first news.
        bell.ring();
        let lag = AtomicU32::default();
        let (sent_requests, bytes, client) = Default::default();
        Self { machine, clock, cached_body, wake, bell, lag, sent_requests, bytes, client }
    }

    /// Reads from the machine. As in the methods below, nothing may wait, parse or serialise
    /// inside.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Machine) -> T) -> T {
        read(&self.lock())
    }

    /// Lets the actor read or change the machine.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Machine, Now) -> T) -> T {
        let mut machine = self.lock();
        let version = machine.news_version();
        let result = act(&mut machine, self.clock.now());
        self.unlock(machine, version);
        result
    }

    /// Changes the machine, for callers other than the actor. Wakes the actor only if it has
    /// something to do, since that is expensive.
    pub(super) fn update<T>(&self, act: impl FnOnce(&mut Machine, Now) -> T) -> T {
        let mut machine = self.lock();
        let (alarm, version) = (machine.poll_timeout(), machine.news_version());
        let result = act(&mut machine, self.clock.now());
        self.unlock_and_wake(machine, alarm, version);
        result
    }

    // Not generic, as each copy adds to the addon.
    #[inline(never)]
    fn unlock_and_wake(&self, machine: MutexGuard<'_, Machine>, alarm: Option<Tick>, version: u64) {
        let is_alarm_earlier =
            machine.poll_timeout().is_some_and(|next| alarm.is_none_or(|alarm| next < alarm));
        let is_wanted = is_alarm_earlier || machine.has_output();
        self.unlock(machine, version);
        if is_wanted {
            self.wake.notify_one();
        }
    }

    fn unlock(&self, machine: MutexGuard<'_, Machine>, version: u64) {
        let has_news = machine.news_version() != version;
        drop(machine);
        if has_news {
            self.bell.ring();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Machine> {
        // A panic under the lock leaves the machine between two steps; going on beats having no
        // server.
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the lag of the program's event loop.
    pub(super) fn record_lag(&self, lag: Duration) {
        let millis = u32::try_from(lag.as_millis()).unwrap_or(u32::MAX);
        self.lag.store(millis, Ordering::Relaxed);
    }

    /// Returns the latest measured lag; zero if nothing measures it.
    pub(super) fn lag(&self) -> Duration {
        Duration::from_millis(self.lag.load(Ordering::Relaxed).into())
    }

    /// Counts a request that has ended.
    pub(super) fn record_sent(&self, kind: RequestKind, outcome: RequestOutcome, duration: Duration) {
        self.sent_requests.lock().unwrap_or_else(PoisonError::into_inner).record(kind, outcome, duration);
    }

    /// Returns the counts of requests that have ended.
    pub(super) fn sent_requests(&self) -> SentRequests {
        self.sent_requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Resolves at the machine's next timeout.
    pub(super) async fn alarm(&self) {
        match self.read(Machine::poll_timeout) {
            Some(tick) => sleep_until(self.clock.instant(tick)).await,
            None => pending().await,
        }
    }

    /// Merges a plain gossip request. The response shows the lists afterwards.
    pub(super) fn merge_request(&self, mut lists: ReceivedLists<'_>) {
        self.read(|machine| machine.expect_entries(lists.len()));
        self.merge_in_slices(Source::Request, &mut lists);
        self.update(|machine, now| machine.handle_request(now, &lists));
    }

    /// Merges entries while their slots are valid, where `changes` counts the slot changes that the
    /// caller knows. Returns the number of merged entries and the result of `read`.
    pub(super) fn merge_slot_entries<'a, T>(
        &self,
        changes: u64,
        mut start: Option<RequestStart>,
        mut entries: impl Iterator<Item = SlotEntry<'a>>,
        read: impl FnOnce(&Machine) -> T,
    ) -> (usize, T) {
        let mut received = 0;
        let mut read = Some(read);
        loop {
            let result = self.update(|machine, now| {
                if let Some(start) = start.take() {
                    machine.handle_request_start(now, start);
                }
                let slice =
                    machine.handle_slot_entries(now, changes, &mut entries.by_ref().take(ENTRIES_PER_SLICE));
                received += slice;
                read.take_if(|_| slice < ENTRIES_PER_SLICE).map(|read| read(machine))
            });
            if let Some(result) = result {
                return (received, result);
            }
        }
    }

    pub(super) fn merge_native(&self, received: &Extension) -> Extension {
        self.update(|machine, now| machine.handle_native_request(now, received))
    }

    pub(super) fn reply(&self, id: ExchangeId, mut reply: Reply<'_>) {
        match &mut reply {
            Reply::Lists(lists) => self.merge_in_slices(Source::Exchange(id), lists),
            Reply::Native(received) => self.merge_claims_in_slices(id, received),
            _ => {}
        }
        self.update(|machine, now| machine.handle_reply(now, id, &reply));
    }

    pub(super) fn downloaded(&self, id: ExchangeId, mut outcome: Result<Document, DownloadFailure>) {
        if let Ok(document) = &mut outcome {
            self.merge_in_slices(Source::MasterList, &mut document.claims);
        }
        self.update(|machine, now| machine.handle_download(now, id, &outcome));
    }

    /// Merges all but a small rest of large lists in slices, so that no caller waits long for the
    /// lock.
    fn merge_in_slices(&self, source: Source, lists: &mut ReceivedLists<'_>) {
        if lists.len() <= ENTRIES_PER_SLICE {
            return;
        }
        let merge = |listed: ListKind, entries: Vec<ReceivedEntry<'_>>| {
            for slice in entries.chunks(ENTRIES_PER_SLICE) {
                self.update(|machine, now| machine.handle_claims(now, source, listed, slice));
            }
        };
        merge(ListKind::Offline, std::mem::take(&mut lists.offline));
        merge(ListKind::Online, std::mem::take(&mut lists.online));
    }

    /// Does the same for the claims of a native server.
    fn merge_claims_in_slices(&self, id: ExchangeId, received: &Extension) {
        if received.claims.len() > ENTRIES_PER_SLICE {
            for slice in received.claims.chunks(ENTRIES_PER_SLICE) {
                self.update(|machine, now| machine.handle_native_claims(now, id, slice));
            }
        }
    }
}
