//! Slots that are looked up before they are needed.

/// Lookups made at once. What they read has to stay in the processor's fastest cache until it is
/// used.
pub(in crate::protocol) const AHEAD: usize = 32;

/// Lookups from which it pays to make them at once.
pub(in crate::protocol) const MIN_AHEAD: usize = 4;

/// No member has this slot.
pub(in crate::protocol) const NO_SLOT: u32 = u32::MAX;

/// The slots of several names, as long as no slot changes.
#[derive(Debug)]
pub(in crate::protocol) struct SlotsAhead {
    hashes: [u64; AHEAD],
    slots: [u32; AHEAD],
    changes: u64,
}

impl SlotsAhead {
    /// The slots of the names with these hashes, found after this many changes of slots.
    pub(in crate::protocol) fn new(hashes: [u64; AHEAD], slots: [u32; AHEAD], changes: u64) -> Self {
        Self { hashes, slots, changes }
    }

    /// The slot of the name with this number, and the name's hash. `None` if no slot was found, or
    /// slots have changed since.
    #[inline]
    pub(in crate::protocol) fn get(&self, number: usize, changes: u64) -> Option<(usize, u64)> {
        let slot = *self.slots.get(number)?;
        let is_valid = slot != NO_SLOT && self.changes == changes;
        is_valid.then_some((slot as usize, *self.hashes.get(number)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_slot_is_used_after_a_change() {
        let mut slots = [NO_SLOT; AHEAD];
        slots[1] = 7;
        let ahead = SlotsAhead::new([5; AHEAD], slots, 3);
        assert_eq!([0, 1, AHEAD].map(|number| ahead.get(number, 3)), [None, Some((7, 5)), None]);
        assert_eq!(ahead.get(1, 4), None);
    }
}
