//! How requests travel, and what comes of them.

use std::sync::Arc;
use std::time::Duration;

use super::checks;
use super::clock::Millis;
use super::host::Port;
use super::legacy::Wish;
use super::process::{Engine, Stage};
use super::store::StoreRequest;
use super::wire::{
    ANSWER_HEADERS, HostId, Outcome, OwnedReply, ProcessId, Question, REQUEST_HEADERS, Request, Sender,
    Ticket, heard,
};
use super::world::{Happening, World};
use crate::protocol::message::{Refusal, Reply};
use crate::protocol::output::{Event, Transmit};

/// So long a legacy peer waits for an answer.
const LEGACY_TIMEOUT: Millis = 5_000;
/// The driver tells about a lag beyond this, and as often.
pub(super) const LAG_TOLD_EVERY: Millis = 1_000;

impl World {
    /// Carries out what an engine wants.
    pub(super) fn carry_out(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get_mut(id.index()) else { return };
        match &mut process.engine {
            Some(Engine::Native(machine)) => {
                let transmits: Vec<Transmit> = std::iter::from_fn(|| machine.poll_transmit()).collect();
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
                for transmit in transmits {
                    if let Some(golden) = &mut self.golden {
                        golden.record_transmit(self.time, id, &transmit);
                    }
                    self.transmit(id, transmit);
                }
                if has_ended {
                    self.exit(id);
                }
            }
            Some(Engine::Legacy(legacy)) => {
                let (wishes, has_ended) = (legacy.take_wishes(), legacy.is_gone());
                if legacy.is_running() {
                    process.stage = Stage::Running;
                }
                for wish in wishes {
                    self.grant(id, wish);
                }
                if has_ended {
                    self.exit(id);
                }
            }
            None => {}
        }
    }

    fn transmit(&mut self, from: ProcessId, transmit: Transmit) {
        match transmit {
            Transmit::Gossip { id, base_url, lists, extension, timeout } => {
                let question = Question::Gossip { lists, extension };
                self.send(from, Ticket::Native(id), &base_url, question, millis(timeout));
            }
            Transmit::AskMyself { id, base_url, extension, timeout } => {
                let question = Question::Gossip { lists: Arc::default(), extension: Some(extension) };
                self.send(from, Ticket::Native(id), &base_url, question, millis(timeout));
            }
            Transmit::Inquire { id, base_url, timeout } => {
                self.send(from, Ticket::Native(id), &base_url, Question::List, millis(timeout));
            }
            Transmit::DownloadMasterList { id } => self.run(from, Ticket::Native(id), StoreRequest::Download),
            Transmit::UploadMasterList { id, entries, condition } => {
                self.run(from, Ticket::Native(id), StoreRequest::Upload { entries, condition });
            }
            Transmit::AbandonAll => {
                if let Some(process) = self.processes.get_mut(from.index()) {
                    process.epoch += 1;
                    process.in_flight = 0;
                }
            }
        }
    }

    fn grant(&mut self, from: ProcessId, wish: Wish) {
        match wish {
            Wish::Gossip { id, base_url, lists } => {
                let question = Question::Gossip { lists, extension: None };
                self.send(from, Ticket::Legacy(id), &base_url, question, LEGACY_TIMEOUT);
            }
            Wish::Download { id } => self.run(from, Ticket::Legacy(id), StoreRequest::Download),
            Wish::Upload { id, entries } => {
                self.run(from, Ticket::Legacy(id), StoreRequest::PlainUpload { entries })
            }
        }
    }

    fn send(&mut self, from: ProcessId, ticket: Ticket, to: &str, question: Question, timeout: Millis) {
        let size = question.size();
        let deadline = self.time + timeout;
        let Some(process) = self.processes.get_mut(from.index()) else { return };
        process.in_flight += 1;
        process.sent.bytes += (REQUEST_HEADERS + size) as u64;
        process.sent.requests += 1;
        process.sent.largest = process.sent.largest.max(size);
        let asked = self.by_url.get(to).copied();
        let sender = Sender { process: from, epoch: process.epoch, ticket, asked, deadline };
        if matches!(ticket, Ticket::Native(_)) {
            let found = checks::bounded(self.time, process, &self.hosts, size);
            found.into_iter().flatten().for_each(|violation| self.checks.report(violation));
        }
        let from = process.host;
        let Some(to) = asked else {
            // Nobody has that name.
            return self.queue.push(self.time, Happening::Outcome(sender, Box::new(Outcome::Broken)));
        };
        self.trace.note(self.time, 2, u64::from(from.0) << 32 | u64::from(to.0), size as u64);
        let Some(way) = self.network.carry_request(from, to) else {
            self.trace.lost += 1;
            return self.stay_silent(sender);
        };
        let request = Box::new(Request { sender: Some(sender), from, to, question, size });
        if let Some(later) = self.network.echo() {
            self.trace.echoes += 1;
            let echo = Box::new(Request { sender: None, ..(*request).clone() });
            self.queue.push(self.time + way + later, Happening::Arrival(echo));
        }
        self.queue.push(self.time + way, Happening::Arrival(request));
    }

    fn stay_silent(&mut self, sender: Sender) {
        self.queue.push(sender.deadline, Happening::Outcome(sender, Box::new(Outcome::Silence)));
    }

    pub(super) fn arrive(&mut self, mut request: Box<Request>) {
        let Some(host) = self.hosts.get_mut(request.to.index()) else { return };
        if host.port == Port::Vanished {
            if let Some(sender) = request.sender {
                self.stay_silent(sender);
            }
            return;
        }
        if let Some(squatter) = host.squatter {
            return self.answer(&request, squatter.outcome(), 0);
        }
        let next = if host.listens(self.time) { host.next_process() } else { None };
        let Some(process) = next else {
            self.trace.refused += 1;
            return self.answer(&request, Outcome::NoListener, 0);
        };
        let rate = host.load.receive(self.time);
        if let Some(violation) = checks::fair_load(self.time, &host.url, rate, self.checks.load_limit) {
            self.violate(violation);
        }
        let stalled_until = self.processes.get(process.index()).map_or(0, |process| process.stalled_until);
        if stalled_until > self.time {
            self.trace.stalled += 1;
            if let Some(sender) = request.sender.take_if(|sender| sender.deadline <= stalled_until) {
                self.stay_silent(sender);
            }
            return self.queue.push(stalled_until, Happening::TakeUp(process, request));
        }
        match self.processor.take_up(self.time) {
            Ok(()) => self.take_up(process, *request),
            Err(later) => self.queue.push(later, Happening::TakeUp(process, request)),
        }
    }

    pub(super) fn take_up(&mut self, process: ProcessId, request: Request) {
        let Some(host) = self.hosts.get(request.to.index()) else { return };
        let (service, strips_v2) = (host.service, host.strips_v2);
        self.trace.note(self.time, 3, u64::from(process.0), request.size as u64);
        let is_stranger =
            self.hosts.get(request.from.index()).is_some_and(|from| from.cluster != host.cluster);
        let outcome = if is_stranger && matches!(request.question, Question::Gossip { .. }) {
            Some(Outcome::Refused(Refusal::Unauthorized))
        } else if request.size > host.body_limit {
            Some(Outcome::Refused(Refusal::TooLarge))
        } else {
            self.act(process, |engine, now| serve(engine, now, &request.question, strips_v2))
        };
        if let Some(outcome) = &outcome {
            let had_v2 = matches!(&request.question, Question::Gossip { extension: Some(_), .. });
            if let Some(violation) =
                checks::legacy_clean(self.time, &host_url(self, request.to), outcome, had_v2)
            {
                self.violate(violation);
            }
            if let Some(process) = self.processes.get_mut(process.index()) {
                process.sent.bytes += (ANSWER_HEADERS + outcome.size()) as u64;
            }
        }
        self.answer(&request, outcome.unwrap_or(Outcome::Broken), service);
    }

    fn answer(&mut self, request: &Request, outcome: Outcome, service: Millis) {
        let Some(sender) = request.sender else { return };
        let is_mute =
            self.hosts.get(request.to.index()).is_some_and(|host| host.is_mute && outcome.is_answer());
        let way = if is_mute { None } else { self.network.carry(request.to, request.from) };
        match way.map(|way| self.time + service + way) {
            Some(at) if at < sender.deadline => {
                self.queue.push(at, Happening::Outcome(sender, Box::new(outcome)));
            }
            Some(_) => self.stay_silent(sender),
            None => {
                self.trace.lost += 1;
                self.stay_silent(sender);
            }
        }
    }

    pub(super) fn conclude(&mut self, sender: Sender, outcome: Outcome) {
        let Some(process) = self.processes.get_mut(sender.process.index()) else { return };
        if process.epoch != sender.epoch {
            return;
        }
        process.in_flight = process.in_flight.saturating_sub(1);
        process.ledger.answered_by = sender.asked.filter(|_| matches!(outcome, Outcome::Lists(_)));
        self.trace.note(self.time, 4, u64::from(sender.process.0), outcome.size() as u64);
        self.act(sender.process, |engine, now| match (engine, sender.ticket) {
            (Engine::Native(machine), Ticket::Native(id)) => match outcome.reply() {
                OwnedReply::Lists(lists) => machine.handle_reply(now, id, &Reply::Lists(heard(&lists))),
                OwnedReply::Other(reply) => machine.handle_reply(now, id, &reply),
            },
            (Engine::Legacy(legacy), Ticket::Legacy(id)) => {
                let lists = if let Outcome::Lists(lists) = &outcome { Some(&**lists) } else { None };
                legacy.handle_reply(now, id, lists);
            }
            _ => {}
        });
    }

    pub(super) fn tell_lag(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get(id.index()) else { return };
        let is_over = process.stalled_until <= self.time;
        let lag = if is_over { 0 } else { self.time - process.stalled_since };
        if !is_over {
            let next = (self.time + LAG_TOLD_EVERY).min(process.stalled_until);
            self.queue.push(next, Happening::Lag(id));
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

/// How an engine answers.
fn serve(
    engine: &mut Engine,
    now: crate::protocol::time::Now,
    question: &Question,
    strips_v2: bool,
) -> Outcome {
    match (engine, question) {
        (Engine::Native(machine), Question::Gossip { lists, extension }) => {
            if let Some(extension) = extension.as_ref().filter(|_| machine.is_native() && !strips_v2) {
                return Outcome::Native(Box::new(machine.handle_native_request(now, extension)));
            }
            machine.handle_request(now, &heard(lists));
            Outcome::Lists(Arc::new(machine.lists(true)))
        }
        (Engine::Native(machine), Question::List) => Outcome::Lists(Arc::new(machine.lists(false))),
        (Engine::Legacy(legacy), Question::Gossip { lists, .. }) => {
            Outcome::Lists(Arc::new(legacy.handle_request(now, lists)))
        }
        (Engine::Legacy(legacy), Question::List) => Outcome::Lists(Arc::new(legacy.public_list())),
    }
}
