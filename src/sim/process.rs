//! One process: an engine, the clock on its wall, and what the world notes about it.

use super::clock::{Glitch, Millis};
use super::legacy::Legacy;
use super::view::{self, View};
use super::wire::HostId;
use crate::protocol::machine::Machine;
use crate::protocol::status::Status;
use crate::protocol::time::Incarnation;

/// What runs in a process.
#[derive(Debug)]
pub enum Engine {
    /// The machine under test.
    Native(Box<Machine>),
    /// The original.
    Legacy(Box<Legacy>),
}

/// How far a process has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Its start has not resolved yet.
    Starting,
    /// It runs.
    Running,
    /// It leaves.
    Leaving,
    /// It has ended, in whatever way.
    Ended,
}

/// Hosts in focus: in large worlds, the checks compare only views of the last hosts that something was done to.
pub(super) const MAX_FOCUS: usize = 3;

/// What the checks remember of one process.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// How each host stood when this process was last looked at.
    pub(super) views: Vec<Option<View>>,
    /// The same of the hosts in focus, in a large world.
    pub(super) in_focus: [Option<View>; MAX_FOCUS],
    pub(super) own: Option<View>,
    /// Whose plain answer has just come: who has asked may outdo a claim on its behalf.
    pub(super) answered_by: Option<HostId>,
}

/// A process.
#[derive(Debug)]
pub struct Process {
    /// Behind which URL it is.
    pub host: HostId,
    /// None once it has ended.
    pub engine: Option<Engine>,
    /// How far its wall clock is off, in milliseconds.
    pub wall_offset: i64,
    /// Its wall clock is off by so much more until then.
    pub glitch: (i64, Millis),
    /// How far it has come.
    pub stage: Stage,
    /// When it was started.
    pub started_at: Millis,
    /// When it was told last to drain, to come back or to leave: many are told at once then.
    pub told_at: Millis,
    /// Whether it was told to drain.
    pub is_drained: bool,
    /// JavaScript does nothing until then.
    pub stalled_until: Millis,
    /// Since when that is so.
    pub stalled_since: Millis,
    /// The moment of the wake-up that stands in the queue.
    pub(super) armed: Option<Millis>,
    /// Requests whose outcome is awaited.
    pub(super) in_flight: u32,
    /// Grows as everything under way is given up.
    pub(super) epoch: u32,
    /// The revision of what the machine knew, and how many it held for living, when it was last looked at.
    pub(super) seen: Option<(u64, usize)>,
    /// What was sent, headers included.
    pub sent: Traffic,
    /// What the checks remember.
    pub(super) ledger: Ledger,
}

/// What a process has sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes of requests and answers, with headers.
    pub bytes: u64,
    /// How many requests.
    pub requests: u64,
    /// The largest body of a request.
    pub largest: usize,
}

impl Process {
    pub(super) fn new(host: HostId, engine: Engine, wall_offset: i64, now: Millis) -> Self {
        Self {
            host,
            engine: Some(engine),
            wall_offset,
            glitch: (0, 0),
            stage: Stage::Starting,
            started_at: now,
            told_at: now,
            is_drained: false,
            stalled_until: 0,
            stalled_since: 0,
            armed: None,
            in_flight: 0,
            epoch: 0,
            seen: None,
            sent: Traffic::default(),
            ledger: Ledger::default(),
        }
    }

    /// Has its wall clock be wrong for a while.
    pub fn suffer(&mut self, glitch: Glitch, now: Millis) {
        self.glitch = (glitch.by, now + glitch.lasts);
    }

    /// How far its wall clock is off now, in milliseconds.
    pub fn offset(&self, now: Millis) -> i64 {
        let (by, until) = self.glitch;
        self.wall_offset + if now < until { by } else { 0 }
    }

    /// The machine, if it runs one.
    pub fn machine(&self) -> Option<&Machine> {
        match &self.engine {
            Some(Engine::Native(machine)) => Some(machine),
            _ => None,
        }
    }

    /// Whether who is online in its eyes may have changed since this was last asked.
    pub(super) fn has_news(&mut self) -> bool {
        let Some(Engine::Native(machine)) = &self.engine else { return true };
        let now = Some((machine.revision(), machine.living()));
        std::mem::replace(&mut self.seen, now) != now
    }

    /// Whether it runs, whatever its engine.
    pub fn is_running(&self) -> bool {
        self.engine.is_some() && self.stage == Stage::Running
    }

    /// Whether others are to hold it for online.
    pub fn is_to_be_online(&self) -> bool {
        self.engine.is_some() && matches!(self.stage, Stage::Starting | Stage::Running) && !self.is_drained
    }

    /// How a server stands in its eyes.
    pub fn view(&self, base_url: &str) -> Option<View> {
        match self.engine.as_ref()? {
            Engine::Native(machine) => view::view(machine, base_url),
            Engine::Legacy(legacy) => legacy.view(base_url).map(|(online, last_update)| View {
                status: if online { Status::Online } else { Status::Dead },
                incarnation: Incarnation::NONE,
                last_update,
            }),
        }
    }

    /// Whether it holds a server for online.
    pub fn sees_online(&self, base_url: &str) -> bool {
        self.view(base_url).is_some_and(|view| view.status.is_online())
    }
}

impl Engine {
    pub(super) fn timeout(&self) -> Option<Millis> {
        match self {
            Self::Native(machine) => machine.poll_timeout().map(|at| at.0),
            Self::Legacy(legacy) => legacy.timeout(),
        }
    }
}
