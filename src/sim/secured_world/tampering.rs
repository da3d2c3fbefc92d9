//! What the attacker does to messages on their way, and to those at its own addresses.

use std::sync::Arc;

use rand::RngExt;

use crate::protocol::message::Entry;
use crate::protocol::time::Stamp;
use crate::security::message::{Route, is_signed};
use crate::sim::clock::{EPOCH, Millis};
use crate::sim::event::WorldEvent;
use crate::sim::http::{HttpRequest, HttpResponse};
use crate::sim::secured::attacker::{Record, is_open, push};
use crate::sim::secured::http::without;
use crate::sim::wire::{Content, HostId, Outcome, Request};
use crate::sim::world::World;

/// Its longest delay of a message: longer than two epochs.
const MAX_DELAY: Millis = 1_500_000;

impl World {
    /// Lets the attacker see a request, and maybe change it. Returns whether it goes on.
    pub(in crate::sim) fn tap_request(&mut self, request: &mut Request) -> bool {
        let Some(secured) = self.secured.as_deref_mut() else { return true };
        let Content::Http(http) = &request.content else { return true };
        if !is_open(http) {
            return true;
        }
        let attacker = &mut secured.attacker;
        let record = Record { from: request.from, to: request.to, request: Arc::clone(http) };
        push(&mut attacker.requests, record);
        if !attacker.acts() {
            return true;
        }
        let mut changed = (**http).clone();
        let other = attacker.recorded_request();
        match attacker.rng.random_range(0..9) {
            0 => return false,
            1 => changed.authorization = changed.authorization.map(|text| attacker.flip_text(&text)),
            2 => attacker.flip(&mut changed.body),
            3 => changed.authorization = None,
            4 => changed.authorization = other.and_then(|other| other.request.authorization.clone()),
            5 => changed.body = other.map_or_else(Vec::new, |other| other.request.body.clone()),
            6 => {
                // The request itself comes through later, without its sender.
                let delay = attacker.rng.random_range(0..MAX_DELAY);
                let late = Box::new(Request { sender: None, is_hostile: true, ..request.clone() });
                self.queue.push(self.time + delay, WorldEvent::Arrival(late));
                return false;
            }
            7 => {
                let delay = attacker.rng.random_range(0..1_000);
                let copy = Box::new(Request { sender: None, is_hostile: true, ..request.clone() });
                self.queue.push(self.time + delay, WorldEvent::Arrival(copy));
            }
            _ => {
                request.to = other.map_or(request.to, |other| other.to);
                request.is_hostile = true;
            }
        }
        request.content = Content::Http(Arc::new(changed));
        true
    }

    /// Lets the attacker see a response, and maybe change it.
    pub(in crate::sim) fn tap_response(&mut self, request: &Request, outcome: Outcome) -> Outcome {
        let Some(secured) = self.secured.as_deref_mut() else { return outcome };
        let (Content::Http(asked), Outcome::Http(response)) = (&request.content, &outcome) else {
            return outcome;
        };
        if !is_open(asked) {
            return outcome;
        }
        push(&mut secured.attacker.responses, response.clone());
        if !secured.attacker.acts() {
            return outcome;
        }
        let url = self.hosts.get(request.to.index()).map(|host| Arc::clone(&host.url)).unwrap_or_default();
        let attacker = &mut secured.attacker;
        let mut changed = response.clone();
        match attacker.rng.random_range(0..10) {
            0 => return Outcome::Timeout,
            1 => attacker.flip(&mut changed.body),
            2 => changed.body = without(&response.body, "proof"),
            3 => changed.body = without(&response.body, "v2"),
            4 => changed = attacker.recorded_response().unwrap_or(changed),
            5 => changed = HttpResponse::foreign_rejection(),
            6 => changed = HttpResponse::unauthorized(),
            7 => changed = HttpResponse::ok(br#"{"online":[],"offline":[]}"#.to_vec()),
            8 => changed = attacker.forge_response(asked, &url, &changed),
            _ => {
                if let Some(relayed) = self.relay_challenge(asked) {
                    changed = relayed;
                }
            }
        }
        Outcome::Http(changed)
    }

    /// Passes a challenge on to another server, whose proof is genuine but names another URL.
    fn relay_challenge(&mut self, asked: &HttpRequest) -> Option<HttpResponse> {
        let secured = self.secured.as_deref_mut()?;
        let others: Vec<_> = secured.nodes.keys().copied().collect();
        let other = secured.attacker.choose(&others)?;
        self.serve_route(other, &HttpRequest { route: Route::List, ..asked.clone() })
    }

    /// Lets the attacker listen at a new address. Returns its host.
    pub fn add_hostile_host(&mut self) -> HostId {
        let host = self.add_host();
        if let Some(secured) = &mut self.secured {
            secured.attacker.hosts.push(host);
        }
        host
    }

    /// The answer of the attacker at its own address; `None` for any other address.
    pub(in crate::sim) fn answer_as_attacker(&mut self, request: &Request) -> Option<Outcome> {
        let Content::Http(asked) = &request.content else { return None };
        let host = self.hosts.get(request.to.index())?;
        let (url, is_free) = (Arc::clone(&host.url), host.processes.is_empty());
        let time = self.time;
        let attacker = &mut self.secured.as_deref_mut()?.attacker;
        if !is_free || !attacker.hosts.contains(&request.to) {
            return None;
        }
        if asked.authorization.as_deref().is_some_and(is_signed) {
            return Some(Outcome::Http(HttpResponse::foreign_rejection()));
        }
        let last_update = Stamp(EPOCH + time);
        let own = [Entry { base_url: Arc::clone(&url).into(), monitor: false, last_update }];
        let response = match attacker.rng.random_range(0..5) {
            0 => return Some(Outcome::Timeout),
            1 => HttpResponse::foreign_rejection(),
            2 => HttpResponse::list(&own, None),
            3 => {
                let plain = HttpResponse::list(&own, None);
                attacker.forge_response(asked, &url, &plain)
            }
            _ => self.relay_challenge(asked).unwrap_or_else(|| HttpResponse::list(&own, None)),
        };
        Some(Outcome::Http(response))
    }
}
