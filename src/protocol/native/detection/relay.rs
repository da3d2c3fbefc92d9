//! Relays: another server is probed on behalf of those who got no answer, and they are told what was found.

use std::sync::Arc;

use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::exchanges::native_message::NativeMessage;
use crate::protocol::machine::Machine;
use crate::protocol::merging::intake::Subject;
use crate::protocol::native::detection::investigation::MAX_OPEN;
use crate::protocol::types::time::Now;
use crate::protocol::wire::extension::{Finding, Kind};

impl Machine {
    /// Another server wants to know whether a third one answers.
    pub(in crate::protocol) fn relay_probe(&mut self, asker: &Arc<str>, target: &str, now: Now) {
        let Ok(Subject::Known(target)) = self.identify(target) else { return };
        if !self.is_met_natively(&target) || self.native.probes.relays.len() >= MAX_OPEN {
            return;
        }
        let askers = self.native.probes.relays.entry(Arc::clone(&target)).or_default();
        if !askers.contains(asker) && askers.len() < MAX_OPEN {
            askers.push(Arc::clone(asker));
        }
        let is_talking = self.exchanges.in_flight.is_talking_to(&target);
        if !is_talking
            && self
                .exchanges
                .send_native(
                    &mut self.members,
                    &mut self.cx,
                    &target,
                    NativeMessage::new(Kind::Probe, Purpose::Relay),
                    now,
                )
                .is_none()
        {
            self.native.probes.relays.swap_remove(&target);
        }
    }

    /// Tells those who wanted to know; whether there was any.
    pub(in crate::protocol) fn report(&mut self, target: &Arc<str>, finding: Finding, now: Now) -> bool {
        let Some(askers) = self.native.probes.relays.swap_remove(target) else { return false };
        for asker in askers {
            if self.native.probes.owed.len() < MAX_OPEN {
                self.native.probes.owed.push_back((Arc::clone(&asker), Arc::clone(target), finding));
            }
            self.report_findings(&asker, now);
        }
        true
    }

    /// Tells a peer what was found for it, unless an exchange with it is under way.
    pub(in crate::protocol) fn report_findings(&mut self, asker: &Arc<str>, now: Now) {
        let Some(index) = self.native.probes.owed.iter().position(|(owed_to, ..)| owed_to == asker) else {
            return;
        };
        if !self.exchanges.in_flight.is_talking_to(asker)
            && let Some((_, target, finding)) = self.native.probes.owed.remove(index)
        {
            let found = Some((self.members.roster.spelling(&target), finding));
            let message = NativeMessage { found, ..NativeMessage::new(Kind::Push, Purpose::Push) };
            self.exchanges.send_native(&mut self.members, &mut self.cx, asker, message, now);
        }
    }
}
