//! NoFalseDeath: if only chance loses messages, no running server is declared dead.

use super::{Change, Violation};
use crate::protocol::status::Status;

/// Time for which claims about the previous process may still travel.
const CLAIMS_SETTLE_AFTER: u64 = 30_000;

pub(super) fn check(change: &Change<'_>) -> Option<Violation> {
    let Change { at, subject, before, after, .. } = change;
    let dies = before.status.is_online() && after.status == Status::Dead;
    let runs = subject.should_be_online && *at >= subject.started_at + CLAIMS_SETTLE_AFTER;
    (dies && runs).then(|| change.violation("NoFalseDeath"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{change, subject, view};
    use super::*;
    use crate::protocol::status::Status::{Dead, Left, Online, Suspect};

    #[test]
    fn the_death_of_a_running_server_is_a_violation() {
        let mut host = subject();
        let finds = |host: &_, before, after| check(&change(host, before, after)).is_some();
        assert!(finds(&host, view(Suspect, 5, 10), view(Dead, 5, 11)));
        assert!(!finds(&host, view(Online, 5, 10), view(Suspect, 5, 10)));
        assert!(!finds(&host, view(Left, 5, 10), view(Dead, 5, 11)));
        host.should_be_online = false;
        assert!(!finds(&host, view(Online, 5, 10), view(Dead, 5, 11)));
    }
}
