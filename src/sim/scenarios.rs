//! Scenarios whose numbers matter: how fast news of one kind reaches all, event after event in one world.
//!
//! One at a time, and each in silence: while other news spread, a crash is found sooner, by those who tell its host of them.

use std::collections::VecDeque;

use rand::RngExt;

use super::clock::Millis;
use super::process::{Engine, Process, Traffic};
use super::spec::{Kind, Spec};
use super::watch::{News, Watch, WatchId};
use super::wire::HostId;
use super::world::World;

/// Servers that have just started have found their pace after this.
const WARM_UP: Millis = 5_000;
/// After an event has been measured, the next one waits for this: nobody spreads its news any more.
const REST: Millis = 1_500;
/// One of so many servers may be away before all come back.
const SERVERS_PER_ABSENCE: usize = 100;
/// An event is over when all have known for so long: what was known to all once may be forgotten again.
const HELD_FOR: Millis = 1_000;
/// Those that came back are given this time.
const SETTLED_WITHIN: Millis = 10_000;
/// So long nobody is to be declared dead while messages get lost.
const LOSSY: Millis = 600_000;
/// A crashed server is started again after this in a restart storm and in an upgrade.
const DOWN_FOR: Millis = 2_000;
/// All servers restart within this.
const STORM: Millis = 60_000;
/// A partition lasts this long.
const PARTITION: Millis = 60_000;
/// Longer no news are waited for: among peers of the original alone they take an hour.
const PATIENCE: Millis = 14_400_000;

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// A server joins, again and again.
    Join,
    /// A server leaves gracefully.
    Leave,
    /// A server's process ends without a word: its port is closed.
    Crash,
    /// A server's host vanishes.
    Vanish,
    /// The cluster is split in two halves for a minute; measured from the healing on.
    Partition,
    /// All servers go from the original to this package, one after another; measured is when all know each.
    Upgrade,
    /// All servers restart within a minute; measured from the last restart on.
    RestartStorm,
    /// Nothing happens for a minute; what counts is the traffic.
    Steady,
    /// Nothing happens for ten minutes but that messages get lost; what counts is how many are declared dead all the same.
    Lossy,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Join,
        Self::Leave,
        Self::Crash,
        Self::Vanish,
        Self::Partition,
        Self::Upgrade,
        Self::RestartStorm,
        Self::Steady,
        Self::Lossy,
    ];

    /// As it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Leave => "leave",
            Self::Crash => "crash",
            Self::Vanish => "vanish",
            Self::Partition => "partition",
            Self::Upgrade => "upgrade",
            Self::RestartStorm => "restart-storm",
            Self::Steady => "steady",
            Self::Lossy => "lossy",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scenario| scenario.name() == name)
    }
}

/// What is to be run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// What happens.
    pub scenario: Scenario,
    /// How many servers there are.
    pub servers: usize,
    /// What they run.
    pub kind: Kind,
    /// The share of them that run the original instead.
    pub legacy_share: f64,
    /// The share of messages that get lost.
    pub loss: f64,
    /// How often it happens.
    pub events: usize,
    /// Decides everything that is left to chance.
    pub seed: u64,
}

/// What was found.
#[derive(Debug)]
pub struct Results {
    /// How the native servers got to know of each event; of the whole cluster, where all run the original.
    pub events: Vec<Watch>,
    /// How the servers of the original got to know, where they are among others.
    pub legacy_events: Vec<Watch>,
    /// What the servers sent while nothing happened.
    pub steady: Steady,
    /// How often a server that runs was lost from the view of another, where nothing but that is looked at.
    pub false_deaths: Option<usize>,
    /// The world as it was in the end.
    pub world: World,
}

/// What servers send while nothing happens.
#[derive(Debug, Clone, Copy, Default)]
pub struct Steady {
    /// Bytes a second that a server sends, headers included, on average.
    pub mean_bytes: f64,
    /// The same of the one that sends most.
    pub max_bytes: f64,
    /// Requests a second that a server makes, on average.
    pub mean_requests: f64,
}

/// Runs a plan; `progress` is told how many events are over.
pub fn run(plan: &Plan, progress: &mut dyn FnMut(usize)) -> Results {
    let mut world = World::new(plan.seed);
    if plan.kind == Kind::Legacy {
        // Whoever has so many servers of the original has parsers that take their lists.
        world.default_body_limit = usize::MAX;
    }
    let mut specs = vec![Spec::of(plan.kind); plan.servers];
    let legacy = (plan.legacy_share * plan.servers as f64).round() as usize;
    let legacy = if plan.scenario == Scenario::Upgrade { plan.servers } else { legacy };
    specs.iter_mut().take(legacy).for_each(|spec| spec.kind = Kind::Legacy);
    world.network.loss = plan.loss;
    world.populate(&specs);
    world.run_for(WARM_UP);
    // Rounds come each half minute, probes each second.
    let has_legacy = specs.iter().any(|spec| spec.kind == Kind::Legacy);
    let is_long = has_legacy || plan.scenario == Scenario::Steady;
    let mut steady = measure_traffic(&mut world, if is_long { 60_000 } else { 10_000 });
    let mut run = Run { plan, world, events: Vec::new(), legacy_events: Vec::new(), false_deaths: None };
    if matches!(plan.scenario, Scenario::Join | Scenario::Leave | Scenario::Crash | Scenario::Vanish) {
        run.one_by_one(progress);
        return run.results(steady);
    }
    for done in 0..plan.events {
        match plan.scenario {
            Scenario::Partition => run.partition(),
            Scenario::Upgrade => run.upgrade(done % plan.servers),
            Scenario::RestartStorm => run.restart_storm(),
            Scenario::Lossy => steady = run.lose_messages(),
            _ => {}
        }
        progress(done + 1);
    }
    run.results(steady)
}

fn measure_traffic(world: &mut World, duration: Millis) -> Steady {
    let sent =
        |world: &World| -> Vec<Traffic> { world.processes.iter().map(|process| process.sent).collect() };
    let before = sent(world);
    world.run_for(duration);
    let seconds = duration as f64 / 1_000.0;
    let since = |(before, after): (&Traffic, Traffic)| {
        let (bytes, requests) = (after.bytes - before.bytes, after.requests - before.requests);
        (bytes as f64 / seconds, requests as f64 / seconds)
    };
    let rates: Vec<(f64, f64)> = before.iter().zip(sent(world)).map(since).collect();
    let count = rates.len().max(1) as f64;
    Steady {
        mean_bytes: rates.iter().map(|(bytes, _)| bytes).sum::<f64>() / count,
        max_bytes: rates.iter().map(|(bytes, _)| *bytes).fold(0.0, f64::max),
        mean_requests: rates.iter().map(|(_, requests)| requests).sum::<f64>() / count,
    }
}

struct Run<'a> {
    plan: &'a Plan,
    world: World,
    events: Vec<Watch>,
    legacy_events: Vec<Watch>,
    false_deaths: Option<usize>,
}

impl Run<'_> {
    fn results(self, steady: Steady) -> Results {
        let Self { world, events, legacy_events, false_deaths, .. } = self;
        Results { events, legacy_events, steady, false_deaths, world }
    }

    /// Events that touch one server each. They are made up for by and by, so that the cluster stays as large as it is meant to
    /// be.
    fn one_by_one(&mut self, progress: &mut dyn FnMut(usize)) {
        let most = (self.plan.servers / SERVERS_PER_ABSENCE).max(1);
        let mut touched = Vec::new();
        for done in 1..=self.plan.events {
            touched.push(self.touch_one());
            self.world.run_for(REST);
            if touched.len() >= most {
                touched.drain(..).for_each(|host| self.make_up_for(host));
                self.world.run_for(SETTLED_WITHIN);
            }
            progress(done);
        }
    }

    fn touch_one(&mut self) -> HostId {
        let is_join = self.plan.scenario == Scenario::Join;
        let host = if is_join { self.world.add_host() } else { self.choose() };
        let watches = self.watch(host, if is_join { News::Online } else { News::Offline });
        match self.plan.scenario {
            Scenario::Join => drop(self.world.start(host, Spec::of(self.plan.kind))),
            Scenario::Leave => self.world.leave(host),
            Scenario::Vanish => self.world.vanish(host),
            _ => self.world.crash(host),
        }
        self.await_news(watches);
        host
    }

    fn make_up_for(&mut self, host: HostId) {
        if self.plan.scenario == Scenario::Join {
            self.world.leave(host);
        } else {
            let spec = Spec::of(self.world.hosts[host.index()].kind);
            self.world.restart(host, spec);
        }
    }

    /// What that costs.
    fn lose_messages(&mut self) -> Steady {
        let count = u32::try_from(self.world.hosts.len()).unwrap_or(u32::MAX);
        let World { time, watches, processes, .. } = &mut self.world;
        let watch = watches.open(*time, News::Living(count), processes, Process::is_running);
        let traffic = measure_traffic(&mut self.world, LOSSY);
        let forgotten = self.world.watches.close(watch).map(|watch| watch.forgotten());
        self.false_deaths = Some(self.false_deaths.unwrap_or(0) + forgotten.unwrap_or(0));
        traffic
    }

    fn partition(&mut self) {
        let half = self.world.hosts.len() / 2;
        self.world.partition(|host| host.index() < half);
        self.world.run_for(PARTITION);
        self.world.network.reconnect();
        self.await_all();
    }

    fn restart_storm(&mut self) {
        let mut moments: Vec<(Millis, HostId)> =
            self.world.host_ids().map(|host| (self.world.rng.random_range(0..STORM), host)).collect();
        moments.sort_unstable();
        let begin = self.world.time;
        let mut down: VecDeque<(Millis, HostId)> = VecDeque::new();
        for (moment, host) in moments {
            self.start_due(&mut down, begin + moment);
            self.world.run_for((begin + moment).saturating_sub(self.world.time));
            self.world.crash(host);
            down.push_back((self.world.time + DOWN_FOR, host));
        }
        self.start_due(&mut down, Millis::MAX);
        self.await_all();
    }

    fn start_due(&mut self, down: &mut VecDeque<(Millis, HostId)>, limit: Millis) {
        while let Some((at, host)) = down.front().copied().filter(|(at, _)| *at <= limit) {
            down.pop_front();
            self.world.run_for(at.saturating_sub(self.world.time));
            self.world.restart(host, Spec::of(self.plan.kind));
        }
    }

    fn upgrade(&mut self, index: usize) {
        let Some(host) = self.world.host_ids().nth(index) else { return };
        self.world.leave(host);
        self.world.run_until(10_000, |world| world.hosts[host.index()].processes.is_empty());
        self.world.run_for(DOWN_FOR);
        let watches = self.watch(host, News::Online);
        self.world.restart(host, Spec::of(self.plan.kind));
        self.await_news(watches);
        self.world.run_for(REST);
    }

    /// Waits until all know of all.
    fn await_all(&mut self) {
        let count = self.world.hosts.iter().filter(|host| host.is_to_be_online).count();
        let news = News::Living(u32::try_from(count).unwrap_or(u32::MAX));
        let World { time, watches, processes, .. } = &mut self.world;
        let watch = watches.open(*time, news, processes, |process| process.engine.is_some());
        self.await_news([Some(watch), None]);
    }

    /// Watches how everybody but the host itself gets to know: the natives, and the others.
    fn watch(&mut self, host: HostId, news: fn(std::sync::Arc<str>) -> News) -> [Option<WatchId>; 2] {
        self.world.focus_on(host);
        // In an upgrade all are to know, whatever they run.
        let takes_all = self.plan.kind == Kind::Legacy || self.plan.scenario == Scenario::Upgrade;
        let news = news(std::sync::Arc::clone(&self.world.hosts[host.index()].url));
        let World { time, watches, processes, .. } = &mut self.world;
        let is_other = |process: &Process| process.host != host && process.is_running();
        let is_native = |process: &Process| takes_all || matches!(process.engine, Some(Engine::Native(_)));
        [true, false].map(|wants_native| {
            let wanted = |process: &Process| is_other(process) && is_native(process) == wants_native;
            let id = watches.open(*time, news.clone(), processes, wanted);
            if watches.get(id).is_some_and(|watch| watch.audience == 0) {
                watches.close(id);
                return None;
            }
            Some(id)
        })
    }

    fn await_news(&mut self, watches: [Option<WatchId>; 2]) {
        let are_complete =
            |world: &World| watches.into_iter().flatten().all(|watch| world.watches.is_complete(watch));
        // What was known to all once may be forgotten again.
        while self.world.run_until(PATIENCE, are_complete) {
            self.world.run_for(HELD_FOR);
            if are_complete(&self.world) {
                break;
            }
        }
        let [natives, legacy] = watches;
        // The later one is closed first, which keeps the places in use low.
        self.legacy_events.extend(legacy.and_then(|watch| self.world.watches.close(watch)));
        self.events.extend(natives.and_then(|watch| self.world.watches.close(watch)));
    }

    fn choose(&mut self) -> HostId {
        let up: Vec<HostId> =
            self.world.host_ids().filter(|host| self.world.hosts[host.index()].is_to_be_online).collect();
        up[self.world.rng.random_range(0..up.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_runs() {
        for (scenario, servers) in Scenario::ALL.into_iter().flat_map(|each| [(each, 2), (each, 6)]) {
            let plan = Plan {
                scenario,
                servers,
                kind: Kind::Native,
                legacy_share: 0.0,
                loss: 0.0,
                events: 2,
                seed: 1,
            };
            let mut told = 0;
            let results = run(&plan, &mut |done| told = done);
            assert_eq!(told, 2);
            assert_eq!(results.world.checks.violations, []);
            let wanted = if matches!(scenario, Scenario::Steady | Scenario::Lossy) { 0 } else { 2 };
            assert_eq!(results.events.len(), wanted, "{scenario:?} among {servers}");
            for watch in &results.events {
                assert!(watch.is_complete(), "{scenario:?}: {} of {}", watch.informed, watch.audience);
            }
        }
    }
}
