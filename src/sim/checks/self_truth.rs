//! SelfTruth: a running server is online in its own eyes, a draining or leaving one is not, whatever anyone says.

use super::Violation;
use crate::sim::clock::Millis;
use crate::sim::view::View;

pub(super) fn check(at: Millis, url: &str, is_offline: bool, own: Option<View>) -> Option<Violation> {
    let shows_online = own.is_some_and(|own| own.status.is_online());
    (shows_online == is_offline).then(|| {
        let finding = format!("{url} is to be offline: {is_offline}, and holds itself as {own:?}");
        Violation { at, invariant: "SelfTruth", finding }
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::view;
    use super::*;
    use crate::protocol::status::Status::{Dead, Left, Online};

    #[test]
    fn a_server_that_is_wrong_about_itself_is_found() {
        let finds = |is_offline, own| check(0, "http://a/", is_offline, own).is_some();
        assert!(finds(false, None));
        assert!(finds(false, Some(view(Dead, 1, 1))));
        assert!(finds(true, Some(view(Online, 1, 1))));
        assert!(!finds(false, Some(view(Online, 1, 1))));
        assert!(!finds(true, Some(view(Left, 1, 1))));
    }
}
