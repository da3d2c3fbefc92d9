//! How often the states of servers have changed, for operators.

use crate::protocol::members::roster::news::{NewsCause, StateChange};
use crate::protocol::types::status::Status;

/// The types of changes, as programs know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChangeType {
    /// The server has come, or come back.
    Up,
    /// It has fallen silent.
    Suspect,
    /// It was a suspect, and is none any more.
    Trust,
    /// It was declared dead.
    Down,
    /// It said itself that it is offline.
    Leave,
    /// It is no longer shown.
    Forget,
}

/// The number of types.
pub const CHANGE_TYPES: usize = ChangeType::Forget as usize + 1;
/// The number of causes that news have; `Known` is only told to readers that lack news.
pub const CHANGE_CAUSES: usize = NewsCause::Known as usize;

/// How often the states of servers have changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeCounts {
    /// The changes by type and cause, each in the order of its declaration.
    pub by_type: [[u64; CHANGE_CAUSES]; CHANGE_TYPES],
    /// Suspects that were declared dead.
    pub confirmed_suspicions: u64,
    /// Suspects that have turned out to be alive.
    pub refuted_suspicions: u64,
}

impl ChangeCounts {
    #[inline]
    pub(in crate::protocol) fn record(&mut self, [before, after]: StateChange, cause: NewsCause) {
        let was_suspect = before == Some(Status::Suspect);
        let change = match after {
            Some(Status::Online) if was_suspect => ChangeType::Trust,
            Some(Status::Online) => ChangeType::Up,
            Some(Status::Suspect) => ChangeType::Suspect,
            Some(Status::Dead) => ChangeType::Down,
            Some(Status::Left) => ChangeType::Leave,
            None => ChangeType::Forget,
        };
        self.refuted_suspicions += u64::from(change == ChangeType::Trust);
        self.confirmed_suspicions += u64::from(was_suspect && change == ChangeType::Down);
        if let Some(count) = self.by_type[change as usize].get_mut(cause as usize) {
            *count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_counted_by_type_and_cause() {
        let mut counts = ChangeCounts::default();
        let [online, suspect, dead, left] =
            [Status::Online, Status::Suspect, Status::Dead, Status::Left].map(Some);
        for (change, cause) in [
            ([None, online], NewsCause::Rumour),
            ([online, suspect], NewsCause::Silent),
            ([suspect, online], NewsCause::Said),
            ([suspect, dead], NewsCause::Refused),
            ([online, dead], NewsCause::Refused),
            ([suspect, left], NewsCause::Said),
            ([dead, None], NewsCause::Age),
            ([dead, online], NewsCause::Known),
        ] {
            counts.record(change, cause);
        }
        let count = |change: ChangeType, cause: NewsCause| counts.by_type[change as usize][cause as usize];
        assert_eq!(count(ChangeType::Up, NewsCause::Rumour), 1);
        assert_eq!(count(ChangeType::Suspect, NewsCause::Silent), 1);
        assert_eq!(count(ChangeType::Trust, NewsCause::Said), 1);
        assert_eq!(count(ChangeType::Down, NewsCause::Refused), 2);
        assert_eq!(count(ChangeType::Leave, NewsCause::Said), 1);
        assert_eq!(count(ChangeType::Forget, NewsCause::Age), 1);
        assert_eq!(counts.by_type.iter().flatten().sum::<u64>(), 7, "nothing becomes news as known");
        assert_eq!((counts.refuted_suspicions, counts.confirmed_suspicions), (1, 1));
    }
}
