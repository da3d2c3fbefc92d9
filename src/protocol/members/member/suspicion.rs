//! Suspicions.

use crate::protocol::types::accusers::Accusers;
use crate::protocol::types::time::Tick;

/// When a member became a suspect, and which servers accuse it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) struct Suspicion {
    pub(in crate::protocol) since: Tick,
    pub(in crate::protocol) accusers: Accusers,
}

impl Suspicion {
    /// Adds accusers, and returns whether the suspicion has more of them now, which shortens it. A
    /// full set has no room for more: an accuser can only replace another.
    pub(in crate::protocol) fn add_accusers(&mut self, accusers: &Accusers) -> bool {
        let before = self.accusers.len();
        self.accusers.join(accusers);
        self.accusers.len() > before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fourth_accuser_is_kept_but_shortens_nothing() {
        let accusers = |ids: &[u32]| -> Accusers { ids.iter().copied().collect() };
        let mut suspicion = Suspicion { since: Tick(0), accusers: accusers(&[7, 8]) };
        assert!(suspicion.add_accusers(&accusers(&[9])));
        assert!(!suspicion.add_accusers(&accusers(&[9])));
        assert!(!suspicion.add_accusers(&accusers(&[5])));
        assert_eq!(suspicion.accusers, accusers(&[5, 7, 8]));
    }
}
