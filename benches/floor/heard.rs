//! The memory of servers that were only heard of, while they are known and after they are forgotten.

use std::error::Error;
use std::thread;
use std::time::Duration;

use clustershazbot::protocol::ids::Source;
use clustershazbot::protocol::machine::Machine;
use clustershazbot::protocol::message::{ReceivedEntry, Reply};
use clustershazbot::protocol::output::Transmit;
use clustershazbot::protocol::status::ListKind;
use clustershazbot::protocol::time::{Now, Stamp, Tick};

use crate::cluster::{NOW, seeded};
use crate::{resident, short_url};

/// Time until unconfirmed claims are dropped, which leaves tombstones.
const CLAIMS_GONE: Duration = Duration::from_secs(6 * 60);
/// Time until tombstones are dropped.
const TOMBSTONES_GONE: Duration = Duration::from_secs(25 * 60 * 60);
/// The shortest step.
const STEP: Duration = Duration::from_millis(1);
/// Time in which the memory is given back.
const MINUTE: Duration = Duration::from_secs(60);

/// Returns by how many bytes the process has grown for each server, while these are known and after
/// they are forgotten. As in the driver, another thread merges.
pub(crate) fn memory(servers: usize) -> Result<[usize; 2], Box<dyn Error>> {
    let machine = seeded(std::iter::empty())?;
    let before = resident()?;
    let mut machine = thread::spawn(move || hear(machine, servers)).join().map_err(|_| "a panic")?;
    let known = resident()?.saturating_sub(before);
    if machine.other_count() != servers {
        return Err("some are missing".into());
    }
    pass(&mut machine, NOW.tick, CLAIMS_GONE);
    pass(&mut machine, NOW.tick + TOMBSTONES_GONE, MINUTE);
    if machine.other_count() != 0 {
        return Err("some are left".into());
    }
    let forgotten = resident()?.saturating_sub(before);
    Ok([known, forgotten].map(|bytes| bytes / servers))
}

fn hear(mut machine: Machine, servers: usize) -> Machine {
    for index in 0..servers {
        let entry = ReceivedEntry {
            base_url: short_url(index).into(),
            monitor: false,
            last_update: NOW.wall.0 as f64,
        };
        machine.handle_claims(NOW, Source::Request, ListKind::Online, &[entry]);
    }
    machine
}

/// Lets time pass, in which nothing answers.
fn pass(machine: &mut Machine, since: Tick, time: Duration) {
    let mut now = at(since);
    while now.tick < since + time {
        while let Some(transmit) = machine.poll_transmit() {
            if let Transmit::Inquire { id, .. } | Transmit::Gossip { id, .. } = transmit {
                machine.handle_reply(now, id, &Reply::Failure(String::new()));
            }
        }
        while machine.poll_event().is_some() {}
        machine.handle_timeout(now);
        now = at(machine.poll_timeout().unwrap_or(since + time).max(now.tick + STEP));
    }
}

fn at(tick: Tick) -> Now {
    Now { tick, wall: Stamp(NOW.wall.0 + (tick.0 - NOW.tick.0)) }
}
