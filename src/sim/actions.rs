//! Actions on servers and on the network.

use crate::protocol::status::Control;
use std::sync::Arc;

use super::clock::{Glitch, Millis};
use super::delivery::LAG_REPORT_INTERVAL;
use super::event::WorldEvent;
use super::host::{Occupant, Port};
use super::process::{Engine, Stage};
use super::spec::Spec;
use super::wire::{Content, HostId, ProcessId, Request};
use super::world::World;
use crate::protocol::extension::Extension;

impl World {
    /// Crashes all processes of a host; its port is closed.
    pub fn crash(&mut self, host: HostId) {
        self.trace.crashes += 1;
        self.end_processes(host, Port::Closed);
    }

    /// Sends a server a message from someone with the secret, whether its claims are true or not.
    pub fn send_message(&mut self, to: HostId, extension: Extension) {
        let content = Content::Gossip { lists: Arc::default(), extension: Some(Arc::new(extension)) };
        let request = Request { sender: None, from: to, to, content, size: 0, is_hostile: false };
        self.queue.push(self.time, WorldEvent::Arrival(Box::new(request)));
    }

    /// Makes a host vanish: requests to it time out.
    pub fn vanish(&mut self, host: HostId) {
        self.trace.vanishings += 1;
        self.end_processes(host, Port::Vanished);
    }

    /// Lets another service take over the address of a host without processes.
    pub fn take_over(&mut self, host: HostId, occupant: Occupant) {
        self.trace.takeovers += 1;
        self.hosts[host.index()].occupant = Some(occupant);
    }

    /// Restarts a server on a host, in a new process.
    pub fn restart(&mut self, host: HostId, spec: Spec) -> ProcessId {
        self.trace.restarts += 1;
        if self.hosts[host.index()].should_be_online {
            self.end_processes(host, Port::Closed);
        }
        self.start(host, spec)
    }

    /// Makes the servers on a host leave gracefully.
    pub fn leave(&mut self, host: HostId) {
        self.trace.leaves += 1;
        self.hosts[host.index()].should_be_online = false;
        self.focus_on(host);
        for id in self.hosts[host.index()].processes.clone() {
            self.leave_process(id);
        }
    }

    /// Makes one process behind a URL leave gracefully.
    pub fn leave_process(&mut self, id: ProcessId) {
        let process = &mut self.processes[id.index()];
        process.stage = Stage::Leaving;
        process.announced_at = self.time;
        self.act(id, |engine, now| match engine {
            Engine::Native(machine) => machine.handle_leave(now),
            Engine::Legacy(legacy) => legacy.handle_leave(now),
        });
    }

    /// Drains the servers on a host.
    pub fn drain(&mut self, host: HostId) {
        self.control(host, Control::Drain);
    }

    /// Brings the drained servers on a host back.
    pub fn bring_back(&mut self, host: HostId) {
        self.control(host, Control::Return);
    }

    pub(super) fn control(&mut self, host: HostId, control: Control) {
        self.trace.controls += 1;
        self.hosts[host.index()].should_be_online = control == Control::Return;
        self.focus_on(host);
        for id in self.hosts[host.index()].processes.clone() {
            let process = &mut self.processes[id.index()];
            process.is_drained = control == Control::Drain;
            process.announced_at = self.time;
            self.act(id, |engine, now| match engine {
                Engine::Native(machine) => machine.handle_control(now, control),
                Engine::Legacy(legacy) => legacy.handle_control(now, control),
            });
        }
    }

    /// Blocks JavaScript on a host: requests wait, while timers and outgoing requests go on.
    pub fn stall(&mut self, host: HostId, duration: Millis) {
        self.focus_on(host);
        for id in self.hosts[host.index()].processes.clone() {
            let process = &mut self.processes[id.index()];
            process.stalled_since = self.time;
            process.stalled_until = self.time + duration;
            if duration > LAG_REPORT_INTERVAL {
                self.queue.push(self.time + LAG_REPORT_INTERVAL, WorldEvent::Lag(id));
            }
        }
    }

    /// Steps the wall clock of the servers on a host.
    pub fn step_clock(&mut self, host: HostId, by: i64) {
        for id in self.hosts[host.index()].processes.clone() {
            self.processes[id.index()].wall_offset += by;
        }
    }

    /// Makes the wall clock of the servers on a host wrong for a while.
    pub fn glitch_clock(&mut self, host: HostId, glitch: Glitch) {
        self.trace.glitches += 1;
        for id in self.hosts[host.index()].processes.clone() {
            self.processes[id.index()].glitch_clock(glitch, self.time);
        }
    }

    /// Drops the messages from one host to another.
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

    /// Ends all faults of the network and of hosts. A host that is down stays down.
    pub fn heal(&mut self) {
        self.network.reconnect();
        (self.network.loss, self.network.duplication, self.network.jitter) = (0.0, 0.0, 0);
        for host in &mut self.hosts {
            (host.service, host.loses_responses) = (0, false);
        }
        self.store.set_fault(super::store::Fault::None);
        self.processes.iter_mut().for_each(|process| process.glitch_clock(Glitch::default(), 0));
    }

    /// Ends a process after its graceful leave.
    pub(super) fn exit(&mut self, id: ProcessId) {
        let host = self.processes[id.index()].host;
        self.end(id);
        let host = &mut self.hosts[host.index()];
        if host.processes.is_empty() {
            host.port = Port::Closed;
        }
    }

    /// Focuses the checks on a host after an action on it.
    pub(super) fn focus_on(&mut self, host: HostId) {
        self.checks.focus_on(host, &mut self.processes, &self.hosts);
    }

    fn end_processes(&mut self, host: HostId, port: Port) {
        self.focus_on(host);
        for id in self.hosts[host.index()].processes.clone() {
            self.end(id);
        }
        let host = &mut self.hosts[host.index()];
        (host.port, host.should_be_online) = (port, false);
    }
}
