//! The deliveries of native servers: the real ones of `src/security`, as `src/driver` runs them.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::base_url::BaseUrl;
use crate::protocol::envelope::{proof_in_gossip, proof_in_list, raw_body, signed_answer, signed_body};
use crate::protocol::extension::Extension;
use crate::protocol::machine::Machine;
use crate::protocol::message::{Lists, ReceivedLists, Refusal, Reply};
use crate::protocol::output::Transmit;
use crate::security::answer::{Answer, is_rejection, is_success, own_url_answer};
use crate::security::delivery::{CHALLENGE_TIMEOUT, Content, Delivery, ListAnswer, Next, Sent, Step};
use crate::security::message::{Address, Route};
use crate::security::payload::encode;
use crate::security::proof::Nonce;
use crate::sim::clock::Millis;
use crate::sim::http::{HttpRequest, HttpResponse};
use crate::sim::process::Engine;
use crate::sim::secured::node::secret_text;
use crate::sim::secured::task::{DeliveryTask, Message, Pending, Task};
use crate::sim::wire::{self, Outcome, ProcessId, RequestId};
use crate::sim::world::World;

/// What a delivery reports to the machine.
enum Final {
    Response(Outcome),
    Trusted(HttpResponse),
    Native(Box<Extension>),
    Unsigned,
    Withheld,
}

impl World {
    /// Begins the delivery of a native server's message to a peer; any other transmit comes back.
    pub(in crate::sim) fn deliver(&mut self, from: ProcessId, transmit: Transmit) -> Option<Transmit> {
        let security = self.secured.as_ref().and_then(|secured| secured.nodes.get(&from)?.security.as_ref());
        let Some(security) = security else { return Some(transmit) };
        let machine = self.processes.get(from.index()).and_then(|process| process.machine());
        let (id, base_url, content, message, timeout) = match transmit {
            Transmit::Gossip { id, base_url, lists, extension, timeout } => {
                let extension = extension.or_else(|| machine.map(Machine::greeting).map(Arc::new))?;
                (id, base_url, Content::Gossip, Message::Gossip { lists, extension }, timeout)
            }
            Transmit::CheckOwnUrl { id, base_url, extension, timeout } => {
                (id, base_url, Content::OwnUrl, Message::OwnUrl { extension }, timeout)
            }
            Transmit::Inquire { id, base_url, timeout } => {
                (id, base_url, Content::List, Message::List, timeout)
            }
            other => return Some(other),
        };
        let Ok(url) = BaseUrl::parse(&base_url) else { return None };
        let task = DeliveryTask {
            process: from,
            id,
            message,
            delivery: Delivery::new(url.identity(), content, security.known.contains(url.identity())),
            keyring: Arc::clone(&security.keyring),
            deadline: self.time + millis(timeout),
            pending: Pending::Nothing,
            list: None,
            base_url,
        };
        self.advance(task);
        None
    }

    /// Takes the next step of a delivery.
    fn advance(&mut self, mut task: DeliveryTask) {
        let now = self.now(task.process);
        let Some(secured) = self.secured.as_deref_mut() else { return };
        let nonce = secured.nonce();
        let Some(security) = secured.nodes.get_mut(&task.process).and_then(|node| node.security.as_mut())
        else {
            return;
        };
        match task.delivery.next(&mut security.sessions, nonce, now) {
            Step::Challenge(nonce) => self.request_list(task, Some(nonce)),
            Step::List => self.request_list(task, None),
            Step::Signed(address) => self.send_signed(task, address),
            Step::Raw(nonce) => {
                let (lists, extension) = match &task.message {
                    Message::Gossip { lists, extension } => (lists.as_ref(), extension),
                    Message::OwnUrl { extension } => (&Lists::default(), extension),
                    Message::List => return,
                };
                let body = raw_body(lists, Some(extension), &nonce.print());
                self.send_raw(task, nonce, body, 0);
            }
            Step::Answered(process) => {
                let extension = match &task.message {
                    Message::Gossip { extension, .. } | Message::OwnUrl { extension } => extension,
                    Message::List => return,
                };
                let list = match &task.list {
                    Some(Outcome::Http(response)) => Some(&*response.body),
                    _ => None,
                };
                let answer = own_url_answer(extension, process, list);
                self.finish(task, Final::Native(Box::new(answer)));
            }
            Step::Withhold => {
                secured.ledger.counts.withheld += 1;
                let last = task.list.take();
                let outcome = match last {
                    Some(Outcome::Http(response)) if is_success(response.status) => {
                        let is_withheld = task.delivery.is_withheld(secured.policy.accepts_raw());
                        if is_withheld { Final::Withheld } else { Final::Response(Outcome::Timeout) }
                    }
                    Some(outcome) => Final::Response(outcome),
                    None => Final::Withheld,
                };
                self.finish(task, outcome);
            }
        }
    }

    fn request_list(&mut self, mut task: DeliveryTask, nonce: Option<Nonce>) {
        let is_last = nonce.is_none() && matches!(task.message, Message::List);
        let limit = if is_last { Millis::MAX } else { millis(CHALLENGE_TIMEOUT) };
        let authorization = nonce.map(Nonce::to_header);
        task.pending = Pending::List(nonce);
        let request = HttpRequest { route: Route::List, authorization, body: Vec::new() };
        self.post(task, request, limit);
    }

    fn send_signed(&mut self, mut task: DeliveryTask, address: Address) {
        let now = self.now(task.process);
        let Message::Gossip { extension, .. } = &task.message else { return };
        let mut extension = (**extension).clone();
        let Some(secured) = self.secured.as_deref_mut() else { return };
        let Some(security) = secured.nodes.get_mut(&task.process).and_then(|node| node.security.as_mut())
        else {
            return;
        };
        extension.epoch = security.receiver.epoch(now.tick);
        let payload = encode(&extension, security.sessions.party());
        let sent = task.delivery.sign(&mut security.sessions, task.keyring.current(), address, &payload);
        let to = Arc::from(task.delivery.base_url());
        secured.ledger.record_request(sent.header(), &payload, &to, self.time);
        let header = sent.header().to_owned();
        task.pending = Pending::Signed(sent, header.clone());
        let body = signed_body(&payload);
        let request = HttpRequest { route: Route::Gossip, authorization: Some(header), body };
        self.post(task, request, Millis::MAX);
    }

    fn send_raw(&mut self, mut task: DeliveryTask, nonce: Nonce, body: Vec<u8>, index: usize) {
        let (time, process) = (self.time, task.process);
        let Some(secured) = self.secured.as_deref_mut() else { return };
        let Some(node) = secured.nodes.get(&process) else { return };
        let secret = node.secrets.get(index).copied().unwrap_or_default();
        secured.ledger.check_raw(time, process, task.delivery.base_url(), secured.policy);
        let authorization = Some(secret_text(secret));
        let request = HttpRequest { route: Route::Gossip, authorization, body: body.clone() };
        task.pending = Pending::Raw(nonce, body, index);
        self.post(task, request, Millis::MAX);
    }

    fn post(&mut self, task: DeliveryTask, request: HttpRequest, limit: Millis) {
        let Some(secured) = self.secured.as_deref_mut() else { return };
        let number = secured.next_task();
        let (process, base_url) = (task.process, Arc::clone(&task.base_url));
        let timeout = task.deadline.saturating_sub(self.time).min(limit);
        secured.tasks.insert(number, Task::Delivery(Box::new(task)));
        let content = wire::Content::Http(Arc::new(request));
        self.send(process, RequestId::Task(number), &base_url, content, timeout);
    }

    /// Continues a task with the outcome of its request.
    pub(in crate::sim) fn continue_task(&mut self, number: u64, outcome: Outcome) {
        let task = self.secured.as_mut().and_then(|secured| secured.tasks.remove(&number));
        match task {
            Some(Task::Delivery(mut task)) => match std::mem::replace(&mut task.pending, Pending::Nothing) {
                Pending::Nothing => {}
                Pending::List(nonce) => self.handle_list(*task, nonce, outcome),
                Pending::Signed(sent, header) => self.handle_signed(*task, &sent, &header, outcome),
                Pending::Raw(nonce, body, index) => {
                    self.handle_raw(*task, (nonce, body, index), outcome);
                }
            },
            Some(Task::Search { process, nonce, tries }) => {
                self.continue_search(process, nonce, tries, &outcome);
            }
            None => {}
        }
    }

    fn handle_list(&mut self, mut task: DeliveryTask, nonce: Option<Nonce>, outcome: Outcome) {
        if matches!(outcome, Outcome::NoListener) {
            return self.finish(task, Final::Response(outcome));
        }
        let now = self.now(task.process);
        let Some(secured) = self.secured.as_deref_mut() else { return };
        let Some(security) = secured.nodes.get_mut(&task.process).and_then(|node| node.security.as_mut())
        else {
            return;
        };
        let success = match &outcome {
            Outcome::Http(response) if is_success(response.status) => Some(&response.body),
            _ => None,
        };
        let proof = success.and_then(|body| proof_in_list(body));
        let answer = success.map_or(ListAnswer::Failure, |_| ListAnswer::Success(proof.as_deref()));
        if let (Message::OwnUrl { .. }, Some(proof), Some(nonce)) = (&task.message, &proof, nonce) {
            let is_sibling = security.receiver.record_own_url(&task.keyring, proof, nonce, now.tick);
            let base_url = task.delivery.base_url();
            if is_sibling && !secured.ledger.is_genuine(proof, nonce, base_url) {
                secured.ledger.report(self.time, "GenuineProof", format!("{base_url} meets {proof}"));
            }
        }
        let next = task.delivery.record_list(&mut security.sessions, &task.keyring, answer, now.tick);
        if let (Some(_), Some(proof), Some(nonce)) = (task.delivery.proved(), &proof, nonce) {
            let base_url = task.delivery.base_url();
            secured.ledger.record_accepted_proof(self.time, task.process, base_url, proof, nonce);
        }
        match next {
            Next::Deliver => self.finish(task, Final::Response(outcome)),
            Next::Continue => {
                task.list = Some(outcome);
                self.advance(task);
            }
        }
    }

    fn handle_signed(&mut self, mut task: DeliveryTask, sent: &Sent, header: &str, outcome: Outcome) {
        let Outcome::Http(response) = outcome else { return self.finish(task, Final::Response(outcome)) };
        let (time, now) = (self.time, self.now(task.process));
        let Some(secured) = self.secured.as_deref_mut() else { return };
        let Some(security) = secured.nodes.get_mut(&task.process).and_then(|node| node.security.as_mut())
        else {
            return;
        };
        let answer = (response.status, &*response.body);
        let answer =
            task.delivery.record_answer(&mut security.sessions, &task.keyring, sent, answer, now.tick);
        let base_url = task.delivery.base_url();
        match answer {
            Answer::Native(extension) => {
                let text = signed_answer(&response.body).unwrap_or_default();
                secured.ledger.check_response(time, task.process, &text, header, base_url);
                let needs_search = extension.siblings && !security.receiver.has_met_sibling_lately(now.tick);
                let process = task.process;
                self.finish(task, Final::Native(extension));
                if needs_search {
                    self.search_sibling(process);
                }
            }
            _ => {
                if is_foreign(&response) {
                    secured.ledger.record_foreign_answer(task.process, base_url);
                }
                match answer {
                    Answer::Retry => self.advance(task),
                    Answer::Unsigned => self.finish(task, Final::Unsigned),
                    _ => self.finish(task, Final::Response(Outcome::Http(response))),
                }
            }
        }
    }

    fn handle_raw(&mut self, mut task: DeliveryTask, sent: (Nonce, Vec<u8>, usize), outcome: Outcome) {
        let (nonce, body, index) = sent;
        let Outcome::Http(response) = outcome else { return self.finish(task, Final::Response(outcome)) };
        let (time, now) = (self.time, self.now(task.process));
        let Some(secured) = self.secured.as_deref_mut() else { return };
        let Some(node) = secured.nodes.get_mut(&task.process) else { return };
        let has_more = index + 1 < node.secrets.len() && self.time < task.deadline;
        let Some(security) = &mut node.security else { return };
        if is_rejection(response.status, &response.body) && has_more {
            return self.send_raw(task, nonce, body, index + 1);
        }
        let proof = proof_in_gossip(&response.body);
        let is_trusted = proof.as_ref().is_some_and(|proof| {
            task.delivery.record_raw_proof(&mut security.sessions, &task.keyring, nonce, proof, now.tick)
        });
        if let (true, Some(proof)) = (is_trusted, &proof) {
            let base_url = task.delivery.base_url();
            secured.ledger.record_accepted_proof(time, task.process, base_url, proof, nonce);
        }
        let outcome =
            if is_trusted { Final::Trusted(response) } else { Final::Response(Outcome::Http(response)) };
        self.finish(task, outcome);
    }

    /// Lets the machine see the outcome of a delivery.
    fn finish(&mut self, task: DeliveryTask, outcome: Final) {
        let target = self.by_url.get(&task.base_url).copied();
        let reply = |machine: &mut Machine, now| match &outcome {
            Final::Response(Outcome::Http(HttpResponse { status, body })) => {
                let reply = Reply::read(*status, None, body).without_extension(body);
                machine.handle_reply(now, task.id, &reply);
            }
            Final::Response(Outcome::NoListener) => {
                machine.handle_reply(now, task.id, &Reply::NoListener("connection refused".to_owned()));
            }
            Final::Response(_) => {
                machine.handle_reply(now, task.id, &Reply::Failure("no answer in time".to_owned()));
            }
            Final::Trusted(HttpResponse { status, body }) => {
                machine.handle_reply(now, task.id, &Reply::read(*status, None, body));
            }
            Final::Native(extension) => {
                machine.handle_reply(now, task.id, &Reply::Native(extension.clone()));
            }
            Final::Unsigned => {
                machine.handle_reply(now, task.id, &Reply::Lists(ReceivedLists::default()));
            }
            Final::Withheld => {
                machine.handle_reply(now, task.id, &Reply::Refusal(Refusal::Withheld));
            }
        };
        if let Some(process) = self.processes.get_mut(task.process.index()) {
            let has_lists =
                matches!(&outcome, Final::Response(Outcome::Http(_)) | Final::Trusted(_) | Final::Unsigned);
            process.check_state.last_response_from = target.filter(|_| has_lists);
        }
        self.act(task.process, |engine, now| {
            if let Engine::Native(machine) = engine {
                reply(machine, now);
            }
        });
    }
}

/// Whether something else than this package has answered a signed message, or changed its body.
fn is_foreign(response: &HttpResponse) -> bool {
    let text = String::from_utf8_lossy(&response.body);
    let is_rejection = is_rejection(response.status, &response.body) || text.contains("Unauthorized: ");
    is_success(response.status) || (is_rejection && !text.contains("Unauthorized: Invalid "))
}

fn millis(duration: Duration) -> Millis {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
