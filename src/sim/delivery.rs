//! Delivers requests and their outcomes.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::ahead::Answer;
use super::checks;
use super::clock::Millis;
use super::event::WorldEvent;
use super::host::Port;
use super::legacy::LegacyRequest;
use super::process::{Engine, Process, Stage};
use super::store::StoreRequest;
use super::wire::{
    ANSWER_HEADERS, Content, HostId, Outcome, OwnedReply, ProcessId, REQUEST_HEADERS, Request, RequestId,
    Sender, received_lists,
};
use super::world::World;
use crate::protocol::message::{Refusal, Reply};
use crate::protocol::output::{Event, Transmit};

/// Timeout of a legacy peer's request.
const LEGACY_TIMEOUT: Millis = 5_000;
/// The lag that the driver reports, and the interval of its reports.
pub(super) const LAG_REPORT_INTERVAL: Millis = 1_000;

impl World {
    /// Carries out an engine's transmits and events.
    pub(super) fn carry_out(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get_mut(id.index()) else { return };
        match &mut process.engine {
            Some(Engine::Native(machine)) => {
                let mut transmits = std::mem::take(&mut process.transmits);
                transmits.extend(std::iter::from_fn(|| Some((machine.poll_transmit()?, None))));
                let mut has_ended = false;
                while let Some(event) = machine.poll_event() {
                    if let Some(golden) = &mut self.golden {
                        golden.record_event(self.time, id, &event);
                    }
                    match event {
                        Event::Started if process.stage == Stage::Starting => process.stage = Stage::Running,
                        Event::ShutDown => has_ended = true,
                        Event::Started | Event::Log { .. } => {}
                    }
                }
                for (transmit, size) in transmits {
                    if let Some(golden) = &mut self.golden {
                        golden.record_transmit(self.time, id, &transmit);
                    }
                    self.transmit(id, transmit, size);
                }
                if has_ended {
                    self.exit(id);
                }
            }
            Some(Engine::Legacy(legacy)) => {
                let (requests, has_ended) = (legacy.take_requests(), legacy.is_gone());
                if legacy.is_running() {
                    process.stage = Stage::Running;
                }
                for wish in requests {
                    self.send_legacy(id, wish);
                }
                if has_ended {
                    self.exit(id);
                }
            }
            None => {}
        }
    }

    fn transmit(&mut self, from: ProcessId, transmit: Transmit, size: Option<usize>) {
        let Some(transmit) = self.deliver(from, transmit) else { return };
        match transmit {
            Transmit::Gossip { id, base_url, lists, extension, timeout } => {
                let content = Content::Gossip { lists, extension };
                let size = size.unwrap_or_else(|| content.size());
                self.send_sized(from, RequestId::Native(id), &base_url, content, size, millis(timeout));
            }
            Transmit::CheckOwnUrl { id, base_url, extension, timeout } => {
                let content = Content::Gossip { lists: Arc::default(), extension: Some(extension) };
                self.send(from, RequestId::Native(id), &base_url, content, millis(timeout));
            }
            Transmit::Inquire { id, base_url, timeout } => {
                self.send(from, RequestId::Native(id), &base_url, Content::List, millis(timeout));
            }
            Transmit::DownloadMasterList { id } => {
                self.run(from, RequestId::Native(id), StoreRequest::Download)
            }
            Transmit::UploadMasterList { id, entries, condition } => {
                self.run(from, RequestId::Native(id), StoreRequest::Upload { entries, condition });
            }
            Transmit::AbandonAll => {
                if let Some(process) = self.processes.get_mut(from.index()) {
                    process.epoch += 1;
                    process.in_flight = 0;
                }
                self.abandon_deliveries(from);
            }
        }
    }

    fn send_legacy(&mut self, from: ProcessId, wish: LegacyRequest) {
        match wish {
            LegacyRequest::Gossip { id, base_url, lists } => {
                self.send(from, RequestId::Legacy(id), &base_url, Content::Listing(lists), LEGACY_TIMEOUT);
            }
            LegacyRequest::Download { id } => self.run(from, RequestId::Legacy(id), StoreRequest::Download),
            LegacyRequest::Upload { id, entries } => {
                self.run(from, RequestId::Legacy(id), StoreRequest::PlainUpload { entries })
            }
        }
    }

    pub(super) fn send(
        &mut self,
        from: ProcessId,
        request_id: RequestId,
        to: &str,
        content: Content,
        timeout: Millis,
    ) {
        let content = self.in_http(from, content);
        let size = content.size();
        self.send_sized(from, request_id, to, content, size, timeout);
    }

    fn send_sized(
        &mut self,
        from: ProcessId,
        request_id: RequestId,
        to: &str,
        content: Content,
        size: usize,
        timeout: Millis,
    ) {
        let deadline = self.time + timeout;
        let Some(process) = self.processes.get_mut(from.index()) else { return };
        process.in_flight += 1;
        process.sent.bytes += (REQUEST_HEADERS + size) as u64;
        process.sent.requests += 1;
        process.sent.largest = process.sent.largest.max(size);
        let target = self.by_url.get(to).copied();
        let sender = Sender { process: from, epoch: process.epoch, request_id, target, deadline };
        if !matches!(request_id, RequestId::Legacy(_)) {
            let found = checks::bounded(self.time, process, &self.hosts, size);
            found.into_iter().flatten().for_each(|violation| self.checks.report(violation));
        }
        let from = process.host;
        let Some(to) = target else {
            // No host has that name.
            return self
                .queue
                .push(self.time, WorldEvent::Outcome(sender, Box::new(Outcome::ConnectionReset)));
        };
        self.trace.record(self.time, 2, u64::from(from.0) << 32 | u64::from(to.0), size as u64);
        let Some(delay) = self.network.carry_request(from, to) else {
            self.trace.lost += 1;
            return self.time_out(sender);
        };
        let mut request =
            Box::new(Request { sender: Some(sender), from, to, content, size, is_hostile: false });
        if !self.tap_request(&mut request) {
            return self.time_out(sender);
        }
        if let Some(later) = self.network.duplicate_delay() {
            self.trace.duplicates += 1;
            let duplicate = Box::new(Request { sender: None, ..(*request).clone() });
            self.queue.push(self.time + delay + later, WorldEvent::Arrival(duplicate));
        }
        self.queue.push(self.time + delay, WorldEvent::Arrival(request));
    }

    fn time_out(&mut self, sender: Sender) {
        self.queue.push(sender.deadline, WorldEvent::Outcome(sender, Box::new(Outcome::Timeout)));
    }

    /// Delivers a request. `answer` is the machine's, if it ran ahead.
    pub(super) fn arrive(&mut self, mut request: Box<Request>, answer: Option<Answer>) {
        if let Some(outcome) = self.answer_as_attacker(&request) {
            return self.answer(&request, outcome, 0);
        }
        let Some(host) = self.hosts.get_mut(request.to.index()) else { return };
        if host.port == Port::Vanished {
            if let Some(sender) = request.sender {
                self.time_out(sender);
            }
            return;
        }
        if let Some(occupant) = host.occupant {
            let outcome = match &request.content {
                Content::Http(_) => Outcome::Http(occupant.response()),
                _ => occupant.outcome(),
            };
            return self.answer(&request, outcome, 0);
        }
        let next = if host.listens(self.time) { host.next_process() } else { None };
        let Some(process) = next else {
            self.trace.refused += 1;
            return self.answer(&request, Outcome::NoListener, 0);
        };
        if !request.is_hostile {
            let rate = host.load.receive(self.time);
            if let Some(violation) = checks::fair_load(self.time, &host.url, rate, self.checks.load_limit) {
                self.report_violation(violation);
            }
        }
        let stalled_until = self.processes.get(process.index()).map_or(0, |process| process.stalled_until);
        if stalled_until > self.time {
            self.trace.stalled += 1;
            if let Some(sender) = request.sender.take_if(|sender| sender.deadline <= stalled_until) {
                self.time_out(sender);
            }
            return self.queue.push(stalled_until, WorldEvent::DelayedArrival(process, request));
        }
        match self.processor.accept(self.time) {
            Ok(()) => self.process_request(process, *request, answer),
            Err(later) => self.queue.push(later, WorldEvent::DelayedArrival(process, request)),
        }
    }

    pub(super) fn process_request(&mut self, process: ProcessId, request: Request, answer: Option<Answer>) {
        let Some(host) = self.hosts.get(request.to.index()) else { return };
        let (service, strips_v2) = (host.service, host.strips_v2);
        self.trace.record(self.time, 3, u64::from(process.0), request.size as u64);
        let is_stranger =
            self.hosts.get(request.from.index()).is_some_and(|from| from.cluster != host.cluster);
        let had_v2 =
            answer.is_some() || matches!(&request.content, Content::Gossip { extension: Some(_), .. });
        let size = answer.as_ref().map(|answer| answer.size);
        let outcome =
            if is_stranger && matches!(request.content, Content::Gossip { .. } | Content::Listing(_)) {
                Some(Outcome::Refused(Refusal::Unauthorized))
            } else if request.size > host.body_limit {
                Some(Outcome::Refused(Refusal::TooLarge))
            } else if let Content::Http(http) = &request.content {
                self.serve_http(process, http, strips_v2).map(Outcome::Http)
            } else {
                self.act(process, |engine, now| match answer {
                    Some(answer) => Outcome::Native(answer.extension),
                    None => serve(engine, now, &request.content, strips_v2),
                })
            };
        if let Some(outcome) = &outcome {
            if let Some(violation) =
                checks::legacy_clean(self.time, &host_url(self, request.to), outcome, had_v2)
            {
                self.report_violation(violation);
            }
            if let Some(process) = self.processes.get_mut(process.index()) {
                process.sent.bytes += (ANSWER_HEADERS + size.unwrap_or_else(|| outcome.size())) as u64;
            }
        }
        self.answer(&request, outcome.unwrap_or(Outcome::ConnectionReset), service);
    }

    fn answer(&mut self, request: &Request, outcome: Outcome, service: Millis) {
        let Some(sender) = request.sender else { return };
        let outcome = self.tap_response(request, outcome);
        let loses_responses = self
            .hosts
            .get(request.to.index())
            .is_some_and(|host| host.loses_responses && outcome.is_answer());
        let delay = if loses_responses { None } else { self.network.carry(request.to, request.from) };
        match delay.map(|delay| self.time + service + delay) {
            Some(at) if at < sender.deadline => {
                self.queue.push(at, WorldEvent::Outcome(sender, Box::new(outcome)));
            }
            Some(_) => self.time_out(sender),
            None => {
                self.trace.lost += 1;
                self.time_out(sender);
            }
        }
    }

    pub(super) fn conclude(&mut self, sender: Sender, outcome: Outcome) {
        let Some(process) = self.end_flight(&sender) else { return };
        if let RequestId::Task(task) = sender.request_id {
            self.trace.record(self.time, 4, u64::from(sender.process.0), outcome.size() as u64);
            return self.continue_task(task, outcome);
        }
        let outcome = match outcome {
            Outcome::Http(response) => response.into_plain(),
            outcome => outcome,
        };
        process.check_state.last_response_from = sender.target.filter(|_| outcome.has_lists());
        self.trace.record(self.time, 4, u64::from(sender.process.0), outcome.size() as u64);
        self.act(sender.process, |engine, now| match (engine, sender.request_id) {
            (Engine::Native(machine), RequestId::Native(id)) => match outcome.reply() {
                OwnedReply::Lists(lists) => {
                    machine.handle_reply(now, id, &Reply::Lists(received_lists(&lists)))
                }
                OwnedReply::Other(reply) => machine.handle_reply(now, id, &reply),
            },
            (Engine::Legacy(legacy), RequestId::Legacy(id)) => {
                let listing = outcome.listing(legacy.names());
                legacy.handle_reply(now, id, listing.as_deref());
            }
            _ => {}
        });
    }

    /// Finishes a request whose machine has handled the outcome, of `size` bytes, ahead.
    pub(super) fn finish_conclusion(&mut self, sender: Sender, size: usize) {
        let Some(process) = self.end_flight(&sender) else { return };
        process.check_state.last_response_from = None;
        self.trace.record(self.time, 4, u64::from(sender.process.0), size as u64);
        self.act(sender.process, |_, _| ());
    }

    /// Counts a request that is no longer in flight. Returns its sender, unless that has abandoned
    /// it.
    fn end_flight(&mut self, sender: &Sender) -> Option<&mut Process> {
        let process = self.processes.get_mut(sender.process.index())?;
        if process.epoch != sender.epoch {
            return None;
        }
        process.in_flight = process.in_flight.saturating_sub(1);
        Some(process)
    }

    pub(super) fn report_lag(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get(id.index()) else { return };
        let is_over = process.stalled_until <= self.time;
        let lag = if is_over { 0 } else { self.time - process.stalled_since };
        if !is_over {
            let next = (self.time + LAG_REPORT_INTERVAL).min(process.stalled_until);
            self.queue.push(next, WorldEvent::Lag(id));
        }
        self.act(id, |engine, now| {
            if let Engine::Native(machine) = engine {
                machine.handle_lag(now, Duration::from_millis(lag));
            }
        });
    }
}

fn host_url(world: &World, host: HostId) -> Arc<str> {
    world.hosts.get(host.index()).map_or_else(|| "".into(), |host| Arc::clone(&host.url))
}

fn millis(duration: Duration) -> Millis {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Answers a request with an engine.
fn serve(
    engine: &mut Engine,
    now: crate::protocol::time::Now,
    content: &Content,
    strips_v2: bool,
) -> Outcome {
    match (engine, content) {
        (Engine::Native(machine), Content::Gossip { lists, extension }) => {
            if let Some(extension) = extension.as_ref().filter(|_| machine.is_native() && !strips_v2) {
                return Outcome::Native(Box::new(machine.handle_native_request(now, extension)));
            }
            machine.handle_request(now, &received_lists(lists));
            Outcome::Lists(Arc::new(machine.lists()))
        }
        (Engine::Native(machine), Content::Listing(listing)) => {
            machine.handle_request(now, &received_lists(&listing.to_lists()));
            Outcome::Lists(Arc::new(machine.lists()))
        }
        (Engine::Native(machine), Content::List) => Outcome::Lists(Arc::new(machine.online_list())),
        (Engine::Legacy(legacy), Content::Gossip { lists, .. }) => {
            let listing = legacy.names().listing(lists);
            Outcome::Listing(Rc::new(legacy.handle_request(now, &listing)))
        }
        (Engine::Legacy(legacy), Content::Listing(listing)) => {
            Outcome::Listing(Rc::new(legacy.handle_request(now, listing)))
        }
        (Engine::Legacy(legacy), Content::List) => Outcome::Listing(Rc::new(legacy.public_list())),
        // A secured world serves real requests.
        (_, Content::Http(_)) => Outcome::ConnectionReset,
    }
}
