//! Start, leave, the master list, and how long tombstones are kept.
//!
//! May touch `merging` and below; never `native` or `legacy`.

pub(in crate::protocol) mod master_list;
pub(in crate::protocol) mod own_url;
pub(in crate::protocol) mod phase;
pub(in crate::protocol) mod reconnect;
pub(in crate::protocol) mod retention;
pub(in crate::protocol) mod revision;
pub(in crate::protocol) mod upload;
