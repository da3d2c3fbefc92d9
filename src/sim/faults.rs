//! What goes wrong by chance: a world cast by a seed, and blows that hit it one after another.

use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::clock::{EPOCH, Glitch, Millis};
use super::host::Squatter;
use super::spec::{Kind, Spec};
use super::store::Fault;
use super::wire::HostId;
use super::world::World;
use crate::protocol::message::Refusal;

/// No blow adds servers beyond this.
const MAX_HOSTS: usize = 14;
/// At least so many are left running.
const MIN_RUNNING: usize = 2;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// What may go wrong with the store.
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
    Fault::UselessTags,
];

/// Which kinds of servers a world is cast with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mix {
    /// Natives alone.
    Native,
    /// Natives and legacy peers.
    Mixed,
    /// Legacy peers and servers without the native extension, and maybe natives.
    Any,
}

/// Who casts a world and strikes it.
#[derive(Debug)]
pub struct Chaos {
    /// What the world is cast with.
    pub mix: Mix,
    rng: Xoshiro256PlusPlus,
    /// Of its own, so that what happens to addresses leaves the other choices of a seed alone.
    address_rng: Xoshiro256PlusPlus,
    has_wrong_clocks: bool,
    /// Whether clocks are far off for a while.
    pub has_glitches: bool,
}

impl Chaos {
    /// The seed decides everything.
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

    /// A world of 3 to 12 servers.
    pub fn cast(&mut self) -> World {
        let mut world = World::new(self.rng.random());
        let intervals = [1, 5, 30];
        let template = world.template();
        template.config.gossip_interval = Duration::from_secs(self.choose(&intervals));
        template.config.master_list.announce_minimum = Duration::from_secs(20);
        template.config.master_list.announce_interval = Duration::from_secs(20);
        world.store.has_conditions = self.rng.random();
        let size = self.rng.random_range(3..=12);
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
        world
    }

    /// Another service takes over an address, or an original is drained and brought back.
    fn strike_addresses(&mut self, world: &mut World) {
        let is_original = |host: &HostId| place(world, *host).kind == Kind::Legacy && runs(world, *host);
        let originals: Vec<HostId> = world.host_ids().filter(is_original).collect();
        let down: Vec<HostId> = world.host_ids().filter(|host| has_ended(world, *host)).collect();
        let squatters = [
            Squatter::Refuses(Refusal::Unauthorized),
            Squatter::Refuses(Refusal::TooManyRequests(None)),
            Squatter::EmptyList,
        ];
        match self.address_rng.random_range(0..24) {
            0 if !down.is_empty() => {
                let host = down[self.address_rng.random_range(0..down.len())];
                world.take_over(host, squatters[self.address_rng.random_range(0..squatters.len())]);
            }
            1 if !originals.is_empty() => {
                let host = originals[self.address_rng.random_range(0..originals.len())];
                world.control(host, false);
                world.run_for(self.address_rng.random_range(0..5_000));
                world.control(host, true);
            }
            _ => {}
        }
    }

    /// Something goes wrong, or gets better.
    pub fn strike(&mut self, world: &mut World) {
        self.strike_addresses(world);
        let all: Vec<HostId> = world.host_ids().collect();
        let up: Vec<HostId> = all.iter().copied().filter(|host| runs(world, *host)).collect();
        let down: Vec<HostId> = all.iter().copied().filter(|host| has_ended(world, *host)).collect();
        let (one, other) = (self.choose(&all), self.choose(&all));
        let running = self.choose(&up);
        let may_end = up.len() > MIN_RUNNING;
        match self.rng.random_range(0..28) {
            0 | 1 if may_end => world.crash(running),
            2 if may_end => world.vanish(running),
            3 if may_end => world.leave(running),
            4 if may_end && place(world, running).kind != Kind::Legacy => world.control(running, false),
            5 | 6 => {
                let drained = all.into_iter().find(|host| is_drained(world, *host));
                drained.into_iter().for_each(|host| world.control(host, true));
            }
            7..=10 if !down.is_empty() => {
                let (host, spec) = (self.choose(&down), self.spec());
                world.restart(host, spec);
            }
            11 => {
                let spec = Spec { kind: place(world, running).kind, ..self.spec() };
                world.restart(running, spec);
            }
            12 if world.hosts.len() < MAX_HOSTS => {
                let spec = self.spec();
                world.join(spec);
            }
            13 | 14 => world.stall(running, self.rng.random_range(500..8_000)),
            15 if one != other => world.cut(one, other),
            16 => {
                let apart: Vec<bool> = all.iter().map(|_| self.rng.random()).collect();
                world.partition(|host| apart.get(host.index()) == Some(&true));
            }
            17 | 18 => world.heal(),
            19 => world.network.loss = self.rng.random_range(0.0..0.25),
            20 => (world.network.duplication, world.network.jitter) = (0.05, self.rng.random_range(0..200)),
            21 => world.hosts[one.index()].is_mute = true,
            22 => world.hosts[one.index()].service = self.rng.random_range(0..1_500),
            23 => world.hosts[one.index()].strips_v2 ^= true,
            24 => world.store.suffer(self.choose(&STORE_FAULTS)),
            25 if self.has_wrong_clocks => world.step_clock(running, self.rng.random_range(-HOUR..HOUR)),
            26 | 27 if self.has_glitches => world.glitch_clock(running, self.glitch(true)),
            _ => {}
        }
    }

    /// A clock that is off by hours, by days or by all the years since 1970, for seconds.
    fn glitch(&mut self, may_be_days_ahead: bool) -> Glitch {
        let by = match self.rng.random_range(0..5) {
            0 => self.rng.random_range(-11 * HOUR..11 * HOUR),
            1 => -(EPOCH as i64),
            2 => self.rng.random_range(-30 * DAY..-2 * DAY),
            _ if may_be_days_ahead => self.rng.random_range(2 * DAY..30 * DAY),
            _ => 0,
        };
        Glitch { by, lasts: self.rng.random_range(500..20_000) }
    }

    /// How long until the next blow.
    pub fn pause(&mut self) -> Millis {
        self.rng.random_range(200..8_000)
    }

    fn spec(&mut self) -> Spec {
        let kind = match (self.mix, self.rng.random_range(0..3)) {
            (Mix::Native, _) | (Mix::Mixed, 0 | 1) => Kind::Native,
            (Mix::Mixed, _) => Kind::Legacy,
            (Mix::Any, draw) => [Kind::Native, Kind::Plain, Kind::Legacy][draw],
        };
        // A plain server that starts days ahead keeps its stamp, which nobody lets in.
        let has_glitch = self.has_glitches && self.rng.random_bool(0.25);
        let glitch = if has_glitch { self.glitch(kind != Kind::Plain) } else { Glitch::default() };
        Spec {
            kind,
            glitch,
            monitor: self.rng.random_bool(0.1),
            wall_offset: if self.has_wrong_clocks { self.rng.random_range(-3 * HOUR..3 * HOUR) } else { 0 },
            listens_after: if self.rng.random_bool(0.2) { self.rng.random_range(0..9_000) } else { 0 },
        }
    }

    fn choose<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.rng.random_range(0..among.len())]
    }
}

fn place(world: &World, host: HostId) -> &super::host::Host {
    &world.hosts[host.index()]
}

fn runs(world: &World, host: HostId) -> bool {
    place(world, host).is_to_be_online
}

fn has_ended(world: &World, host: HostId) -> bool {
    place(world, host).processes.is_empty()
}

fn is_drained(world: &World, host: HostId) -> bool {
    place(world, host).processes.iter().any(|id| world.processes[id.index()].is_drained)
}
