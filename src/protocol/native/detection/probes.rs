//! Whom to probe among native servers, and what the end of an exchange tells. Failures are looked into by `questions`.

use std::collections::VecDeque;
use std::sync::Arc;

use foldhash::fast::FixedState;
use indexmap::{IndexMap, IndexSet};

use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::exchanges::native_message::NativeMessage;
use crate::protocol::machine::Machine;
use crate::protocol::members::member::Member;
use crate::protocol::native::detection::investigation::{HelpBudget, Investigation};
use crate::protocol::native::detection::permutation::Permutation;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::extension::{Finding, Kind};

/// So many servers to be asked out of turn are remembered.
pub(in crate::protocol) const MAX_WAITING: usize = 1_024;

/// Whom to probe, and what is being found out.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Probes {
    /// Every second probe goes to the neighbour.
    is_neighbours_turn: bool,
    turn: Permutation,
    /// Those to be probed out of turn, because hearsay contradicts what is known.
    urgent: VecDeque<Arc<str>>,
    /// Buried ones that somebody holds for alive: they are told, so that a living one can refute.
    disputed: IndexSet<Arc<str>, FixedState>,
    pub(in crate::protocol) open: IndexMap<Arc<str>, Investigation, FixedState>,
    pub(in crate::protocol) help_budget: HelpBudget,
}

impl Probes {
    pub(in crate::protocol) fn is_open(&self, identity: &str) -> bool {
        self.open.contains_key(identity)
    }

    /// One to be probed out of turn.
    pub(in crate::protocol) fn hurry(&mut self, identity: &Arc<str>) {
        if self.urgent.len() < MAX_WAITING && !self.urgent.contains(identity) {
            self.urgent.push_back(Arc::clone(identity));
        }
    }

    /// It runs, and says itself why it does not answer.
    pub(in crate::protocol) fn excuse(&mut self, identity: &Arc<str>) {
        self.open.swap_remove(identity);
    }

    /// How many wait to be probed out of turn, and how many to be told that they are held for dead.
    pub(in crate::protocol) fn lengths(&self) -> [usize; 2] {
        [self.urgent.len(), self.disputed.len()]
    }

    /// A buried one that somebody holds for alive.
    pub(in crate::protocol) fn dispute(&mut self, identity: &Arc<str>) {
        if self.disputed.len() < MAX_WAITING {
            self.disputed.insert(Arc::clone(identity));
        }
    }
}

impl Machine {
    pub(in crate::protocol) fn schedule_probe(&mut self, now: Tick) {
        if let Some(interval) = self.cx.config.probe_interval {
            let pause = self.jittered(interval);
            self.cx.timers.set(Timer::Probe, now + pause);
        }
    }

    /// Probes the next one, and another one out of turn.
    pub(in crate::protocol) fn probe_next(&mut self, now: Now) {
        self.schedule_probe(now.tick);
        self.look_at_own_url(now);
        if let Some(disputed) = self.native.probes.disputed.pop()
            && self.members.roster.get(&disputed).is_some_and(|member| member.status == Status::Dead)
        {
            self.reach(&disputed, now);
        }
        if let Some(urgent) = self.native.probes.urgent.pop_front()
            && self.may_be_probed(&urgent, now.tick)
        {
            self.probe(&urgent, now);
        }
        if let Some(peer) = self.next_in_turn(now.tick) {
            self.probe(&peer, now);
        } else {
            self.members.me.refresh(now);
        }
    }

    /// The neighbour, and in between anybody: together they find a dead one soon, and neither can be blind to it for ever.
    fn next_in_turn(&mut self, now: Tick) -> Option<Arc<str>> {
        self.native.probes.is_neighbours_turn ^= true;
        if self.native.probes.is_neighbours_turn
            && let Some(neighbour) = self.members.roster.neighbour().cloned()
            && self.is_to_be_probed(&neighbour, now)
        {
            return Some(neighbour);
        }
        for is_new_turn in [false, true] {
            if is_new_turn {
                self.native.probes.turn = Permutation::over(self.members.roster.len(), &mut self.cx.rng);
            }
            while let Some(place) = self.native.probes.turn.next() {
                // Members that have come or gone meanwhile have moved a few of the others.
                let Some((identity, _)) = self.members.roster.at(place) else { continue };
                let identity = Arc::clone(identity);
                if self.is_to_be_probed(&identity, now) {
                    return Some(identity);
                }
            }
        }
        None
    }

    fn is_to_be_probed(&self, identity: &str, now: Tick) -> bool {
        self.is_met_natively(identity) && self.may_be_probed(identity, now)
    }

    fn may_be_probed(&self, identity: &str, now: Tick) -> bool {
        let is_there = |member: &Member| member.is_online() && !member.is_left_alone(now);
        self.members.roster.get(identity).is_some_and(is_there) && !self.native.probes.is_open(identity)
    }

    /// Asks a native server for a sign of life, unless an exchange with it is under way, which tells as much.
    pub(in crate::protocol) fn probe(&mut self, peer: &Arc<str>, now: Now) -> Option<ExchangeId> {
        let known = |subject: &str| subject == &**peer;
        let claims = self.rumoured_besides(known, now);
        let message = NativeMessage::new(Kind::Probe, Purpose::Probe).with_claims(claims);
        self.exchanges.send_native(&mut self.members, &mut self.cx, peer, message, now)
    }

    /// Tells a buried one that it is held for dead, so that it can refute.
    pub(in crate::protocol) fn reach(&mut self, peer: &Arc<str>, now: Now) {
        self.exchanges.send_native(
            &mut self.members,
            &mut self.cx,
            peer,
            NativeMessage::new(Kind::Probe, Purpose::Reach),
            now,
        );
    }

    /// Tells a suspect that it is one.
    pub(in crate::protocol) fn tell_suspect(&mut self, peer: &Arc<str>, now: Now) {
        self.exchanges.send_native(
            &mut self.members,
            &mut self.cx,
            peer,
            NativeMessage::new(Kind::Push, Purpose::Reach),
            now,
        );
    }

    /// An exchange with a native server has succeeded.
    pub(in crate::protocol) fn probe_succeeded(&mut self, peer: &Arc<str>, now: Now) {
        self.exchanges.health.improve();
        self.native.probes.open.swap_remove(peer);
        self.native.strangers.pass(peer);
        self.report(peer, Finding::Alive, now);
    }

    /// An exchange with a native server has failed.
    pub(in crate::protocol) fn fail_natively(
        &mut self,
        peer: &Arc<str>,
        purpose: Purpose,
        finding: Finding,
        now: Now,
    ) {
        // A suspect that is told of it: those who asked about it learn it, and nobody asks further.
        if purpose == Purpose::Reach {
            self.report(peer, finding, now);
        } else if self.native.strangers.is_checking(peer) {
            if purpose == Purpose::Probe || finding == Finding::Refused {
                self.fail_stranger(peer, finding, now);
            }
        } else if finding == Finding::Refused {
            self.probe_failed(peer, finding, now);
        } else {
            self.exchanges.health.record_loss();
            if purpose == Purpose::Probe {
                return self.probe_failed(peer, finding, now);
            }
            // A message that got lost is no reason to trouble others.
            let is_relay = self.report(peer, finding, now);
            if !is_relay && self.members.roster.get(peer).is_some_and(Member::is_online) {
                self.ask_again(peer, now);
            }
        }
    }

    /// At once, unless so much gets lost that questions would beget questions.
    fn ask_again(&mut self, peer: &Arc<str>, now: Now) {
        let is_asked = !self.exchanges.health.loses_many()
            && !self.native.probes.is_open(peer)
            && self.probe(peer, now).is_some();
        if !is_asked {
            self.native.probes.hurry(peer);
        }
    }
}
