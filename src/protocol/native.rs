//! The native extension's door.

use std::time::Duration;

use super::extension::{Claim, Extension, Kind};
use super::machine::Machine;
use super::member::Status;
use super::time::{Incarnation, Now};

impl Machine {
    /// Whether this server speaks the native extension.
    pub fn is_native(&self) -> bool {
        self.config.probe_interval.is_some()
    }

    /// A gossip request that carried the native extension, which holds all that counts; what is returned is the answer's.
    pub fn handle_native_request(&mut self, now: Now, _heard: &Extension) -> Extension {
        self.me.refresh(now);
        let entry = self.me.entry();
        Extension {
            me: Claim {
                base_url: entry.base_url,
                status: Status::Online,
                incarnation: Incarnation::first(now.wall),
                last_update: entry.last_update,
                monitor: entry.monitor,
                age: 0,
                accusers: Default::default(),
            },
            instance: 1,
            kind: Kind::Push,
            living: 1,
            hash: 0,
            lag: 0,
            claims: Vec::new(),
            fresh: Vec::new(),
            found: None,
            elsewhere: Vec::new(),
        }
    }

    /// How far JavaScript's event loop lags behind: the age of its last sign of life beyond what is due.
    pub fn handle_lag(&mut self, _now: Now, _lag: Duration) {}
}
