//! A reduced model for clusters too large to simulate in full: all servers share one roster, and differ in nothing but whether
//! they know of one crash or join, and how they pass it on.
//!
//! Rumours, probes, questions and comparisons follow the rules of `protocol` with its very constants. What matters little for
//! one event in a cluster that is well is left out: suspicions, which end long after others have found the port closed, and
//! limits on what one server does at a time. That it agrees with the full model is shown where both can be run.

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
    COALESCED, FANOUT, HELPERS, HELPERS_WAIT, IDLE_ROUNDS, KNOCK_AGAIN, MANY, NEWS_NEED, PAUSE,
    SHORTEST_PROBE_TIMEOUT, rounds_for,
};

/// No event lasts longer.
const PATIENCE: Millis = 120_000;

/// What a server does with the news.
#[derive(Debug, Clone, Copy, Default)]
struct Server {
    knows: bool,
    /// How many rounds of pushes are left; none when the news rest.
    rounds_left: Option<u8>,
    idle_rounds: u8,
    was_news: bool,
    was_answered: bool,
    differs_since: Option<Millis>,
    is_neighbours_turn: bool,
}

#[derive(Debug, Clone, Copy)]
enum Happening {
    Probe(u32),
    Round(u32),
    Arrival { from: u32, to: u32, purpose: Purpose },
    Burial(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Push,
    Probe,
    Sync,
    Greeting,
}

/// One event among many servers.
#[derive(Debug)]
struct Model {
    now: Millis,
    servers: Vec<Server>,
    informed: u32,
    curve: Vec<(Millis, u32)>,
    /// The port that is closed, as if it were one server more.
    crashed: Option<u32>,
    queue: Queue<Happening>,
    network: Network,
    rng: Xoshiro256PlusPlus,
    probe_interval: Millis,
    rounds: u8,
}

/// Runs the events of a plan, each by itself; none for a scenario other than crash and join.
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
        for server in 0..others {
            let at = model.rng.random_range(0..model.probe_interval);
            model.queue.push(at, Happening::Probe(server));
        }
        if plan.scenario == Scenario::Join {
            model.now = Store::default().delay();
            for _ in 0..MANY {
                let to = model.somebody();
                model.send(others, to, Purpose::Greeting);
            }
        }
        model
    }

    fn run(mut self) -> Watch {
        while self.informed < self.audience()
            && let Some((at, happening)) = self.queue.pop_until(PATIENCE)
        {
            self.now = self.now.max(at);
            match happening {
                Happening::Probe(server) => self.probe(server),
                Happening::Round(server) => self.push(server),
                Happening::Arrival { from, to, purpose } => self.arrive(from, to, purpose),
                Happening::Burial(server) => self.learn(server, true),
            }
        }
        Watch::of_curve(self.audience(), self.curve)
    }

    fn audience(&self) -> u32 {
        u32::try_from(self.servers.len()).unwrap_or(u32::MAX)
    }

    fn somebody(&mut self) -> u32 {
        self.rng.random_range(0..self.audience())
    }

    fn learn(&mut self, server: u32, spreads: bool) {
        let Some(state) = self.servers.get_mut(server as usize).filter(|state| !state.knows) else { return };
        state.knows = true;
        self.informed += 1;
        self.curve.push((self.now, self.informed));
        if spreads {
            state.rounds_left = Some(self.rounds);
            self.queue.push(self.now + millis(COALESCED), Happening::Round(server));
        }
    }

    /// A round of pushes, as `push_rumours` makes it.
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
            let to = self.somebody();
            self.send(server, to, Purpose::Push);
        }
        let pause = self.jittered(millis(PAUSE));
        self.queue.push(self.now + pause, Happening::Round(server));
    }

    fn send(&mut self, from: u32, to: u32, purpose: Purpose) {
        if let Some(way) = self.network.carry_request(HostId(from), HostId(to)) {
            self.queue.push(self.now + way, Happening::Arrival { from, to, purpose });
        }
    }

    fn probe(&mut self, server: u32) {
        let pause = self.jittered(self.probe_interval);
        self.queue.push(self.now + pause, Happening::Probe(server));
        // The ring is the order of their numbers.
        let targets = self.audience() + u32::from(self.crashed.is_some());
        let anybody = self.rng.random_range(0..targets);
        let Some(state) = self.servers.get_mut(server as usize) else { return };
        let knows = state.knows;
        state.is_neighbours_turn ^= true;
        let target = if state.is_neighbours_turn { (server + 1) % targets } else { anybody };
        if self.crashed != Some(target) {
            self.send(server, target, Purpose::Probe);
        } else if !knows && let Some(delay) = self.question() {
            self.queue.push(self.now + delay, Happening::Burial(server));
        }
    }

    /// How long after its probe a server has found the port closed; none where a suspicion comes of it, which others outrun.
    fn question(&mut self) -> Option<Millis> {
        let own = self.knock().unwrap_or(millis(SHORTEST_PROBE_TIMEOUT));
        let (mut last, mut is_confirmed) = (0, false);
        for _ in 0..HELPERS {
            let asked = self.carry_request();
            let found = self.knock();
            let told = self.carry_request();
            is_confirmed |= asked.is_some() && found.is_some() && told.is_some();
            let found = found.unwrap_or(millis(SHORTEST_PROBE_TIMEOUT));
            last = last.max(match (asked, told) {
                (Some(there), Some(back)) => there + found + back,
                _ => millis(HELPERS_WAIT),
            });
        }
        let again = self.knock().filter(|_| is_confirmed)?;
        Some(own + last.min(millis(HELPERS_WAIT)) + millis(KNOCK_AGAIN) + again)
    }

    /// How long it takes until a closed port is found closed; none where a message gets lost.
    fn knock(&mut self) -> Option<Millis> {
        let there = self.carry_request()?;
        let both = there + self.network.carry(HostId(0), HostId(1))?;
        (both < millis(SHORTEST_PROBE_TIMEOUT)).then_some(both)
    }

    fn carry_request(&mut self) -> Option<Millis> {
        self.network.carry_request(HostId(0), HostId(1))
    }

    fn arrive(&mut self, from: u32, to: u32, purpose: Purpose) {
        let state =
            |model: &Self, server: u32| model.servers.get(server as usize).copied().unwrap_or_default();
        // The newcomer is no server of the audience, and knows.
        let tells = match purpose {
            Purpose::Greeting => true,
            Purpose::Push | Purpose::Probe => state(self, from).rounds_left.is_some(),
            Purpose::Sync => false,
        };
        let is_new = !state(self, to).knows;
        if tells {
            self.learn(to, true);
        }
        let comes_back = self.network.carry(HostId(to), HostId(from)).is_some();
        if !comes_back || purpose == Purpose::Greeting {
            return;
        }
        // The answer carries what the other spreads; a comparison what either lacks.
        let answerer = state(self, to);
        if !tells && (answerer.rounds_left.is_some() || (purpose == Purpose::Sync && answerer.knows)) {
            self.learn(from, purpose != Purpose::Sync);
        } else if purpose == Purpose::Sync && state(self, from).knows && !answerer.knows {
            // Whoever is told what it lacks passes it on.
            self.learn(to, true);
        }
        let differs = state(self, from).knows != answerer.knows;
        let now = self.now;
        let Some(asker) = self.servers.get_mut(from as usize) else { return };
        asker.was_answered = true;
        asker.was_news |= purpose == Purpose::Push && tells && is_new;
        match purpose {
            Purpose::Sync => asker.differs_since = None,
            Purpose::Probe if !differs => asker.differs_since = None,
            Purpose::Probe => {
                let since = *asker.differs_since.get_or_insert(now);
                if now - since >= millis(NEWS_NEED) {
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
        Plan { scenario, servers, kind: Kind::Native, legacy_share: 0.0, loss: 0.01, events, seed: 1 }
    }

    #[test]
    fn it_agrees_with_the_full_model_where_that_is_cheap() {
        for scenario in [Scenario::Crash, Scenario::Join] {
            let plan = plan(scenario, 40, 12);
            let median = |events: &[Watch]| Times::of_share(events, 0.9).p50.unwrap() as f64;
            let reduced = median(&run(&plan, &mut |_| {}).unwrap());
            let full = median(&scenarios::run(&plan, &mut |_| {}).events);
            // When a crash is found is left to chance far more than how the news spread.
            let tolerance = if scenario == Scenario::Crash { 1.0 } else { 0.5 };
            assert!((reduced / full).ln().abs() < tolerance, "{scenario:?}: {reduced} and {full} ms");
        }
    }

    #[test]
    fn everybody_gets_to_know_and_the_same_seed_gives_the_same_run() {
        let plan = plan(Scenario::Crash, 2_000, 3);
        let [one, other] = [(); 2].map(|()| run(&plan, &mut |_| {}).unwrap());
        for (one, other) in one.iter().zip(&other) {
            assert!(one.is_complete());
            assert_eq!(one.curve, other.curve);
        }
        assert!(run(&Plan { scenario: Scenario::Leave, ..plan }, &mut |_| {}).is_none());
    }
}
