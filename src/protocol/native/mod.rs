//! How native servers meet: news, comparing rosters, finding out who is dead.
//!
//! May touch `merging` and below; never `legacy` or `lifecycle`.

pub(in crate::protocol) mod anti_entropy;
pub(in crate::protocol) mod detection;
pub(in crate::protocol) mod peers;
pub(in crate::protocol) mod rumours;
pub(in crate::protocol) mod strangers;
pub(in crate::protocol) mod voices;
