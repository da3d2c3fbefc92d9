//! Random choice of members.

use std::sync::Arc;

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use crate::protocol::members::member::Member;
use crate::protocol::members::roster::Roster;

/// Random draws before the whole roster is searched.
const BLIND_DRAWS: usize = 32;

impl Roster {
    /// Returns a random member among those wanted.
    pub(in crate::protocol) fn pick(
        &self,
        rng: &mut Xoshiro256PlusPlus,
        wanted: impl Fn(&Arc<str>, &Member) -> bool,
    ) -> Option<Arc<str>> {
        if self.len() == 0 {
            return None;
        }
        for _ in 0..BLIND_DRAWS {
            let (identity, member) = self.at(rng.random_range(0..self.len()))?;
            if wanted(identity, member) {
                return Some(Arc::clone(identity));
            }
        }
        let start = rng.random_range(0..self.len());
        (start..self.len()).chain(0..start).find_map(|index| {
            let (identity, member) = self.at(index)?;
            wanted(identity, member).then(|| Arc::clone(identity))
        })
    }

    /// Returns up to `amount` different random members among those wanted.
    pub(in crate::protocol) fn sample(
        &self,
        rng: &mut Xoshiro256PlusPlus,
        amount: usize,
        wanted: impl Fn(&Arc<str>, &Member) -> bool,
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
                        .filter(|(identity, member)| wanted(identity, member) && !chosen.contains(identity))
                        .map(|(identity, _)| Arc::clone(identity)),
                );
            }
            chosen.clear();
        }
        for (seen, (identity, _)) in self.iter().filter(|(id, member)| wanted(id, member)).enumerate() {
            if chosen.len() < amount {
                chosen.push(Arc::clone(identity));
            } else if let Some(slot) = chosen.get_mut(rng.random_range(0..=seen)) {
                *slot = Arc::clone(identity);
            }
        }
        chosen
    }
}
