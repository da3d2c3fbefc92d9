//! What the attacker sends on its own: recorded messages again, elsewhere or reflected, and forged
//! ones.

use std::sync::Arc;

use rand::RngExt;

use crate::protocol::envelope::{signed_answer, signed_body};
use crate::protocol::message::{Entry, Lists, ReceivedLists};
use crate::protocol::time::Stamp;
use crate::security::message::{Address, Header, Party, Route, sign_request};
use crate::security::process::ProcessNumber;
use crate::sim::clock::EPOCH;
use crate::sim::event::WorldEvent;
use crate::sim::http::HttpRequest;
use crate::sim::process::Engine;
use crate::sim::secured::attacker::Attacker;
use crate::sim::secured::attacker::Record;
use crate::sim::wire::{Content, HostId, Request, received_lists};
use crate::sim::world::World;

impl World {
    /// Lets the attacker send some messages.
    pub fn strike(&mut self, count: usize) {
        for _ in 0..count {
            let hosts: Vec<(HostId, Arc<str>)> =
                self.host_ids().map(|host| (host, Arc::clone(&self.hosts[host.index()].url))).collect();
            let Some(secured) = self.secured.as_deref_mut() else { return };
            let attacker = &mut secured.attacker;
            let Some((other, url)) = attacker.choose(&hosts) else { return };
            let Some(record) = attacker.recorded_request() else { return };
            attacker.deeds += 1;
            let (to, request) = match attacker.rng.random_range(0..7) {
                0..=2 => (record.to, (*record.request).clone()),
                3 => (other, (*record.request).clone()),
                4 => (record.from, (*record.request).clone()),
                5 => (other, attacker.forge_request(&record, &url)),
                _ => (other, attacker.forge_raw(&hosts)),
            };
            let content = Content::Http(Arc::new(request));
            let request =
                Box::new(Request { sender: None, from: to, to, content, size: 0, is_hostile: true });
            self.queue.push(self.time, WorldEvent::Arrival(request));
        }
    }

    /// Lets a server hear of an address of the attacker, as from a legacy peer.
    pub fn spread_hearsay(&mut self, listener: HostId, hostile: HostId) {
        let base_url = Arc::clone(&self.hosts[hostile.index()].url).into();
        let entry = Entry { base_url, monitor: false, last_update: Stamp(EPOCH + self.time) };
        let lists = Lists { online: vec![entry], offline: Vec::new() };
        let received: ReceivedLists<'_> = received_lists(&lists);
        for id in self.hosts[listener.index()].processes.clone() {
            self.act(id, |engine, now| {
                if let Engine::Native(machine) = engine {
                    machine.handle_request(now, &received);
                }
            });
        }
    }
}

impl Attacker {
    /// Makes a signed request with an old secret, or one that reflects a recorded response.
    fn forge_request(&mut self, record: &Record, base_url: &str) -> HttpRequest {
        let keys = self.keys();
        let payload = record.request.payload().unwrap_or_default();
        let header = record.request.authorization.as_deref().and_then(Header::read);
        let process = ProcessNumber::new(self.rng.random()).unwrap_or(ProcessNumber::MIN);
        let sender = header.map_or(Party { base_url, process }, |header| header.sender);
        if self.rng.random_bool(0.3)
            && let Some(text) = self.responses.back().and_then(|response| signed_answer(&response.body))
        {
            let authorization = Some(format!("Shazbot {text}"));
            let body = signed_body(text.rsplit('.').next().unwrap_or_default());
            return HttpRequest { route: Route::Gossip, authorization, body };
        }
        let address = if self.rng.random() {
            Address::Process(process, 0)
        } else {
            Address::Group(EPOCH + self.rng.random_range(0..1_000_000))
        };
        let sequence = self.rng.random_range(0..10_000);
        let sent = sign_request(&keys, Route::Gossip, sender, (base_url, address), sequence, &payload);
        let body = signed_body(&payload);
        HttpRequest { route: Route::Gossip, authorization: Some(sent.header), body }
    }

    /// Makes a message with an old secret that buries all servers.
    fn forge_raw(&mut self, hosts: &[(HostId, Arc<str>)]) -> HttpRequest {
        let offline = hosts
            .iter()
            .map(|(_, url)| Entry {
                base_url: Arc::clone(url).into(),
                monitor: false,
                last_update: Stamp(EPOCH * 2),
            })
            .collect();
        let body = Lists { online: Vec::new(), offline }.to_gossip_json(None);
        HttpRequest { route: Route::Gossip, authorization: Some(self.secret()), body }
    }
}
