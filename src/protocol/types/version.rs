//! Rule R2: which of two claims about a native server wins.
//!
//! The higher incarnation wins; within one incarnation the higher status does. `lastUpdate` plays
//! no part, so clocks may be wrong by hours. Claims form a semilattice under this rule: neither
//! their order, nor repetition, nor grouping changes the result.

use crate::protocol::types::accusers::Accusers;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Stamp};

/// The merged claims about one native server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) struct Version {
    pub(in crate::protocol) incarnation: Incarnation,
    pub(in crate::protocol) status: Status,
    pub(in crate::protocol) last_update: Stamp,
    pub(in crate::protocol) monitor: bool,
    pub(in crate::protocol) accusers: Accusers,
}

/// How a claim compares with what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Precedence {
    /// The claim is newer.
    Newer,
    /// The claim agrees, and adds accusers or replaces some.
    Confirms,
    /// The claim agrees.
    Same,
    /// The claim is outdated.
    Older,
}

impl Version {
    /// Merges a claim.
    pub(in crate::protocol) fn join(&mut self, other: &Self) -> Precedence {
        let (held, said) = ((self.incarnation, self.status), (other.incarnation, other.status));
        if said > held {
            *self = *other;
            return Precedence::Newer;
        }
        if said < held {
            return Precedence::Older;
        }
        self.last_update = self.last_update.max(other.last_update);
        self.monitor |= other.monitor;
        if self.accusers.join(&other.accusers) { Precedence::Confirms } else { Precedence::Same }
    }
}

impl From<&Claim> for Version {
    fn from(claim: &Claim) -> Self {
        Self {
            incarnation: claim.incarnation,
            status: claim.status,
            last_update: claim.last_update,
            monitor: claim.monitor,
            accusers: claim.accusers,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version() -> impl Strategy<Value = Version> {
        let status =
            prop_oneof![Just(Status::Online), Just(Status::Suspect), Just(Status::Dead), Just(Status::Left)];
        (1..4u32, status, 0..4u64, any::<bool>(), prop::collection::vec(1..6u32, 0..4)).prop_map(
            |(incarnation, status, stamp, monitor, accusers)| Version {
                incarnation: Incarnation(incarnation),
                status,
                last_update: Stamp(stamp),
                monitor,
                accusers: accusers.into_iter().collect(),
            },
        )
    }

    fn joined(mut one: Version, other: Version) -> Version {
        one.join(&other);
        one
    }

    proptest! {
        #[test]
        fn the_order_of_claims_does_not_matter(a in version(), b in version()) {
            prop_assert_eq!(joined(a, b), joined(b, a));
        }

        #[test]
        fn the_grouping_of_claims_does_not_matter(a in version(), b in version(), c in version()) {
            prop_assert_eq!(joined(joined(a, b), c), joined(a, joined(b, c)));
        }

        #[test]
        fn repeated_claims_do_not_matter(a in version(), b in version()) {
            prop_assert_eq!(joined(joined(a, b), b), joined(a, b));
        }

        #[test]
        fn a_held_version_never_falls(a in version(), b in version()) {
            let held = joined(a, b);
            prop_assert!((held.incarnation, held.status) >= (a.incarnation, a.status));
        }
    }
}
