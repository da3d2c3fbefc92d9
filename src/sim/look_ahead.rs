//! Looks ahead at the events of one millisecond.
//!
//! Machines share nothing, so that those of different hosts may run at the same time. Their output
//! is carried out afterwards, one event after another in the order of the queue. So a run is the
//! same with any number of threads, to the bit.

use std::collections::BTreeSet;

use super::ahead::{Call, Job, Ready, run_all};
use super::clock::Millis;
use super::event::WorldEvent;
use super::process::{Engine, Stage};
use super::wire::{Content, HostId, Outcome, OwnedReply, ProcessId, Request, RequestId};
use super::world::World;

/// Events that are looked at together.
const MAX_EVENTS: usize = 1_024;

impl World {
    /// Lets machines run ahead on this number of threads.
    ///
    /// Between two calls of [`World::run_for`], no machine is ahead. [`World::run_until`] may leave
    /// some, so that only time may pass after it.
    pub fn run_ahead(&mut self, threads: usize) {
        self.ahead.threads = threads;
    }

    /// Returns the next event of those that were looked at together; `None` if machines do not run
    /// ahead.
    pub(super) fn next_ready(&mut self, limit: Millis) -> Option<Ready> {
        // An event that waits for the processor, or that jitter makes late, changes the order.
        let keeps_order = self.processor.cost == 0 && self.network.jitter == 0;
        if self.ahead.threads > 1 && keeps_order && self.ahead.ready.is_empty() {
            self.look_ahead(limit);
        }
        self.ahead.ready.pop_front()
    }

    /// Takes events of one millisecond, each of another host. If their messages contain many
    /// claims, the machines handle them.
    fn look_ahead(&mut self, limit: Millis) {
        let Some((at, first)) = self.queue.pop_until(limit) else { return };
        self.time = self.time.max(at);
        let mut next = Some(first);
        let mut hosts = BTreeSet::new();
        let mut callers = Vec::new();
        let mut all_claims = 0;
        while let Some(event) = next {
            let place = self.ahead.ready.len();
            let is_first_of_host = self.host_of(&event).is_some_and(|host| hosts.insert(host));
            if is_first_of_host && let Some((process, claims)) = self.caller(&event) {
                callers.push((place, process));
                all_claims += claims;
            }
            self.ahead.ready.push_back(Ready::Event(event));
            // The effect of another event of the same host depends on the first.
            let is_last = !is_first_of_host || place + 1 >= MAX_EVENTS;
            next = if is_last { None } else { self.queue.pop_until(self.time).map(|(_, event)| event) };
        }
        if all_claims >= self.ahead.min_claims {
            let jobs = callers.into_iter().filter_map(|(place, process)| self.take_job(place, process));
            let jobs = run_all(jobs.collect(), self.ahead.threads);
            jobs.into_iter().for_each(|job| self.return_job(job));
        }
    }

    /// Returns the host whose state an event changes.
    fn host_of(&self, event: &WorldEvent) -> Option<HostId> {
        let host = |id: &ProcessId| self.processes.get(id.index()).map(|process| process.host);
        match event {
            WorldEvent::Wake(id) | WorldEvent::DelayedArrival(id, _) | WorldEvent::Lag(id) => host(id),
            WorldEvent::Arrival(request) => Some(request.to),
            WorldEvent::Outcome(sender, _) | WorldEvent::Stored(sender, _) => host(&sender.process),
        }
    }

    /// Returns the process whose machine handles an event, and the number of claims in the message;
    /// `None` if it may not run ahead.
    fn caller(&self, event: &WorldEvent) -> Option<(ProcessId, usize)> {
        let (id, claims) = match event {
            WorldEvent::Wake(id) => (*id, 0),
            WorldEvent::Arrival(request) => self.receiver(request)?,
            WorldEvent::Outcome(sender, outcome) => {
                let claims = match &**outcome {
                    Outcome::Native(extension) => extension.claims.len(),
                    Outcome::NoListener | Outcome::Timeout | Outcome::ConnectionReset => 0,
                    _ => return None,
                };
                let is_native = matches!(sender.request_id, RequestId::Native(_));
                let process = self.processes.get(sender.process.index())?;
                (is_native && process.epoch == sender.epoch).then_some((sender.process, claims))?
            }
            _ => return None,
        };
        let process = self.processes.get(id.index())?;
        let is_due = |at: u64| process.armed == Some(self.time) && at <= self.time;
        let is_called = match (event, process.engine.as_ref()?) {
            (WorldEvent::Wake(_), engine @ Engine::Native(_)) => engine.timeout().is_some_and(is_due),
            (_, Engine::Native(machine)) => machine.is_native(),
            (_, Engine::Legacy(_)) => false,
        };
        // A leaving process may end at any event.
        let is_present = matches!(process.stage, Stage::Starting | Stage::Running);
        (self.secured.is_none() && is_called && is_present).then_some((id, claims))
    }

    /// Returns the process whose machine answers a request, and the number of claims in it.
    fn receiver(&self, request: &Request) -> Option<(ProcessId, usize)> {
        let host = self.hosts.get(request.to.index())?;
        let Content::Gossip { extension: Some(extension), .. } = &request.content else { return None };
        let [id] = host.processes[..] else { return None };
        let is_stalled = self.processes.get(id.index())?.stalled_until > self.time;
        let is_of_cluster = self.hosts.get(request.from.index())?.cluster == host.cluster;
        let is_served = host.listens(self.time) && host.occupant.is_none() && !host.strips_v2;
        let is_accepted = is_served && is_of_cluster && request.size <= host.body_limit;
        (is_accepted && !is_stalled).then_some((id, extension.claims.len()))
    }

    /// Takes the machine that handles the event at this place.
    fn take_job(&mut self, place: usize, id: ProcessId) -> Option<Job> {
        let now = self.now(id);
        let ready = self.ahead.ready.get_mut(place)?;
        let call = match ready {
            Ready::Event(WorldEvent::Arrival(request)) => {
                let Content::Gossip { extension, .. } = &mut request.content else { return None };
                // Its last receiver frees its claims, on the thread of its machine.
                Call::Request(extension.take()?)
            }
            Ready::Event(WorldEvent::Outcome(sender, outcome)) => {
                let (sender, RequestId::Native(exchange)) = (*sender, sender.request_id) else { return None };
                let outcome = std::mem::replace(&mut **outcome, Outcome::Timeout);
                *ready = Ready::Concluded(sender, 0);
                let OwnedReply::Other(reply) = outcome.reply() else { return None };
                Call::Reply(exchange, reply)
            }
            _ => {
                *ready = Ready::Woken(id);
                Call::Timeout
            }
        };
        let Some(Engine::Native(machine)) = self.processes.get_mut(id.index())?.engine.take() else {
            return None;
        };
        Some(Job { process: id, place, machine, now, call, transmits: Vec::new() })
    }

    /// Takes back a machine, and keeps the result of its call for the event.
    fn return_job(&mut self, job: Job) {
        let Job { process: id, place, machine, call, transmits, .. } = job;
        self.ahead.handled += 1;
        if let Some(process) = self.processes.get_mut(id.index()) {
            process.engine = Some(Engine::Native(machine));
            process.transmits = transmits;
        }
        let Some(ready) = self.ahead.ready.get_mut(place) else { return };
        match (std::mem::replace(ready, Ready::Woken(id)), call) {
            (Ready::Event(WorldEvent::Arrival(request)), Call::Answer(answer)) => {
                *ready = Ready::Answered(request, answer);
            }
            (Ready::Concluded(sender, _), Call::Replied(size)) => *ready = Ready::Concluded(sender, size),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::golden::Golden;
    use crate::sim::spec::{Kind, Spec};

    /// A run with a partition, a crash, a restart and a leave.
    fn run(threads: usize) -> World {
        let mut world = World::new(1);
        world.golden = Some(Golden::default());
        world.network.loss = 0.01;
        world.run_ahead(threads);
        world.ahead.min_claims = 1;
        world.populate(&vec![Spec::of(Kind::Native); 60]);
        world.run_for(5_000);
        world.partition(|host| host.index() < 30);
        world.run_for(20_000);
        world.network.reconnect();
        world.crash(HostId(3));
        world.run_for(2_000);
        world.restart(HostId(3), Spec::of(Kind::Native));
        world.leave(HostId(5));
        world.run_for(20_000);
        world
    }

    #[test]
    fn the_number_of_threads_changes_no_result() {
        let [one, three] = [run(1), run(3)];
        assert_eq!(one.ahead.handled, 0);
        assert!(three.ahead.handled > 1_000, "{}", three.ahead.handled);
        let results = |world: &World| {
            let golden = world.golden.as_ref().map(Golden::digest);
            (golden, world.trace, world.disagreement())
        };
        assert_eq!(results(&one), results(&three));
        assert_eq!(three.checks.violations, []);
    }
}
