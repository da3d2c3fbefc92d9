//! The world: hosts, processes, the network between them, and time.

use std::sync::Arc;

use foldhash::fast::FixedState;
use indexmap::IndexMap;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::checks::{Checks, Violation};
use super::clock::{Millis, present};
use super::golden::Golden;
use super::host::{BODY_LIMIT, Host};
use super::network::Network;
use super::process::{Engine, Process, Stage};
use super::processor::Processor;
use super::queue::Queue;
use super::spec::Template;
use super::store::{Store, StoreRequest};
use super::trace::Trace;
use super::watch::Watches;
use super::wire::{HostId, Outcome, ProcessId, Request, Sender};
use crate::protocol::time::Now;

/// A made-up world. The same seed and the same calls give the same run.
#[derive(Debug)]
pub struct World {
    /// Milliseconds since it began.
    pub time: Millis,
    /// All that is behind URLs.
    pub hosts: Vec<Host>,
    /// All processes that ever ran.
    pub processes: Vec<Process>,
    /// The network between the hosts.
    pub network: Network,
    /// What all of them run on.
    pub processor: Processor,
    /// Where the master list is kept.
    pub store: Store,
    /// What must hold, and what was found not to.
    pub checks: Checks,
    /// Who is being watched getting to know what.
    pub watches: Watches,
    /// Hosts that are added from now on answer larger bodies with 413.
    pub default_body_limit: usize,
    /// What has happened, in brief.
    pub trace: Trace,
    /// A digest of what the machines say, where one is wanted: writing everything out takes time.
    pub golden: Option<Golden>,
    pub(super) rng: Xoshiro256PlusPlus,
    pub(super) queue: Queue<Happening>,
    pub(super) by_url: IndexMap<Arc<str>, HostId, FixedState>,
    pub(super) template: Template,
}

/// What may happen.
#[derive(Debug)]
pub(super) enum Happening {
    /// An engine wants to be woken.
    Wake(ProcessId),
    /// A request arrives.
    Arrival(Box<Request>),
    /// A request is taken up by a process that was stalled when it came.
    TakeUp(ProcessId, Box<Request>),
    /// What comes of a request.
    Outcome(Sender, Box<Outcome>),
    /// What comes of a request to the store.
    Stored(Sender, Box<StoreRequest>),
    /// The driver tells how far JavaScript lags.
    Lag(ProcessId),
}

impl World {
    /// An empty world.
    pub fn new(seed: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        Self {
            time: 0,
            hosts: Vec::new(),
            processes: Vec::new(),
            network: Network::new(rng.random()),
            processor: Processor::default(),
            store: Store::default(),
            checks: Checks::default(),
            watches: Watches::default(),
            default_body_limit: BODY_LIMIT,
            trace: Trace::default(),
            golden: None,
            rng,
            queue: Queue::default(),
            by_url: IndexMap::default(),
            template: Template::default(),
        }
    }

    /// Lets time pass.
    pub fn run_for(&mut self, duration: Millis) {
        let end = self.time + duration;
        while self.step(end) {}
        self.time = end;
    }

    /// Lets time pass until something holds, at most so long. It is looked at after every step that touches a watch, and
    /// every 100 ms. Tells whether it came to hold.
    pub fn run_until(&mut self, patience: Millis, mut holds: impl FnMut(&Self) -> bool) -> bool {
        const LOOK_EVERY: Millis = 100;
        let end = self.time + patience;
        while !holds(self) {
            if self.time >= end {
                return false;
            }
            let next_look = (self.time + LOOK_EVERY).min(end);
            let changes = self.watches.changes();
            while self.watches.changes() == changes && self.step(next_look) {}
            if self.watches.changes() == changes {
                self.time = next_look;
            }
        }
        true
    }

    /// Has the next thing happen, if it comes no later than `limit`.
    fn step(&mut self, limit: Millis) -> bool {
        let Some((at, happening)) = self.queue.pop_until(limit) else { return false };
        self.time = self.time.max(at);
        if self.takes_work(&happening)
            && let Err(later) = self.processor.take_up(self.time)
        {
            self.postpone(later, happening);
            return true;
        }
        match happening {
            Happening::Wake(process) => self.wake(process),
            Happening::Arrival(request) => self.arrive(request),
            Happening::TakeUp(process, request) => self.take_up(process, *request),
            Happening::Outcome(sender, outcome) => self.conclude(sender, *outcome),
            Happening::Stored(sender, errand) => self.conclude_store_request(sender, *errand),
            Happening::Lag(process) => self.tell_lag(process),
        }
        true
    }

    // A port that is closed answers by itself.
    fn takes_work(&self, happening: &Happening) -> bool {
        match happening {
            Happening::Wake(id) => {
                self.processes.get(id.index()).is_some_and(|process| process.armed == Some(self.time))
            }
            Happening::TakeUp(..) | Happening::Outcome(..) => true,
            Happening::Arrival(_) | Happening::Stored(..) | Happening::Lag(_) => false,
        }
    }

    fn postpone(&mut self, later: Millis, happening: Happening) {
        if let Happening::Wake(id) = happening
            && let Some(process) = self.processes.get_mut(id.index())
        {
            process.armed = Some(later);
        }
        self.queue.push(later, happening);
    }

    fn wake(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get_mut(id.index()) else { return };
        // An earlier wake-up has taken the place of this one.
        if process.armed != Some(self.time) {
            return;
        }
        process.armed = None;
        let is_due = process.engine.as_ref().and_then(Engine::timeout).is_some_and(|at| at <= self.time);
        if !is_due {
            return self.arm(id);
        }
        self.trace.note(self.time, 1, u64::from(id.0), 0);
        self.act(id, |engine, now| match engine {
            Engine::Native(machine) => machine.handle_timeout(now),
            Engine::Legacy(legacy) => legacy.handle_timeout(now),
        });
    }

    /// The present, as a process sees it.
    pub fn now(&self, id: ProcessId) -> Now {
        let offset = self.processes.get(id.index()).map_or(0, |process| process.offset(self.time));
        present(self.time, offset)
    }

    /// Does something with an engine, and carries out what it wants then.
    pub(super) fn act<T>(&mut self, id: ProcessId, act: impl FnOnce(&mut Engine, Now) -> T) -> Option<T> {
        let now = self.now(id);
        let engine = self.processes.get_mut(id.index())?.engine.as_mut()?;
        let result = act(engine, now);
        self.carry_out(id);
        self.arm(id);
        self.observe(id);
        Some(result)
    }

    pub(super) fn arm(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get_mut(id.index()) else { return };
        let Some(at) = process.engine.as_ref().and_then(Engine::timeout) else { return };
        let at = at.max(self.time);
        // A wake-up that comes too early finds out and arms itself anew.
        if process.armed.is_none_or(|armed| at < armed) {
            process.armed = Some(at);
            self.queue.push(at, Happening::Wake(id));
        }
    }

    /// Looks at a process that has just done something.
    fn observe(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get_mut(id.index()) else { return };
        let has_news = process.has_news();
        if has_news {
            self.watches.observe(self.time, id, process);
        }
        self.checks.observe(self.time, process, &self.hosts, has_news);
    }

    pub(super) fn violate(&mut self, violation: Violation) {
        self.checks.report(violation);
    }

    /// Ends a process; nothing of it is left but what was noted.
    pub(super) fn end(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get_mut(id.index()) else { return };
        process.engine = None;
        process.stage = Stage::Ended;
        process.ledger = Default::default();
        let host = process.host;
        if let Some(host) = self.hosts.get_mut(host.index()) {
            host.processes.retain(|other| *other != id);
        }
        self.watches.forget(self.time, id);
    }
}

impl World {
    /// The first native server whose online list is not the truth, if there is one.
    pub fn disagreement(&self) -> Option<Violation> {
        super::checks::convergence(self.time, &self.processes, &self.hosts)
    }
}
