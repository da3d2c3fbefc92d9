//! What may be done to servers and to the network.

use std::sync::Arc;

use super::clock::{Glitch, Millis};
use super::delivery::LAG_TOLD_EVERY;
use super::host::{Port, Squatter};
use super::process::{Engine, Stage};
use super::spec::Spec;
use super::wire::{HostId, ProcessId, Question, Request};
use super::world::{Happening, World};
use crate::protocol::extension::Extension;

impl World {
    /// Ends all processes of a host without a word; its port is closed.
    pub fn crash(&mut self, host: HostId) {
        self.trace.crashes += 1;
        self.cut_down(host, Port::Closed);
    }

    /// Has somebody who knows the secret tell a server something, whether it is true or not.
    pub fn tell(&mut self, to: HostId, extension: Extension) {
        let question = Question::Gossip { lists: Arc::default(), extension: Some(Arc::new(extension)) };
        let request = Request { sender: None, from: to, to, question, size: 0 };
        self.queue.push(self.time, Happening::Arrival(Box::new(request)));
    }

    /// Has a host vanish: nothing comes back from it.
    pub fn vanish(&mut self, host: HostId) {
        self.trace.vanishings += 1;
        self.cut_down(host, Port::Vanished);
    }

    /// Has another service take over the address of a host on which nothing runs any more.
    pub fn take_over(&mut self, host: HostId, squatter: Squatter) {
        self.trace.takeovers += 1;
        self.hosts[host.index()].squatter = Some(squatter);
    }

    /// Starts a server anew on a host, in another process.
    pub fn restart(&mut self, host: HostId, spec: Spec) -> ProcessId {
        self.trace.restarts += 1;
        if self.hosts[host.index()].is_to_be_online {
            self.cut_down(host, Port::Closed);
        }
        self.start(host, spec)
    }

    /// Has the servers on a host leave gracefully.
    pub fn leave(&mut self, host: HostId) {
        self.trace.leaves += 1;
        self.hosts[host.index()].is_to_be_online = false;
        self.focus_on(host);
        for id in self.hosts[host.index()].processes.clone() {
            self.leave_process(id);
        }
    }

    /// Has one of the processes behind a URL leave gracefully.
    pub fn leave_process(&mut self, id: ProcessId) {
        let process = &mut self.processes[id.index()];
        process.stage = Stage::Leaving;
        process.told_at = self.time;
        self.act(id, |engine, now| match engine {
            Engine::Native(machine) => machine.handle_leave(now),
            Engine::Legacy(legacy) => legacy.handle_leave(now),
        });
    }

    /// Drains the servers on a host, or brings them back.
    pub fn control(&mut self, host: HostId, online: bool) {
        self.trace.controls += 1;
        self.hosts[host.index()].is_to_be_online = online;
        self.focus_on(host);
        for id in self.hosts[host.index()].processes.clone() {
            let process = &mut self.processes[id.index()];
            process.is_drained = !online;
            process.told_at = self.time;
            self.act(id, |engine, now| match engine {
                Engine::Native(machine) => machine.handle_control(now, online),
                Engine::Legacy(legacy) => legacy.handle_control(now, online),
            });
        }
    }

    /// Blocks JavaScript on a host for so long: requests wait, while timers and outgoing requests go on.
    pub fn stall(&mut self, host: HostId, duration: Millis) {
        self.focus_on(host);
        for id in self.hosts[host.index()].processes.clone() {
            let process = &mut self.processes[id.index()];
            process.stalled_since = self.time;
            process.stalled_until = self.time + duration;
            if duration > LAG_TOLD_EVERY {
                self.queue.push(self.time + LAG_TOLD_EVERY, Happening::Lag(id));
            }
        }
    }

    /// Has the wall clock of the servers on a host step.
    pub fn step_clock(&mut self, host: HostId, by: i64) {
        for id in self.hosts[host.index()].processes.clone() {
            self.processes[id.index()].wall_offset += by;
        }
    }

    /// Has the wall clock of the servers on a host be wrong for a while.
    pub fn glitch_clock(&mut self, host: HostId, glitch: Glitch) {
        self.trace.glitches += 1;
        for id in self.hosts[host.index()].processes.clone() {
            self.processes[id.index()].suffer(glitch, self.time);
        }
    }

    /// Has messages from one host to another get lost.
    pub fn cut(&mut self, from: HostId, to: HostId) {
        self.trace.cuts += 1;
        self.network.cut(from, to);
    }

    /// Splits the hosts into two groups.
    pub fn partition(&mut self, is_apart: impl Fn(HostId) -> bool) {
        self.trace.partitions += 1;
        for host in self.host_ids() {
            self.network.group(host, u8::from(is_apart(host)));
        }
    }

    /// Ends all that is wrong with the network and with hosts. Who is down stays down.
    pub fn heal(&mut self) {
        self.network.reconnect();
        (self.network.loss, self.network.duplication, self.network.jitter) = (0.0, 0.0, 0);
        for host in &mut self.hosts {
            (host.service, host.is_mute) = (0, false);
        }
        self.store.suffer(super::store::Fault::None);
        self.processes.iter_mut().for_each(|process| process.suffer(Glitch::default(), 0));
    }

    /// A graceful leave has come to its end.
    pub(super) fn exit(&mut self, id: ProcessId) {
        let host = self.processes[id.index()].host;
        self.end(id);
        let host = &mut self.hosts[host.index()];
        if host.processes.is_empty() {
            host.port = Port::Closed;
        }
    }

    /// Something is done to a host: it is looked at more closely than others.
    pub(super) fn focus_on(&mut self, host: HostId) {
        self.checks.focus_on(host, &mut self.processes, &self.hosts);
    }

    fn cut_down(&mut self, host: HostId, port: Port) {
        self.focus_on(host);
        for id in self.hosts[host.index()].processes.clone() {
            self.end(id);
        }
        let host = &mut self.hosts[host.index()];
        (host.port, host.is_to_be_online) = (port, false);
    }
}
