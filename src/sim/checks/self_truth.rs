//! SelfTruth: a running server lists itself as online, a draining or leaving one as offline.

use super::Violation;
use crate::sim::clock::Millis;
use crate::sim::view::View;

pub(super) fn check(at: Millis, url: &str, is_offline: bool, own: Option<View>) -> Option<Violation> {
    let shows_online = own.is_some_and(|own| own.status.is_online());
    (shows_online == is_offline).then(|| {
        let finding = format!("{url} has itself as {own:?}, expected offline: {is_offline}");
        Violation { at, invariant: "SelfTruth", finding }
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::view;
    use super::*;
    use crate::protocol::status::Status::{Dead, Left, Online};

    #[test]
    fn a_wrong_own_entry_is_a_violation() {
        let finds = |is_offline, own| check(0, "http://a/", is_offline, own).is_some();
        assert!(finds(false, None));
        assert!(finds(false, Some(view(Dead, 1, 1))));
        assert!(finds(true, Some(view(Online, 1, 1))));
        assert!(!finds(false, Some(view(Online, 1, 1))));
        assert!(!finds(true, Some(view(Left, 1, 1))));
    }
}
