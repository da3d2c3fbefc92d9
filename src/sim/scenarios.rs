//! Scenarios that measure how fast news reaches all servers, one event after another in one world.
//!
//! Events do not overlap, because other news speeds up the detection of a crash.

use std::collections::VecDeque;

use rand::RngExt;

use super::clock::Millis;
use super::process::{Engine, Process, Traffic};
use super::spec::{Kind, Spec};
use super::watch::{News, Watch, WatchId};
use super::wire::HostId;
use super::world::World;

/// Time in which servers that have just started reach a steady state.
const WARM_UP: Millis = 5_000;
/// Pause after an event, in which its news stops spreading.
const PAUSE: Millis = 1_500;
/// One of this many servers may be away before all come back.
const SERVERS_PER_ABSENCE: usize = 100;
/// An event is complete when all have known for this time, because servers may forget it again.
const STABLE_FOR: Millis = 1_000;
/// Time for servers that came back to settle.
const SETTLE_TIME: Millis = 10_000;
/// Duration of message loss in which no server should be declared dead.
const LOSS_DURATION: Millis = 600_000;
/// Time until a crashed server restarts, in a restart storm and in an upgrade.
const DOWNTIME: Millis = 2_000;
/// Time within which all servers restart.
const STORM_DURATION: Millis = 60_000;
/// Duration of a partition.
const PARTITION_DURATION: Millis = 60_000;
/// Timeout of an event: among legacy peers alone, news takes an hour.
const EVENT_TIMEOUT: Millis = 14_400_000;

/// The kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// A server joins, repeatedly.
    Join,
    /// A server leaves gracefully.
    Leave,
    /// A server's process crashes: its port is closed.
    Crash,
    /// A server's host vanishes.
    Vanish,
    /// The cluster is split in two halves for a minute; measured from the end of the partition.
    Partition,
    /// All servers are upgraded from version 1, one after another; measured until all know each.
    Upgrade,
    /// All servers restart within a minute; measured from the last restart.
    RestartStorm,
    /// Nothing happens for a minute; measures the traffic.
    Steady,
    /// Only messages are lost for ten minutes; measures how many servers are falsely declared dead.
    Lossy,
}

impl Scenario {
    /// All scenarios.
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

    /// Its name on the command line.
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

    /// Returns the scenario with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scenario| scenario.name() == name)
    }
}

/// The parameters of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// The kind of event.
    pub scenario: Scenario,
    /// The number of servers.
    pub servers: usize,
    /// The kind of the servers.
    pub kind: Kind,
    /// The share of legacy peers instead.
    pub legacy_share: f64,
    /// The share of lost messages.
    pub loss: f64,
    /// The number of events.
    pub events: usize,
    /// The seed of all random choices.
    pub seed: u64,
    /// The number of threads, which changes no result.
    pub threads: usize,
}

/// The results of a run.
#[derive(Debug)]
pub struct Results {
    /// How the native servers learned of each event; the whole cluster, if all are legacy peers.
    pub events: Vec<Watch>,
    /// How the legacy peers of a mixed cluster learned of each event.
    pub legacy_events: Vec<Watch>,
    /// The traffic in the steady state.
    pub steady: Steady,
    /// The number of running servers that another one lost; only in the lossy scenario.
    pub false_deaths: Option<usize>,
    /// The world at the end.
    pub world: World,
}

/// The traffic of servers in the steady state.
#[derive(Debug, Clone, Copy, Default)]
pub struct Steady {
    /// Bytes sent per second and server, with headers, on average.
    pub mean_bytes: f64,
    /// The same for the server that sends most.
    pub max_bytes: f64,
    /// Requests per second and server, on average.
    pub mean_requests: f64,
}

/// Runs a plan; `progress` receives the number of completed events.
pub fn run(plan: &Plan, progress: &mut dyn FnMut(usize)) -> Results {
    let mut world = World::new(plan.seed);
    world.run_ahead(plan.threads);
    if plan.kind == Kind::Legacy || plan.scenario == Scenario::Upgrade {
        // The lists of a large legacy cluster exceed the usual limit of body parsers.
        world.default_body_limit = usize::MAX;
    }
    let mut specs = vec![Spec::of(plan.kind); plan.servers];
    let legacy = (plan.legacy_share * plan.servers as f64).round() as usize;
    let legacy = if plan.scenario == Scenario::Upgrade { plan.servers } else { legacy };
    specs.iter_mut().take(legacy).for_each(|spec| spec.kind = Kind::Legacy);
    world.network.loss = plan.loss;
    world.populate(&specs);
    world.run_for(WARM_UP);
    // Rounds start every half minute, probes every second.
    let has_legacy = specs.iter().any(|spec| spec.kind == Kind::Legacy);
    let is_long = has_legacy || plan.scenario == Scenario::Steady;
    let mut steady = measure_traffic(&mut world, if is_long { 60_000 } else { 10_000 });
    let mut run = Run { plan, world, events: Vec::new(), legacy_events: Vec::new(), false_deaths: None };
    if matches!(plan.scenario, Scenario::Join | Scenario::Leave | Scenario::Crash | Scenario::Vanish) {
        run.run_events(progress);
        return run.results(steady);
    }
    for completed in 0..plan.events {
        match plan.scenario {
            Scenario::Partition => run.partition(),
            Scenario::Upgrade => run.upgrade(completed % plan.servers),
            Scenario::RestartStorm => run.restart_storm(),
            Scenario::Lossy => steady = run.run_lossy(),
            _ => {}
        }
        progress(completed + 1);
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

    /// Runs events of one server each. It undoes them from time to time, so that the cluster keeps
    /// its size.
    fn run_events(&mut self, progress: &mut dyn FnMut(usize)) {
        let max_absent = (self.plan.servers / SERVERS_PER_ABSENCE).max(1);
        let mut hosts = Vec::new();
        for completed in 1..=self.plan.events {
            hosts.push(self.run_event());
            self.world.run_for(PAUSE);
            if hosts.len() >= max_absent {
                hosts.drain(..).for_each(|host| self.undo_event(host));
                self.world.run_for(SETTLE_TIME);
            }
            progress(completed);
        }
    }

    fn run_event(&mut self) -> HostId {
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

    fn undo_event(&mut self, host: HostId) {
        if self.plan.scenario == Scenario::Join {
            self.world.leave(host);
        } else {
            let spec = Spec::of(self.world.hosts[host.index()].kind);
            self.world.restart(host, spec);
        }
    }

    /// Measures the traffic under loss.
    fn run_lossy(&mut self) -> Steady {
        let count = u32::try_from(self.world.hosts.len()).unwrap_or(u32::MAX);
        let World { time, watches, processes, .. } = &mut self.world;
        let watch = watches.open(*time, News::Living(count), processes, Process::is_running);
        let traffic = measure_traffic(&mut self.world, LOSS_DURATION);
        let forgotten = self.world.watches.close(watch).map(|watch| watch.forgotten());
        self.false_deaths = Some(self.false_deaths.unwrap_or(0) + forgotten.unwrap_or(0));
        traffic
    }

    fn partition(&mut self) {
        let half = self.world.hosts.len() / 2;
        self.world.partition(|host| host.index() < half);
        self.world.run_for(PARTITION_DURATION);
        self.world.network.reconnect();
        self.await_all();
    }

    fn restart_storm(&mut self) {
        let mut moments: Vec<(Millis, HostId)> = self
            .world
            .host_ids()
            .map(|host| (self.world.rng.random_range(0..STORM_DURATION), host))
            .collect();
        moments.sort_unstable();
        let begin = self.world.time;
        let mut down: VecDeque<(Millis, HostId)> = VecDeque::new();
        for (moment, host) in moments {
            self.start_due(&mut down, begin + moment);
            self.world.run_for((begin + moment).saturating_sub(self.world.time));
            self.world.crash(host);
            down.push_back((self.world.time + DOWNTIME, host));
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
        self.world.run_for(DOWNTIME);
        let watches = self.watch(host, News::Online);
        self.world.restart(host, Spec::of(self.plan.kind));
        self.await_news(watches);
        self.world.run_for(PAUSE);
    }

    /// Waits until all servers know each other.
    fn await_all(&mut self) {
        let count = self.world.hosts.iter().filter(|host| host.should_be_online).count();
        let news = News::Living(u32::try_from(count).unwrap_or(u32::MAX));
        let World { time, watches, processes, .. } = &mut self.world;
        let watch = watches.open(*time, news, processes, |process| process.engine.is_some());
        self.await_news([Some(watch), None]);
    }

    /// Watches how all servers except the host learn the news: the native servers, and the others.
    fn watch(&mut self, host: HostId, news: fn(std::sync::Arc<str>) -> News) -> [Option<WatchId>; 2] {
        self.world.focus_on(host);
        // In an upgrade, all servers should know, whatever they run.
        let takes_all = self.plan.kind == Kind::Legacy || self.plan.scenario == Scenario::Upgrade;
        let news = news(std::sync::Arc::clone(&self.world.hosts[host.index()].url));
        let World { time, watches, processes, .. } = &mut self.world;
        let is_other = |process: &Process| process.host != host && process.is_running();
        let is_native = |process: &Process| takes_all || matches!(process.engine, Some(Engine::Native(_)));
        [true, false].map(|wants_native| {
            let is_wanted = |process: &Process| is_other(process) && is_native(process) == wants_native;
            let id = watches.open(*time, news.clone(), processes, is_wanted);
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
        // A server may forget news that all knew.
        while self.world.run_until(EVENT_TIMEOUT, are_complete) {
            self.world.run_for(STABLE_FOR);
            if are_complete(&self.world) {
                break;
            }
        }
        let [natives, legacy] = watches;
        // Closing the later one first frees both indices.
        self.legacy_events.extend(legacy.and_then(|watch| self.world.watches.close(watch)));
        self.events.extend(natives.and_then(|watch| self.world.watches.close(watch)));
    }

    fn choose(&mut self) -> HostId {
        let up: Vec<HostId> =
            self.world.host_ids().filter(|host| self.world.hosts[host.index()].should_be_online).collect();
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
                threads: 1,
            };
            let mut progress_count = 0;
            let results = run(&plan, &mut |completed| progress_count = completed);
            assert_eq!(progress_count, 2);
            assert_eq!(results.world.checks.violations, []);
            let expected_events = if matches!(scenario, Scenario::Steady | Scenario::Lossy) { 0 } else { 2 };
            assert_eq!(results.events.len(), expected_events, "{scenario:?} among {servers}");
            for watch in &results.events {
                assert!(watch.is_complete(), "{scenario:?}: {} of {}", watch.informed, watch.audience);
            }
        }
    }
}
