//! Text from outside: how it is parsed, and how it is made safe to print.

pub(in crate::protocol) mod printable;
pub(in crate::protocol) mod scalars;
pub(in crate::protocol) mod shared;
