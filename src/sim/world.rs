//! The world: hosts, processes, the network between them, and time.

use std::sync::Arc;

use foldhash::fast::FixedState;
use indexmap::IndexMap;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::ahead::{Ahead, Ready};
use super::checks::{Checks, Violation};
use super::clock::{Millis, present};
use super::event::WorldEvent;
use super::golden::Golden;
use super::host::{BODY_LIMIT, Host};
use super::names::Names;
use super::network::Network;
use super::process::{Engine, Process, Stage};
use super::processor::Processor;
use super::queue::Queue;
use super::secured::Secured;
use super::spec::Template;
use super::store::Store;
use super::trace::Trace;
use super::watch::Watches;
use super::wire::{HostId, ProcessId};
use crate::protocol::time::Now;

/// A simulated world. The same seed and the same calls give the same run.
#[derive(Debug)]
pub struct World {
    /// Milliseconds since the start.
    pub time: Millis,
    /// All hosts, one for each URL.
    pub hosts: Vec<Host>,
    /// All processes, including ended ones.
    pub processes: Vec<Process>,
    /// The network between the hosts.
    pub network: Network,
    /// The processor that all servers share.
    pub processor: Processor,
    /// The store of the master list.
    pub store: Store,
    /// The invariants and their violations.
    pub checks: Checks,
    /// The watches of news.
    pub watches: Watches,
    /// The largest body, in bytes, that hosts added from now on accept; larger ones get a 413.
    pub default_body_limit: usize,
    /// A summary of the run.
    pub trace: Trace,
    /// A digest of the machines' output, if wanted, because serialising everything takes time.
    pub golden: Option<Golden>,
    /// Real requests and an attacker, in a secured world.
    pub secured: Option<Box<Secured>>,
    pub(super) rng: Xoshiro256PlusPlus,
    pub(super) queue: Queue<WorldEvent>,
    pub(super) ahead: Ahead,
    pub(super) by_url: IndexMap<Arc<str>, HostId, FixedState>,
    pub(super) template: Template,
    pub(super) names: Names,
}

impl World {
    /// Creates an empty world.
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
            secured: None,
            rng,
            queue: Queue::default(),
            ahead: Ahead::default(),
            by_url: IndexMap::default(),
            template: Template::default(),
            names: Names::default(),
        }
    }

    /// Lets time pass.
    pub fn run_for(&mut self, duration: Millis) {
        let end = self.time + duration;
        while self.step(end) {}
        self.time = end;
    }

    /// Runs until a condition holds, for at most `timeout`. Checks it every 100 ms and after every
    /// step that touches a watch. Returns whether it held.
    pub fn run_until(&mut self, timeout: Millis, mut holds: impl FnMut(&Self) -> bool) -> bool {
        const CHECK_INTERVAL: Millis = 100;
        let end = self.time + timeout;
        while !holds(self) {
            if self.time >= end {
                return false;
            }
            let next_check = (self.time + CHECK_INTERVAL).min(end);
            let changes = self.watches.changes();
            while self.watches.changes() == changes && self.step(next_check) {}
            if self.watches.changes() == changes {
                self.time = next_check;
            }
        }
        true
    }

    /// Runs the next event if it is due by `limit`.
    fn step(&mut self, limit: Millis) -> bool {
        if let Some(ready) = self.next_ready(limit) {
            match ready {
                Ready::Event(event) => self.happen(event),
                Ready::Woken(process) => self.finish_wake(process),
                Ready::Answered(request, answer) => self.arrive(request, Some(answer)),
                Ready::Concluded(sender, size) => self.finish_conclusion(sender, size),
            }
            return true;
        }
        let Some((at, event)) = self.queue.pop_until(limit) else { return false };
        self.time = self.time.max(at);
        if self.takes_work(&event)
            && let Err(later) = self.processor.accept(self.time)
        {
            self.postpone(later, event);
            return true;
        }
        self.happen(event);
        true
    }

    fn happen(&mut self, event: WorldEvent) {
        match event {
            WorldEvent::Wake(process) => self.wake(process),
            WorldEvent::Arrival(request) => self.arrive(request, None),
            WorldEvent::DelayedArrival(process, request) => self.process_request(process, *request, None),
            WorldEvent::Outcome(sender, outcome) => self.conclude(sender, *outcome),
            WorldEvent::Stored(sender, request) => self.conclude_store_request(sender, *request),
            WorldEvent::Lag(process) => self.report_lag(process),
        }
    }

    // A closed port needs no processor.
    fn takes_work(&self, event: &WorldEvent) -> bool {
        match event {
            WorldEvent::Wake(id) => {
                self.processes.get(id.index()).is_some_and(|process| process.armed == Some(self.time))
            }
            WorldEvent::DelayedArrival(..) | WorldEvent::Outcome(..) => true,
            WorldEvent::Arrival(_) | WorldEvent::Stored(..) | WorldEvent::Lag(_) => false,
        }
    }

    fn postpone(&mut self, later: Millis, event: WorldEvent) {
        if let WorldEvent::Wake(id) = event
            && let Some(process) = self.processes.get_mut(id.index())
        {
            process.armed = Some(later);
        }
        self.queue.push(later, event);
    }

    fn wake(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get_mut(id.index()) else { return };
        // An earlier wake-up has replaced this one.
        if process.armed != Some(self.time) {
            return;
        }
        process.armed = None;
        let is_due = process.engine.as_ref().and_then(Engine::timeout).is_some_and(|at| at <= self.time);
        if !is_due {
            return self.arm(id);
        }
        self.act_on_wake(id, |engine, now| match engine {
            Engine::Native(machine) => machine.handle_timeout(now),
            Engine::Legacy(legacy) => legacy.handle_timeout(now),
        });
    }

    /// Finishes a wake-up that the machine has handled ahead.
    fn finish_wake(&mut self, id: ProcessId) {
        if let Some(process) = self.processes.get_mut(id.index()) {
            process.armed = None;
        }
        self.act_on_wake(id, |_, _| ());
    }

    fn act_on_wake(&mut self, id: ProcessId, act: impl FnOnce(&mut Engine, Now)) {
        self.trace.record(self.time, 1, u64::from(id.0), 0);
        self.act(id, act);
    }

    /// Returns the present of a process.
    pub fn now(&self, id: ProcessId) -> Now {
        let offset = self.processes.get(id.index()).map_or(0, |process| process.offset(self.time));
        present(self.time, offset)
    }

    /// Acts on an engine, and carries out its transmits and events.
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
        // A wake-up that comes too early arms itself again.
        if process.armed.is_none_or(|armed| at < armed) {
            process.armed = Some(at);
            self.queue.push(at, WorldEvent::Wake(id));
        }
    }

    /// Checks a process after its step.
    fn observe(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get_mut(id.index()) else { return };
        let has_news = process.take_news();
        if has_news {
            self.watches.observe(self.time, id, process);
        }
        self.checks.observe(self.time, process, &self.hosts, has_news);
    }

    pub(super) fn report_violation(&mut self, violation: Violation) {
        self.checks.report(violation);
    }

    /// Ends a process; only its records are kept.
    pub(super) fn end(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get_mut(id.index()) else { return };
        process.engine = None;
        process.stage = Stage::Ended;
        process.check_state = Default::default();
        let host = process.host;
        if let Some(host) = self.hosts.get_mut(host.index()) {
            host.processes.retain(|other| *other != id);
        }
        self.forget_node(id);
        self.watches.forget(self.time, id);
    }
}

impl World {
    /// Returns the first native server whose online list differs from the truth.
    pub fn disagreement(&self) -> Option<Violation> {
        super::checks::convergence(self.time, &self.processes, &self.hosts)
    }
}
