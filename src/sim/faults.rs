//! Random faults: a seed generates a world, then one fault after another.

use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::clock::{EPOCH, Glitch, Millis};
use super::host::Occupant;
use super::spec::{Kind, Spec};
use super::store::Fault;
use super::wire::HostId;
use super::world::World;
use crate::protocol::message::Refusal;

/// Hosts beyond which no fault adds servers.
const MAX_HOSTS: usize = 14;
/// Servers that are always left running.
const MIN_RUNNING: usize = 2;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// The faults of the store.
const STORE_FAULTS: [Fault; 10] = [
    Fault::Down,
    Fault::Status(500),
    Fault::Slow(3_000),
    Fault::Empty,
    Fault::Stale,
    Fault::LosesWrites,
    Fault::Contended,
    Fault::Flaky,
    Fault::Unconditional(400),
    Fault::MismatchedTags,
];

/// The kinds of servers in a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mix {
    /// Native servers only.
    Native,
    /// Native servers and legacy peers.
    Mixed,
    /// Legacy peers and servers without the native extension, and maybe native servers.
    Any,
}

/// Generates a world and its faults.
#[derive(Debug)]
pub struct FaultGenerator {
    /// The kinds of servers in the world.
    pub mix: Mix,
    rng: Xoshiro256PlusPlus,
    /// Separate, so that faults of addresses do not change a seed's other choices.
    address_rng: Xoshiro256PlusPlus,
    /// Whether clocks are wrong by hours.
    pub has_wrong_clocks: bool,
    /// Whether clocks are far off for a while.
    pub has_glitches: bool,
}

/// Whether a clock may be set days ahead.
#[derive(Clone, Copy, PartialEq, Eq)]
enum DaysAhead {
    Allowed,
    Excluded,
}

impl FaultGenerator {
    /// Creates the generator; the seed determines everything.
    pub fn new(seed: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x5eed);
        let mix = match rng.random_range(0..5) {
            0 | 1 => Mix::Native,
            2 | 3 => Mix::Mixed,
            _ => Mix::Any,
        };
        let has_wrong_clocks = rng.random_bool(0.3);
        let has_glitches = rng.random_bool(0.4);
        let address_rng = Xoshiro256PlusPlus::seed_from_u64(seed ^ 0xadd7);
        Self { mix, rng, address_rng, has_wrong_clocks, has_glitches }
    }

    /// Generates a world of 3 to 12 servers.
    pub fn generate_world(&mut self) -> World {
        let mut world = World::new(self.rng.random());
        self.fill_world(&mut world, 12);
        world
    }

    /// Configures a new world, and adds at least 3 servers.
    pub fn fill_world(&mut self, world: &mut World, max_servers: usize) {
        let intervals = [1, 5, 30];
        let template = world.template();
        template.config.gossip_interval = Duration::from_secs(self.choose(&intervals));
        template.config.master_list.announce_minimum = Duration::from_secs(20);
        template.config.master_list.announce_interval = Duration::from_secs(20);
        world.store.has_conditions = self.rng.random();
        let size = self.rng.random_range(3..=max_servers);
        if self.rng.random() {
            let specs: Vec<Spec> = (0..size).map(|_| self.spec()).collect();
            world.populate(&specs);
        } else {
            for _ in 0..size {
                let spec = self.spec();
                world.join(spec);
                world.run_for(self.rng.random_range(0..2_000));
            }
        }
    }

    /// Lets another service take over an address, or drains a legacy peer and brings it back.
    fn inject_address_fault(&mut self, world: &mut World) {
        let is_legacy = |host: &HostId| host_of(world, *host).kind == Kind::Legacy && runs(world, *host);
        let legacy_peers: Vec<HostId> = world.host_ids().filter(is_legacy).collect();
        let down: Vec<HostId> = world.host_ids().filter(|host| has_ended(world, *host)).collect();
        let occupants = [
            Occupant::Refuses(Refusal::Unauthorized),
            Occupant::Refuses(Refusal::TooManyRequests(None)),
            Occupant::EmptyList,
        ];
        match self.address_rng.random_range(0..24) {
            0 if !down.is_empty() => {
                let host = down[self.address_rng.random_range(0..down.len())];
                world.take_over(host, occupants[self.address_rng.random_range(0..occupants.len())]);
            }
            1 if !legacy_peers.is_empty() => {
                let host = legacy_peers[self.address_rng.random_range(0..legacy_peers.len())];
                world.drain(host);
                world.run_for(self.address_rng.random_range(0..5_000));
                world.bring_back(host);
            }
            _ => {}
        }
    }

    /// Injects a fault or ends one.
    pub fn inject(&mut self, world: &mut World) {
        self.inject_address_fault(world);
        let all: Vec<HostId> = world.host_ids().collect();
        let up: Vec<HostId> = all.iter().copied().filter(|host| runs(world, *host)).collect();
        let down: Vec<HostId> = all.iter().copied().filter(|host| has_ended(world, *host)).collect();
        let (host, other_host) = (self.choose(&all), self.choose(&all));
        let running = self.choose(&up);
        let may_end = up.len() > MIN_RUNNING;
        match self.rng.random_range(0..28) {
            0 | 1 if may_end => world.crash(running),
            2 if may_end => world.vanish(running),
            3 if may_end => world.leave(running),
            4 if may_end && host_of(world, running).kind != Kind::Legacy => world.drain(running),
            5 | 6 => {
                let drained = all.into_iter().find(|host| is_drained(world, *host));
                drained.into_iter().for_each(|host| world.bring_back(host));
            }
            7..=10 if !down.is_empty() => {
                let (host, spec) = (self.choose(&down), self.spec());
                world.restart(host, spec);
            }
            11 => {
                let spec = Spec { kind: host_of(world, running).kind, ..self.spec() };
                world.restart(running, spec);
            }
            12 if world.hosts.len() < MAX_HOSTS => {
                let spec = self.spec();
                world.join(spec);
            }
            13 | 14 => world.stall(running, self.rng.random_range(500..8_000)),
            15 if host != other_host => world.cut(host, other_host),
            16 => {
                let apart: Vec<bool> = all.iter().map(|_| self.rng.random()).collect();
                world.partition(|host| apart.get(host.index()) == Some(&true));
            }
            17 | 18 => world.heal(),
            19 => world.network.loss = self.rng.random_range(0.0..0.25),
            20 => (world.network.duplication, world.network.jitter) = (0.05, self.rng.random_range(0..200)),
            21 => world.hosts[host.index()].loses_responses = true,
            22 => world.hosts[host.index()].service = self.rng.random_range(0..1_500),
            23 => world.hosts[host.index()].strips_v2 ^= true,
            24 => world.store.set_fault(self.choose(&STORE_FAULTS)),
            25 if self.has_wrong_clocks => world.step_clock(running, self.rng.random_range(-HOUR..HOUR)),
            26 | 27 if self.has_glitches => world.glitch_clock(running, self.glitch(DaysAhead::Allowed)),
            _ => {}
        }
    }

    /// Returns a clock offset of hours, days or all the years since 1970, for some seconds.
    fn glitch(&mut self, days_ahead: DaysAhead) -> Glitch {
        let by = match self.rng.random_range(0..5) {
            0 => self.rng.random_range(-11 * HOUR..11 * HOUR),
            1 => -(EPOCH as i64),
            2 => self.rng.random_range(-30 * DAY..-2 * DAY),
            _ if days_ahead == DaysAhead::Allowed => self.rng.random_range(2 * DAY..30 * DAY),
            _ => 0,
        };
        Glitch { by, lasts: self.rng.random_range(500..20_000) }
    }

    /// Returns the time until the next fault.
    pub fn pause(&mut self) -> Millis {
        self.rng.random_range(200..8_000)
    }

    fn spec(&mut self) -> Spec {
        let kind = match (self.mix, self.rng.random_range(0..3)) {
            (Mix::Native, _) | (Mix::Mixed, 0 | 1) => Kind::Native,
            (Mix::Mixed, _) => Kind::Legacy,
            (Mix::Any, draw) => [Kind::Native, Kind::Plain, Kind::Legacy][draw],
        };
        // A plain server that starts days ahead keeps its stamp, which others reject.
        let has_glitch = self.has_glitches && self.rng.random_bool(0.25);
        let days_ahead = if kind == Kind::Plain { DaysAhead::Excluded } else { DaysAhead::Allowed };
        let glitch = if has_glitch { self.glitch(days_ahead) } else { Glitch::default() };
        Spec {
            kind,
            glitch,
            monitor: self.rng.random_bool(0.1),
            wall_offset: if self.has_wrong_clocks { self.rng.random_range(-3 * HOUR..3 * HOUR) } else { 0 },
            listens_after: if self.rng.random_bool(0.2) { self.rng.random_range(0..9_000) } else { 0 },
        }
    }

    fn choose<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.rng.random_range(0..options.len())]
    }
}

fn host_of(world: &World, host: HostId) -> &super::host::Host {
    &world.hosts[host.index()]
}

fn runs(world: &World, host: HostId) -> bool {
    host_of(world, host).should_be_online
}

fn has_ended(world: &World, host: HostId) -> bool {
    host_of(world, host).processes.is_empty()
}

fn is_drained(world: &World, host: HostId) -> bool {
    host_of(world, host).processes.iter().any(|id| world.processes[id.index()].is_drained)
}
