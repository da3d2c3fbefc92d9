//! Convergence: every native server lists exactly the online servers as online.

use super::Violation;
use crate::sim::clock::Millis;
use crate::sim::host::Host;
use crate::sim::process::{Engine, Process};

/// Compares every native server's view of every host with the truth; returns the first difference.
pub(in crate::sim) fn check(at: Millis, processes: &[Process], hosts: &[Host]) -> Option<Violation> {
    // A legacy peer with a slow clock cannot override a tombstone of its own, so its state is
    // undefined.
    let denies_itself = |host: &Host| {
        let mut behind = host.processes.iter().filter_map(|id| processes.get(id.index()));
        behind.any(|process| {
            matches!(process.engine, Some(Engine::Legacy(_))) && !process.sees_online(&host.url)
        })
    };
    let natives = processes.iter().filter(|process| matches!(process.engine, Some(Engine::Native(_))));
    for observer in natives.filter(|process| process.is_running() && !process.is_drained) {
        let home = hosts.get(observer.host.index())?;
        let is_to_be_shown = |host: &Host| host.should_be_online && host.cluster == home.cluster;
        let differs =
            |host: &&Host| observer.sees_online(&host.url) != is_to_be_shown(host) && !denies_itself(host);
        if let Some(host) = hosts.iter().find(differs) {
            return Some(violation(at, &home.url, host, format!("{:?}", observer.view(&host.url))));
        }
    }
    None
}

fn violation(at: Millis, observer: &str, host: &Host, view: String) -> Violation {
    let finding =
        format!("{observer} has {} as {view}, expected online: {}", host.url, host.should_be_online);
    Violation { at, invariant: "Convergence", finding }
}

#[cfg(test)]
mod tests {
    use crate::sim::spec::{Kind, Spec};
    use crate::sim::world::World;

    #[test]
    fn a_server_unaware_of_a_death_is_a_violation() {
        let mut world = World::new(1);
        world.populate(&[Spec::of(Kind::Plain); 3]);
        assert_eq!(world.disagreement(), None);
        let host = world.host_ids().next().unwrap();
        world.crash(host);
        let found = world.disagreement().unwrap();
        assert_eq!(found.invariant, "Convergence");
        assert!(found.finding.contains(&*world.hosts[0].url), "{found}");
    }
}
