//! Machines that handle the events of one millisecond ahead, on several threads.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::event::WorldEvent;
use super::wire::{ProcessId, Request, Sender, native_size, transmit_size};
use crate::protocol::ExchangeId;
use crate::protocol::extension::Extension;
use crate::protocol::machine::Machine;
use crate::protocol::message::Reply;
use crate::protocol::output::Transmit;
use crate::protocol::time::Now;

/// Claims in the messages of a millisecond from which threads pay: about a millisecond of work.
const MIN_CLAIMS: usize = 1_000;

/// The events that are looked at together, in their order.
#[derive(Debug)]
pub(super) struct Ahead {
    /// The number of threads; up to 1, no machine runs ahead.
    pub(super) threads: usize,
    pub(super) min_claims: usize,
    pub(super) ready: VecDeque<Ready>,
    /// The number of events that machines have handled ahead.
    pub(super) handled: u64,
}

impl Default for Ahead {
    fn default() -> Self {
        Self { threads: 1, min_claims: MIN_CLAIMS, ready: VecDeque::new(), handled: 0 }
    }
}

/// The next event, or what is left to do after its machine has handled it.
#[derive(Debug)]
pub(super) enum Ready {
    /// An event that no machine has handled.
    Event(WorldEvent),
    /// A wake-up.
    Woken(ProcessId),
    /// A request, and its answer.
    Answered(Box<Request>, Answer),
    /// The outcome of a request, and its size in bytes.
    Concluded(Sender, usize),
}

/// A machine's answer, and its size in bytes.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) extension: Box<Extension>,
    pub(super) size: usize,
}

/// A machine that runs ahead.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) process: ProcessId,
    /// The place of its event.
    pub(super) place: usize,
    pub(super) machine: Box<Machine>,
    pub(super) now: Now,
    pub(super) call: Call,
    /// What it sends, with the sizes of the contents in bytes.
    pub(super) transmits: Vec<(Transmit, Option<usize>)>,
}

/// What a machine handles; then, the result.
#[derive(Debug)]
pub(super) enum Call {
    Timeout,
    Request(Arc<Extension>),
    Answer(Answer),
    Reply(ExchangeId, Reply<'static>),
    /// The size of the reply in bytes.
    Replied(usize),
}

impl Job {
    fn run(&mut self) {
        let Self { machine, now, call, transmits, .. } = self;
        match std::mem::replace(call, Call::Timeout) {
            Call::Request(extension) => {
                let extension = Box::new(machine.handle_native_request(*now, &extension));
                let size = native_size(&extension);
                *call = Call::Answer(Answer { extension, size });
            }
            Call::Reply(id, reply) => {
                machine.handle_reply(*now, id, &reply);
                let size = if let Reply::Native(extension) = &reply { native_size(extension) } else { 0 };
                *call = Call::Replied(size);
            }
            _ => machine.handle_timeout(*now),
        }
        let sent = std::iter::from_fn(|| machine.poll_transmit());
        transmits.extend(sent.map(|transmit| {
            let size = transmit_size(&transmit);
            (transmit, size)
        }));
    }
}

/// Runs all jobs on this number of threads.
pub(super) fn run_all(jobs: Vec<Job>, threads: usize) -> Vec<Job> {
    let next = AtomicUsize::new(0);
    let jobs: Vec<Mutex<Job>> = jobs.into_iter().map(Mutex::new).collect();
    let work = || {
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            job.lock().unwrap_or_else(PoisonError::into_inner).run();
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.min(jobs.len()) {
            scope.spawn(work);
        }
        work();
    });
    jobs.into_iter().map(|job| job.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}
