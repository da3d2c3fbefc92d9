//! Parts of a machine for tests of single rules, without a world, a network or a machine.

use std::sync::Arc;
use std::time::Duration;

use super::world::{EPOCH, config};
use crate::protocol::context::Context;
use crate::protocol::context::config::Config;
use crate::protocol::context::effect::Effect;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::in_flight::{OwnEntry, Purpose};
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::merging::Merging;
use crate::protocol::native::detection::Detection;
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Now, Stamp, Tick};

/// The arguments of rules.
pub(in crate::protocol::tests) struct Parts {
    pub(in crate::protocol::tests) members: Members,
    pub(in crate::protocol::tests) exchanges: Exchanges,
    pub(in crate::protocol::tests) merging: Merging,
    pub(in crate::protocol::tests) detection: Detection,
    pub(in crate::protocol::tests) cx: Context,
}

impl Parts {
    /// The parts of a server without the native extension.
    pub(in crate::protocol::tests) fn plain() -> Self {
        Self::of(config("http://me/"))
    }

    /// The parts of a native server.
    pub(in crate::protocol::tests) fn native() -> Self {
        Self::of(Config { probe_interval: Some(Duration::from_secs(1)), ..config("http://me/") })
    }

    /// The parts of a server that knows at most this many others.
    pub(in crate::protocol::tests) fn of_at_most(servers: usize) -> Self {
        Self::of(Config { max_servers: servers, ..config("http://me/") })
    }

    fn of(config: Config) -> Self {
        let members = Members::new(&config, 1, at(0));
        Self {
            members,
            exchanges: Exchanges::new(1),
            merging: Merging::default(),
            detection: Detection::default(),
            cx: Context::new(config, 1),
        }
    }

    /// Adds a legacy peer, and returns its identity.
    pub(in crate::protocol::tests) fn add(&mut self, url: &str, status: Status, stamp: u64) -> Arc<str> {
        let url = BaseUrl::parse(url).unwrap();
        let member = Member::new(&url, status, false, Stamp(EPOCH + stamp), at(0));
        self.members.roster.insert(Arc::clone(url.identity()), member, at(0));
        Arc::clone(url.identity())
    }

    /// Adds a native server, and returns its identity.
    pub(in crate::protocol::tests) fn add_native(
        &mut self,
        url: &str,
        status: Status,
        incarnation: u32,
    ) -> Arc<str> {
        let identity = self.add(url, status, 0);
        self.members.roster.adopt_incarnation(&identity, Incarnation(incarnation));
        identity
    }

    /// The effect that spreads the claim about this server.
    pub(in crate::protocol::tests) fn spread(identity: &str) -> Effect {
        Effect::Spread(Self::plain().members.roster.key_of(identity))
    }

    pub(in crate::protocol::tests) fn member(&mut self, identity: &str) -> &mut Member {
        self.members.roster.get_mut(identity).unwrap()
    }

    /// The status and the stamp of a member.
    pub(in crate::protocol::tests) fn status_and_stamp(&self, identity: &str) -> (Status, u64) {
        let member = self.members.roster.get(identity).unwrap();
        (member.status(), member.stamp().0 - EPOCH)
    }

    /// Sends a request.
    pub(in crate::protocol::tests) fn ask(&mut self, peer: &Arc<str>, purpose: Purpose) -> ExchangeId {
        self.exchanges.in_flight.begin(Arc::clone(peer), purpose, Tick(0))
    }

    /// The effects that rules have pushed since the last call.
    pub(in crate::protocol::tests) fn effects(&mut self) -> Vec<Effect> {
        self.cx.effects.take()
    }
}

/// A time, in milliseconds since the start.
pub(in crate::protocol::tests) fn at(tick: u64) -> Now {
    Now { tick: Tick(tick), wall: Stamp(EPOCH + tick) }
}

/// What a server that is online claims about itself.
pub(in crate::protocol::tests) fn own_entry(url: &str, stamp: u64) -> OwnEntry {
    OwnEntry { online: true, spelling: url.into(), monitor: false, stamp: Stamp(EPOCH + stamp) }
}
