//! A reduced model for clusters too large to simulate in full. All servers share one roster. They
//! differ only in whether they know of one crash or join, and in how they pass it on.
//!
//! Rumours, probes, investigations and digest comparisons follow the rules of `protocol`, with its
//! constants. The model omits what hardly affects one event in a healthy cluster: suspicions, which
//! end long after others have found the port closed, and limits per server. A test shows that it
//! agrees with the full model in small clusters.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::clock::Millis;
use super::network::Network;
use super::queue::Queue;
use super::scenarios::{Plan, Scenario};
use super::spec::Template;
use super::store::Store;
use super::watch::Watch;
use super::wire::HostId;
use crate::protocol::constants::{
    CYCLE_LENGTH, EARLIEST_BEGIN, FANOUT, HELPERS, HELPERS_WAIT, IDLE_ROUNDS, RUMOUR_DELAY, RUMOUR_INTERVAL,
    SECOND_PROBE_DELAY, SHORTEST_PROBE_TIMEOUT, SUCCESSORS, SYNC_DELAY, WIDE_FANOUT, rounds_for,
};

/// The maximum duration of an event.
const TIMEOUT: Millis = 120_000;

/// The state of a server.
#[derive(Debug, Clone, Copy, Default)]
struct Server {
    knows: bool,
    /// The remaining rounds of pushes; `None` if the server does not push the news.
    rounds_left: Option<u8>,
    idle_rounds: u8,
    was_news: bool,
    was_answered: bool,
    differs_since: Option<Millis>,
    /// The position in the cycle of probes.
    next_turn: usize,
}

#[derive(Debug, Clone, Copy)]
enum ModelEvent {
    Probe(u32),
    Round(u32),
    Arrival { from: u32, to: u32, purpose: Purpose },
    Death(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Push,
    Probe,
    Sync,
    Greeting,
}

/// What a server does with news that it learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spreading {
    /// Pushes it to others.
    Rumour,
    /// Keeps it.
    None,
}

/// One event in a large cluster.
#[derive(Debug)]
struct Model {
    now: Millis,
    servers: Vec<Server>,
    informed: u32,
    curve: Vec<(Millis, u32)>,
    /// The closed port, which is probed like a server.
    crashed: Option<u32>,
    queue: Queue<ModelEvent>,
    network: Network,
    rng: Xoshiro256PlusPlus,
    probe_interval: Millis,
    rounds: u8,
}

/// Runs each event of a plan separately; `None` for scenarios other than crash and join.
pub fn run(plan: &Plan, progress: &mut dyn FnMut(usize)) -> Option<Vec<Watch>> {
    if !matches!(plan.scenario, Scenario::Crash | Scenario::Join) {
        return None;
    }
    let event = |(done, seed)| {
        let watch = Model::new(plan, seed).run();
        progress(done + 1);
        watch
    };
    Some((plan.seed..).take(plan.events).enumerate().map(event).collect())
}

impl Model {
    fn new(plan: &Plan, seed: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut network = Network::new(rng.random());
        network.loss = plan.loss;
        let others = u32::try_from(plan.servers).unwrap_or(u32::MAX).saturating_sub(1);
        let mut model = Self {
            now: 0,
            servers: vec![Server::default(); others as usize],
            informed: 0,
            curve: vec![(0, 0)],
            crashed: (plan.scenario == Scenario::Crash).then_some(others),
            queue: Queue::default(),
            network,
            rng,
            probe_interval: millis(Template::default().probe_interval),
            rounds: rounds_for(plan.servers),
        };
        model.begin_cycles();
        if plan.scenario == Scenario::Join {
            model.now = Store::default().delay();
            for _ in 0..WIDE_FANOUT {
                let to = model.random_server();
                model.send(others, to, Purpose::Greeting);
            }
        }
        model
    }

    fn run(mut self) -> Watch {
        while self.informed < self.audience()
            && let Some((at, event)) = self.queue.pop_until(TIMEOUT)
        {
            self.now = self.now.max(at);
            match event {
                ModelEvent::Probe(server) => self.probe(server),
                ModelEvent::Round(server) => self.push(server),
                ModelEvent::Arrival { from, to, purpose } => self.arrive(from, to, purpose),
                ModelEvent::Death(server) => self.learn(server, Spreading::Rumour),
            }
        }
        Watch::from_curve(self.audience(), self.curve)
    }

    /// Begins each server's cycle of probes at a random one of the times that suit its predecessor.
    fn begin_cycles(&mut self) {
        let interval = self.probe_interval;
        let cycle = interval * CYCLE_LENGTH as Millis;
        let mut begin = 0;
        for server in 0..self.audience() {
            begin = (begin + self.rng.random_range(interval * EARLIEST_BEGIN as Millis..cycle)) % cycle;
            if let Some(state) = self.servers.get_mut(server as usize) {
                state.next_turn = (CYCLE_LENGTH - (begin / interval) as usize) % CYCLE_LENGTH;
            }
            self.queue.push(begin % interval, ModelEvent::Probe(server));
        }
    }

    fn audience(&self) -> u32 {
        u32::try_from(self.servers.len()).unwrap_or(u32::MAX)
    }

    fn random_server(&mut self) -> u32 {
        self.rng.random_range(0..self.audience())
    }

    fn learn(&mut self, server: u32, spreading: Spreading) {
        let Some(state) = self.servers.get_mut(server as usize).filter(|state| !state.knows) else { return };
        state.knows = true;
        self.informed += 1;
        self.curve.push((self.now, self.informed));
        if spreading == Spreading::Rumour {
            state.rounds_left = Some(self.rounds);
            self.queue.push(self.now + millis(RUMOUR_DELAY), ModelEvent::Round(server));
        }
    }

    /// Runs a round of pushes, as `push_rumours` does.
    fn push(&mut self, server: u32) {
        let Some(state) = self.servers.get_mut(server as usize) else { return };
        let (was_news, was_answered) =
            (std::mem::take(&mut state.was_news), std::mem::take(&mut state.was_answered));
        state.idle_rounds = if was_news { 0 } else { state.idle_rounds + u8::from(was_answered) };
        let has_rounds = |left: &u8| *left > 0 && state.idle_rounds < IDLE_ROUNDS;
        state.rounds_left = state.rounds_left.filter(has_rounds).map(|left| left - 1);
        if state.rounds_left.is_none() {
            return;
        }
        for _ in 0..FANOUT {
            let to = self.random_server();
            self.send(server, to, Purpose::Push);
        }
        let pause = self.jittered(millis(RUMOUR_INTERVAL));
        self.queue.push(self.now + pause, ModelEvent::Round(server));
    }

    fn send(&mut self, from: u32, to: u32, purpose: Purpose) {
        if let Some(delay) = self.network.carry_request(HostId(from), HostId(to)) {
            self.queue.push(self.now + delay, ModelEvent::Arrival { from, to, purpose });
        }
    }

    fn probe(&mut self, server: u32) {
        let pause = self.jittered(self.probe_interval);
        self.queue.push(self.now + pause, ModelEvent::Probe(server));
        // Servers are in the order of the ring.
        let targets = self.audience() + u32::from(self.crashed.is_some());
        let random_target = self.rng.random_range(0..targets);
        let Some(state) = self.servers.get_mut(server as usize) else { return };
        let knows = state.knows;
        let turn = state.next_turn;
        state.next_turn = (turn + 1) % CYCLE_LENGTH;
        let is_random = turn == CYCLE_LENGTH - 1;
        let successor = (server + 1 + (turn % SUCCESSORS) as u32) % targets;
        let target = if is_random { random_target } else { successor };
        if self.crashed != Some(target) {
            self.send(server, target, Purpose::Probe);
        } else if !knows && let Some(delay) = self.investigation_delay() {
            self.queue.push(self.now + delay, ModelEvent::Death(server));
        }
    }

    /// Returns the time from a probe until the port is known to be closed; `None` for a suspicion,
    /// which other news outruns.
    fn investigation_delay(&mut self) -> Option<Millis> {
        let own_probe = self.closed_port_delay().unwrap_or(millis(SHORTEST_PROBE_TIMEOUT));
        let (mut last, mut is_confirmed) = (0, false);
        for _ in 0..HELPERS {
            let request = self.carry_request();
            let probe = self.closed_port_delay();
            let report = self.carry_request();
            is_confirmed |= request.is_some() && probe.is_some() && report.is_some();
            let probe = probe.unwrap_or(millis(SHORTEST_PROBE_TIMEOUT));
            last = last.max(match (request, report) {
                (Some(request), Some(back)) => request + probe + back,
                _ => millis(HELPERS_WAIT),
            });
        }
        let confirmation = self.closed_port_delay().filter(|_| is_confirmed)?;
        Some(own_probe + last.min(millis(HELPERS_WAIT)) + millis(SECOND_PROBE_DELAY) + confirmation)
    }

    /// Returns the time to find a closed port; `None` if a message is lost.
    fn closed_port_delay(&mut self) -> Option<Millis> {
        let request = self.carry_request()?;
        let round_trip = request + self.network.carry(HostId(0), HostId(1))?;
        (round_trip < millis(SHORTEST_PROBE_TIMEOUT)).then_some(round_trip)
    }

    fn carry_request(&mut self) -> Option<Millis> {
        self.network.carry_request(HostId(0), HostId(1))
    }

    fn arrive(&mut self, from: u32, to: u32, purpose: Purpose) {
        let state =
            |model: &Self, server: u32| model.servers.get(server as usize).copied().unwrap_or_default();
        // The joiner is not part of the audience, and knows.
        let sender_tells = match purpose {
            Purpose::Greeting => true,
            Purpose::Push | Purpose::Probe => state(self, from).rounds_left.is_some(),
            Purpose::Sync => false,
        };
        let is_new = !state(self, to).knows;
        if sender_tells {
            self.learn(to, Spreading::Rumour);
        }
        let has_response = self.network.carry(HostId(to), HostId(from)).is_some();
        if !has_response || purpose == Purpose::Greeting {
            return;
        }
        // The response carries the receiver's rumours; a digest comparison, what either side lacks.
        let receiver = state(self, to);
        if !sender_tells && (receiver.rounds_left.is_some() || (purpose == Purpose::Sync && receiver.knows)) {
            self.learn(from, if purpose == Purpose::Sync { Spreading::None } else { Spreading::Rumour });
        } else if purpose == Purpose::Sync && state(self, from).knows && !receiver.knows {
            // A server that learns a missing claim passes it on.
            self.learn(to, Spreading::Rumour);
        }
        let differs = state(self, from).knows != receiver.knows;
        let now = self.now;
        let Some(sender) = self.servers.get_mut(from as usize) else { return };
        sender.was_answered = true;
        sender.was_news |= purpose == Purpose::Push && sender_tells && is_new;
        match purpose {
            Purpose::Sync => sender.differs_since = None,
            Purpose::Probe if !differs => sender.differs_since = None,
            Purpose::Probe => {
                let since = *sender.differs_since.get_or_insert(now);
                if now - since >= millis(SYNC_DELAY) {
                    self.send(from, to, Purpose::Sync);
                }
            }
            _ => {}
        }
    }

    fn jittered(&mut self, delay: Millis) -> Millis {
        (delay as f64 * self.rng.random_range(0.9..1.1)) as Millis
    }
}

fn millis(duration: std::time::Duration) -> Millis {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::report::Times;
    use crate::sim::scenarios;
    use crate::sim::spec::Kind;

    fn plan(scenario: Scenario, servers: usize, events: usize) -> Plan {
        Plan {
            scenario,
            servers,
            kind: Kind::Native,
            legacy_share: 0.0,
            loss: 0.01,
            events,
            seed: 1,
            threads: 1,
        }
    }

    #[test]
    fn the_reduced_model_agrees_with_the_full_model() {
        for scenario in [Scenario::Crash, Scenario::Join] {
            let plan = plan(scenario, 40, 12);
            let median = |events: &[Watch]| Times::of_share(events, 0.9).p50.unwrap() as f64;
            let reduced = median(&run(&plan, &mut |_| {}).unwrap());
            let full = median(&scenarios::run(&plan, &mut |_| {}).events);
            // The time until a crash is found varies far more than the spread of the news.
            let tolerance = if scenario == Scenario::Crash { 1.0 } else { 0.5 };
            assert!((reduced / full).ln().abs() < tolerance, "{scenario:?}: {reduced} and {full} ms");
        }
    }

    #[test]
    fn all_servers_learn_and_a_seed_reproduces_a_run() {
        let plan = plan(Scenario::Crash, 2_000, 3);
        let [one, other] = [(); 2].map(|()| run(&plan, &mut |_| {}).unwrap());
        for (one, other) in one.iter().zip(&other) {
            assert!(one.is_complete());
            assert_eq!(one.curve, other.curve);
        }
        assert!(run(&Plan { scenario: Scenario::Leave, ..plan }, &mut |_| {}).is_none());
    }
}
