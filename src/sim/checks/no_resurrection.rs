//! NoResurrection: neither an older claim nor a fabricated one brings back a server that is dead or
//! left.

use super::{Change, Violation};

pub(super) fn check(change: &Change<'_>) -> Option<Violation> {
    let Change { before, after, highest_own, .. } = change;
    if after.incarnation > *highest_own {
        return Some(change.violation("NoResurrection (an incarnation that its subject never had)"));
    }
    let is_back = !before.status.is_online() && after.status.is_online();
    let is_newer = after.incarnation > change.incarnation_before() || after.last_update > before.last_update;
    (is_back && !is_newer).then(|| change.violation("NoResurrection"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{change, subject, view};
    use super::*;
    use crate::protocol::status::Status::{Dead, Left, Online};

    #[test]
    fn a_resurrection_is_a_violation() {
        let subject = subject();
        let finds = |before, after| check(&change(&subject, before, after)).is_some();
        assert!(finds(view(Dead, 5, 10), view(Online, 5, 10)));
        assert!(finds(view(Left, 5, 10), view(Online, 4, 10)));
        assert!(finds(view(Online, 5, 10), view(Online, 10, 10)), "fabricated");
        assert!(!finds(view(Dead, 5, 10), view(Online, 6, 3)));
        assert!(!finds(view(Dead, 0, 10), view(Online, 0, 11)));
        assert!(!finds(view(Online, 5, 10), view(Dead, 5, 10)));
    }
}
