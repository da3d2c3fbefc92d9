//! Monotone: a subject's incarnation never falls, nor its stamp within one incarnation. An
//! incarnation over 24 h ahead of the observer's clock does not count.

use super::{Change, Violation};

pub(super) fn check(change: &Change<'_>) -> Option<Violation> {
    let Change { before, after, .. } = change;
    let has_fallen = after.incarnation < change.incarnation_before()
        || (after.incarnation == before.incarnation && after.last_update < before.last_update);
    has_fallen.then(|| change.violation("Monotone"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{change, subject, view};
    use super::*;
    use crate::protocol::status::Status::{Dead, Online};

    #[test]
    fn a_falling_incarnation_or_stamp_is_a_violation() {
        let subject = subject();
        let finds = |before, after| check(&change(&subject, before, after)).is_some();
        assert!(finds(view(Online, 5, 10), view(Dead, 4, 20)));
        assert!(finds(view(Online, 5, 10), view(Online, 5, 9)));
        assert!(!finds(view(Online, 5, 10), view(Online, 6, 1)));
        assert!(!finds(view(Online, 5, 10), view(Dead, 5, 10)));
        let day = 86_400;
        let clock = (crate::sim::clock::EPOCH / 1_000) as u32 + 60;
        assert!(finds(view(Online, clock + day, 10), view(Online, clock, 20)));
        assert!(!finds(view(Online, clock + day + 1, 10), view(Online, clock, 20)), "too far ahead to count");
        assert!(finds(view(Online, clock + day + 1, 10), view(Online, clock + day + 1, 9)));
    }
}
