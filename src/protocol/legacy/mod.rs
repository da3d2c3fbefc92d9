//! What legacy peers are asked and told.
//!
//! May touch `merging` and below; never `native` or `lifecycle`.

pub(in crate::protocol) mod death_notices;
pub(in crate::protocol) mod push;
pub(in crate::protocol) mod rounds;
pub(in crate::protocol) mod verification;
