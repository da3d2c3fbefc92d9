//! Adds hosts and servers to a world.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;

use super::clock::{EPOCH, Glitch, present};
use super::host::{Host, Port};
use super::legacy::{Legacy, Setup};
use super::process::{Engine, Process, Stage};
use super::spec::{Kind, Spec, Template};
use super::view;
use super::wire::{HostId, ProcessId};
use super::world::World;
use crate::protocol::base_url::BaseUrl;
use crate::protocol::claim::Claim;
use crate::protocol::config::Config;
use crate::protocol::machine::Machine;
use crate::protocol::message::{Entry, Lists};
use crate::protocol::time::{Incarnation, Stamp};

impl World {
    /// The common configuration of servers that are started from now on.
    pub fn template(&mut self) -> &mut Template {
        &mut self.template
    }

    /// Adds a host without processes.
    pub fn add_host(&mut self) -> HostId {
        let id = HostId(u32::try_from(self.hosts.len()).unwrap_or(u32::MAX));
        let url: Arc<str> = format!("https://server-{:05}.example.com/", id.0).into();
        self.by_url.insert(Arc::clone(&url), id);
        let mut host = Host::new(url);
        host.body_limit = self.default_body_limit;
        self.hosts.push(host);
        id
    }

    /// The hosts.
    pub fn host_ids(&self) -> impl Iterator<Item = HostId> + use<> {
        (0..u32::try_from(self.hosts.len()).unwrap_or(u32::MAX)).map(HostId)
    }

    /// Starts a server on a host, in addition to those that run behind its URL.
    pub fn start(&mut self, host: HostId, spec: Spec) -> ProcessId {
        let (now, seed) = (present(self.time, spec.wall_offset + spec.glitch.by), self.rng.random());
        let engine = match spec.kind {
            Kind::Legacy => Engine::Legacy(Box::new(Legacy::start(self.setup(host, spec), seed, now))),
            _ => Engine::Native(Box::new(Machine::start(self.config(host, spec), seed, now))),
        };
        let id = self.install(host, spec, engine);
        self.carry_out(id);
        self.arm(id);
        id
    }

    /// Adds a host and starts a server on it.
    pub fn join(&mut self, spec: Spec) -> HostId {
        let host = self.add_host();
        self.start(host, spec);
        host
    }

    /// Adds servers that have long known each other; the master list contains all of them.
    pub fn populate(&mut self, specs: &[Spec]) {
        let first = self.hosts.len();
        for _ in specs {
            self.add_host();
        }
        let entries: Vec<Entry> = std::iter::zip(&self.hosts[first..], specs)
            .map(|(host, spec)| Entry {
                base_url: Arc::clone(&host.url).into(),
                monitor: spec.monitor,
                last_update: Stamp(EPOCH + self.time),
            })
            .collect();
        self.store.fill(&entries);
        let listing = self.names.listing(&Lists { online: entries.clone(), offline: Vec::new() });
        let claims = view::initial_claims(specs, &entries, self.time);
        let prototype = self.prototype(specs, &claims);
        for (index, spec) in (first..).zip(specs) {
            let host = HostId(u32::try_from(index).unwrap_or(u32::MAX));
            let (now, seed) = (present(self.time, spec.wall_offset), self.rng.random());
            let engine = match (spec.kind, &prototype) {
                (Kind::Legacy, _) => {
                    Engine::Legacy(Box::new(Legacy::running(self.setup(host, *spec), seed, now, &listing)))
                }
                (_, Some(prototype)) => {
                    let config = self.config(host, *spec);
                    Engine::Native(Box::new(Machine::seeded_like(prototype, config, seed, now)))
                }
                _ => {
                    let config = self.config(host, *spec);
                    let hears_natives = spec.kind == Kind::Native;
                    let (before, after) = claims.split_at(index - first);
                    let others = before.iter().chain(after.iter().skip(1)).map(|claim| Claim {
                        // A server without the extension has never heard of incarnations.
                        incarnation: if hears_natives { claim.incarnation } else { Incarnation::NONE },
                        ..claim.clone()
                    });
                    Engine::Native(Box::new(Machine::seeded(config, seed, now, others)))
                }
            };
            // Clocks that were wrong at the start are right by now.
            let id = self.install(host, Spec { glitch: Glitch::default(), ..*spec }, engine);
            self.processes[id.index()].stage = Stage::Running;
            self.carry_out(id);
            self.arm(id);
        }
    }

    /// Returns a server that knows them all if all are native, and so have equal knowledge. The
    /// others copy its roster, which matters with thousands of servers.
    fn prototype(&self, specs: &[Spec], claims: &[Claim]) -> Option<Machine> {
        let are_alike = specs.iter().all(|spec| spec.kind == Kind::Native && spec.wall_offset == 0);
        are_alike.then(|| {
            let config = self.template.config.clone();
            Machine::seeded(config, 0, present(self.time, 0), claims.iter().cloned())
        })
    }

    fn install(&mut self, host: HostId, spec: Spec, engine: Engine) -> ProcessId {
        let id = ProcessId(u32::try_from(self.processes.len()).unwrap_or(u32::MAX));
        let mut process = Process::new(host, engine, spec.wall_offset, self.time);
        process.glitch_clock(spec.glitch, self.time);
        self.trace.glitches += u64::from(spec.glitch.lasts > 0);
        self.processes.push(process);
        self.secure_process(id);
        let place = &mut self.hosts[host.index()];
        place.processes.push(id);
        place.port = Port::Open;
        place.occupant = None;
        place.listens_at = self.time + spec.listens_after;
        place.should_be_online = true;
        place.started_at = self.time;
        place.kind = spec.kind;
        id
    }

    fn config(&self, host: HostId, spec: Spec) -> Config {
        let mut config = self.template.config.clone();
        if let Ok(base_url) = BaseUrl::parse(&self.hosts[host.index()].url) {
            config.base_url = base_url;
        }
        config.monitor = spec.monitor;
        config.probe_interval = (spec.kind == Kind::Native).then_some(self.template.probe_interval);
        config
    }

    fn setup(&self, host: HostId, spec: Spec) -> Setup {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let config = &self.template.config;
        Setup {
            base_url: Arc::clone(&self.hosts[host.index()].url),
            names: self.names.clone(),
            monitor: spec.monitor,
            gossip_interval: millis(config.gossip_interval),
            announce_minimum: millis(config.master_list.announce_minimum),
            announce_interval: millis(config.master_list.announce_interval),
        }
    }
}
