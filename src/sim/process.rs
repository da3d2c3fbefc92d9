//! A process: an engine, its wall clock, and the state that the world keeps for it.

use super::clock::{Glitch, Millis};
use super::legacy::Legacy;
use super::reader::Reader;
use super::view::{self, View};
use super::wire::HostId;
use crate::protocol::machine::Machine;
use crate::protocol::output::Transmit;
use crate::protocol::status::Status;
use crate::protocol::time::Incarnation;

/// The engine of a process.
#[derive(Debug)]
pub enum Engine {
    /// The machine under test.
    Native(Box<Machine>),
    /// Version 1.
    Legacy(Box<Legacy>),
}

/// The stage of a process's life cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It starts.
    Starting,
    /// It runs.
    Running,
    /// It is leaving.
    Leaving,
    /// It has ended, for any reason.
    Ended,
}

/// Hosts in focus. In large worlds, the checks compare only views of the latest hosts with an
/// action.
pub(super) const MAX_FOCUS: usize = 3;

/// The state that the checks keep for one process.
#[derive(Debug, Default)]
pub(super) struct CheckState {
    /// Its view of each host at the last check.
    pub(super) views: Vec<Option<View>>,
    /// The same for the hosts in focus, in a large world.
    pub(super) focus_views: [Option<View>; MAX_FOCUS],
    pub(super) own: Option<View>,
    /// What a reader of its news has been told.
    pub(super) reader: Reader,
    /// The host whose plain response has just arrived. The receiver may now refute a claim about
    /// it.
    pub(super) last_response_from: Option<HostId>,
}

/// A process.
#[derive(Debug)]
pub struct Process {
    /// The host that it belongs to.
    pub host: HostId,
    /// `None` once it has ended.
    pub engine: Option<Engine>,
    /// The offset of its wall clock in milliseconds.
    pub wall_offset: i64,
    /// An additional offset of its wall clock, and when that ends.
    pub glitch: (i64, Millis),
    /// The stage of its life cycle.
    pub stage: Stage,
    /// When it was started.
    pub started_at: Millis,
    /// When it was last drained, brought back or told to leave, which causes many requests at once.
    pub announced_at: Millis,
    /// Whether it is drained.
    pub is_drained: bool,
    /// JavaScript is blocked until then.
    pub stalled_until: Millis,
    /// When that started.
    pub stalled_since: Millis,
    /// The time of its queued wake-up.
    pub(super) armed: Option<Millis>,
    /// The number of requests in flight.
    pub(super) in_flight: u32,
    /// Incremented when all requests in flight are abandoned.
    pub(super) epoch: u32,
    /// The machine's revision and its number of living servers at the last check.
    pub(super) seen: Option<(u64, usize)>,
    /// What its machine sends since it ran ahead, with the sizes of the contents in bytes.
    pub(super) transmits: Vec<(Transmit, Option<usize>)>,
    /// The traffic that it sent, with headers.
    pub sent: Traffic,
    /// The state that the checks keep for it.
    pub(super) check_state: CheckState,
}

/// The traffic that a process has sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes of requests and responses, with headers.
    pub bytes: u64,
    /// The number of requests.
    pub requests: u64,
    /// The largest body of a request in bytes.
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
            announced_at: now,
            is_drained: false,
            stalled_until: 0,
            stalled_since: 0,
            armed: None,
            in_flight: 0,
            epoch: 0,
            seen: None,
            transmits: Vec::new(),
            sent: Traffic::default(),
            check_state: CheckState::default(),
        }
    }

    /// Makes its wall clock wrong for a while.
    pub fn glitch_clock(&mut self, glitch: Glitch, now: Millis) {
        self.glitch = (glitch.by, now + glitch.lasts);
    }

    /// Returns the current offset of its wall clock in milliseconds.
    pub fn offset(&self, now: Millis) -> i64 {
        let (by, until) = self.glitch;
        self.wall_offset + if now < until { by } else { 0 }
    }

    /// Returns the machine, if it has one.
    pub fn machine(&self) -> Option<&Machine> {
        match &self.engine {
            Some(Engine::Native(machine)) => Some(machine),
            _ => None,
        }
    }

    /// Returns whether its set of online servers may have changed since the last call.
    pub(super) fn take_news(&mut self) -> bool {
        let Some(Engine::Native(machine)) = &self.engine else { return true };
        let now = Some((machine.revision(), machine.living()));
        std::mem::replace(&mut self.seen, now) != now
    }

    /// Whether it runs, with either engine.
    pub fn is_running(&self) -> bool {
        self.engine.is_some() && self.stage == Stage::Running
    }

    /// Whether others should list it as online.
    pub fn should_be_online(&self) -> bool {
        self.engine.is_some() && matches!(self.stage, Stage::Starting | Stage::Running) && !self.is_drained
    }

    /// Returns its view of a server.
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

    /// Whether it lists a server as online.
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
