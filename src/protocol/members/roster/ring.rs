//! Whom to watch: all native servers stand on one ring, each watches the next one.
//!
//! Places on the ring are hashes of URLs, so that all agree on them without a word. Random probes alone leave one dead server in a
//! hundred unnoticed for five seconds; a neighbour notices it with the second probe at the latest. Rings of this kind are found
//! in Orleans (Bykov and others 2014) and Rapid (Suresh and others 2018).

use std::sync::Arc;

/// The next native server after this one, kept up to date as others come and go.
#[derive(Debug, Clone, Default)]
pub(in crate::protocol) struct Ring {
    place: u64,
    /// How far away it is, and who it is.
    nearest: Option<(u64, Arc<str>)>,
    /// Set when the nearest one has gone: only all the others together tell who is next.
    is_lost: bool,
}

impl Ring {
    /// Of the server that stands at this place; whoever is next is still to be found.
    pub(in crate::protocol) fn of(place: u64) -> Self {
        Self { place, nearest: None, is_lost: true }
    }

    /// A native server has come to this place.
    pub(in crate::protocol) fn comes(&mut self, place: u64, identity: &Arc<str>) {
        if self.is_lost {
            return;
        }
        let distance = place.wrapping_sub(self.place);
        if self.nearest.as_ref().is_none_or(|(nearest, _)| distance < *nearest) {
            self.nearest = Some((distance, Arc::clone(identity)));
        }
    }

    /// A native server has gone.
    pub(in crate::protocol) fn goes(&mut self, identity: &str) {
        self.is_lost |= self.nearest.as_ref().is_some_and(|(_, nearest)| &**nearest == identity);
    }

    /// The next one, found among these where it is not known.
    pub(in crate::protocol) fn find<'a>(
        &mut self,
        natives: impl Iterator<Item = (u64, &'a Arc<str>)>,
    ) -> Option<&Arc<str>> {
        if self.is_lost {
            *self = Self { place: self.place, nearest: None, is_lost: false };
            natives.for_each(|(place, identity)| self.comes(place, identity));
        }
        self.nearest.as_ref().map(|(_, identity)| identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_one_on_the_ring_is_known_whoever_comes_and_goes() {
        let name = |place: u64| -> Arc<str> { Arc::from(format!("{place}")) };
        let mut present: Vec<(u64, Arc<str>)> = Vec::new();
        let mut neighbour = Ring::of(50);
        let mut next = |present: &[(u64, Arc<str>)], change: &mut dyn FnMut(&mut Ring)| {
            change(&mut neighbour);
            neighbour
                .find(present.iter().map(|(place, identity)| (*place, identity)))
                .map(|next| next.to_string())
        };
        assert_eq!(next(&present, &mut |_| {}), None);
        for (place, expected) in [(40, "40"), (90, "90"), (60, "60"), (70, "60")] {
            present.push((place, name(place)));
            assert_eq!(
                next(&present, &mut |ring| ring.comes(place, &name(place))).as_deref(),
                Some(expected)
            );
        }
        for (place, expected) in [(70, "60"), (60, "90"), (90, "40")] {
            present.retain(|(there, _)| *there != place);
            assert_eq!(next(&present, &mut |ring| ring.goes(&name(place))).as_deref(), Some(expected));
        }
    }
}
