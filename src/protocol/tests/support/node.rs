//! A machine in the world, and the invariants that hold after each step.
//!
//! Every server is in exactly one of its lists. Its own stamp grows, and no highest stamp seen
//! falls. Every check that was sent has a request in flight. At most one exchange and one inquiry
//! with a peer are in flight.

use crate::protocol::members::member::unproved_answers::Route;
use std::collections::{BTreeMap, BTreeSet};

use crate::protocol::ExchangeId;
use crate::protocol::context::output::Event;
use crate::protocol::machine::Machine;
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::time::{Now, Stamp};

#[derive(Debug)]
pub(in crate::protocol::tests) struct Node {
    pub(in crate::protocol::tests) machine: Machine,
    /// The error of its wall clock, in milliseconds.
    pub(in crate::protocol::tests) wall_offset: i64,
    pub(in crate::protocol::tests) events: Vec<Event>,
    /// The requests in flight: the receiver, and the route.
    pub(in crate::protocol::tests) in_flight: BTreeMap<ExchangeId, (String, Route)>,
    steps: u64,
    last_stamp: Stamp,
    highest_seen: BTreeMap<String, Stamp>,
    /// Servers that have left the roster.
    forgotten: BTreeSet<String>,
}

impl Node {
    pub(in crate::protocol::tests) fn new(machine: Machine, wall_offset: i64) -> Self {
        Self {
            machine,
            wall_offset,
            events: Vec::new(),
            in_flight: BTreeMap::new(),
            steps: 0,
            last_stamp: Stamp(0),
            highest_seen: BTreeMap::new(),
            forgotten: BTreeSet::new(),
        }
    }

    pub(in crate::protocol::tests) fn begin(&mut self, id: ExchangeId, peer: &str, route: Route) {
        let request = (peer.to_owned(), route);
        let is_second = self.in_flight.values().any(|known| *known == request);
        assert!(!is_second, "a second request to {peer} while one is in flight ({route:?})");
        self.in_flight.insert(id, request);
    }

    pub(in crate::protocol::tests) fn check(&mut self, now: Now) {
        self.steps += 1;
        // Checking large rosters after every step would be slow.
        if self.machine.members().roster.len() > 200 && !self.steps.is_multiple_of(100) {
            return;
        }
        let machine = &self.machine;
        let lists = machine.lists();
        let own = machine.members().local.entry();
        let all = || lists.online.iter().chain(&lists.offline);
        let unique: BTreeSet<_> = all().map(|entry| identity(&entry.base_url)).collect();
        assert_eq!(unique.len(), all().count(), "a server is listed twice");
        assert!(all().any(|entry| *entry == own), "its own entry is missing");
        assert!(own.last_update >= self.last_stamp, "its own stamp fell");
        self.last_stamp = own.last_update;
        for (identity, member) in machine.members().roster.iter() {
            assert!(
                member.stamp() <= member.highest_seen(),
                "{identity} is shown above the highest stamp seen"
            );
            assert!(machine.members().hidden.get(identity).is_none(), "{identity} is hidden and a member");
            let is_asked = member.check().is_some_and(|check| check.is_asked());
            assert!(
                !is_asked
                    || machine.members().local.is_leaving()
                    || machine.exchanges().in_flight.is_verifying(identity),
                "the check of {identity} is never settled"
            );
            let highest = self.highest_seen.insert(identity.to_string(), member.highest_seen());
            // The archive keeps the stamp of a forgotten server, unless it is too far ahead.
            let may_fall = self.forgotten.remove(identity) && highest.is_some_and(|it| it.is_far_ahead(now));
            assert!(
                may_fall || highest <= Some(member.highest_seen()),
                "the highest stamp seen of {identity} fell"
            );
        }
        let is_forgotten = |identity: &&String| machine.members().roster.get(identity).is_none();
        self.forgotten.extend(self.highest_seen.keys().filter(is_forgotten).cloned());
    }
}

pub(in crate::protocol::tests) fn identity(base_url: &str) -> String {
    BaseUrl::parse(base_url).unwrap().identity().to_string()
}
