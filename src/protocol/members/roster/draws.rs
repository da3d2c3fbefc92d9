//! Random choice of members.

use std::sync::Arc;

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use crate::protocol::context::Context;
use crate::protocol::members::member::Member;
use crate::protocol::members::roster::Roster;

/// Random servers, besides all monitors, that are sent a start, a leave or a control at once.
pub(crate) const WIDE_FANOUT: usize = 20;
/// Monitors contacted at once. A list may declare all servers monitors.
const MAX_MONITORS: usize = 100;
/// The same for a native server, as native servers spread news among themselves.
const MAX_MONITORS_OF_NATIVES: usize = 20;
/// Random draws before the whole roster is searched.
const BLIND_DRAWS: usize = 32;

impl Roster {
    /// Returns a random member among those wanted.
    pub(in crate::protocol) fn pick(
        &self,
        rng: &mut Xoshiro256PlusPlus,
        wanted: impl Fn(&str, &Member) -> bool,
    ) -> Option<Arc<str>> {
        if self.len() == 0 {
            return None;
        }
        for _ in 0..BLIND_DRAWS {
            let (identity, member) = self.at(rng.random_range(0..self.len()))?;
            if wanted(identity, member) {
                return Some(identity.into());
            }
        }
        let start = rng.random_range(0..self.len());
        (start..self.len()).chain(0..start).find_map(|index| {
            let (identity, member) = self.at(index)?;
            wanted(identity, member).then(|| identity.into())
        })
    }

    /// Returns up to `amount` different random members among those wanted.
    pub(in crate::protocol) fn sample(
        &self,
        rng: &mut Xoshiro256PlusPlus,
        amount: usize,
        wanted: impl Fn(&str, &Member) -> bool,
    ) -> Vec<Arc<str>> {
        let mut chosen: Vec<Arc<str>> = Vec::with_capacity(amount);
        if self.len() > amount * BLIND_DRAWS {
            for _ in 0..amount * BLIND_DRAWS {
                if chosen.len() == amount {
                    return chosen;
                }
                let drawn = self.at(rng.random_range(0..self.len()));
                chosen.extend(
                    drawn
                        .filter(|(identity, member)| wanted(identity, member) && !has(&chosen, identity))
                        .map(|(identity, _)| Arc::from(identity)),
                );
            }
            chosen.clear();
        }
        for (seen, (identity, _)) in self.iter().filter(|(id, member)| wanted(id, member)).enumerate() {
            if chosen.len() < amount {
                chosen.push(identity.into());
            } else if let Some(slot) = chosen.get_mut(rng.random_range(0..=seen)) {
                *slot = identity.into();
            }
        }
        chosen
    }

    /// Up to 20 online members at random, and all monitors, as far as a cluster needs monitors.
    pub(in crate::protocol) fn sample_many(&self, cx: &mut Context) -> Vec<Arc<str>> {
        let mut chosen = self.sample(&mut cx.rng, WIDE_FANOUT, |_, member| member.is_online());
        let monitors = if cx.is_native() { MAX_MONITORS_OF_NATIVES } else { MAX_MONITORS };
        let monitors = self.sample(&mut cx.rng, monitors, |identity, member| {
            member.is_online() && member.monitor && !has(&chosen, identity)
        });
        chosen.extend(monitors);
        chosen
    }
}

fn has(chosen: &[Arc<str>], identity: &str) -> bool {
    chosen.iter().any(|other| **other == *identity)
}
