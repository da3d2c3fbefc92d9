//! Who among the native servers is dead, and who is unwell.

pub(in crate::protocol) mod investigation;
pub(in crate::protocol) mod permutation;
pub(in crate::protocol) mod probes;
pub(in crate::protocol) mod relay;
pub(in crate::protocol) mod suspicions;
pub(in crate::protocol) mod unreached;
