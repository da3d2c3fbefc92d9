//! Start, leave, the server's own URL, the master list, and the retention of tombstones.
//!
//! May touch `merging` and below; never `native` or `legacy`.

use crate::protocol::context::config::Config;
use crate::protocol::lifecycle::master_list::MasterList;
use crate::protocol::lifecycle::own_url::OwnUrl;
use crate::protocol::lifecycle::phase::Phase;

pub(in crate::protocol) mod master_list;
pub(in crate::protocol) mod own_url;
pub(in crate::protocol) mod phase;
pub(in crate::protocol) mod reconnect;
pub(in crate::protocol) mod retention;
pub(in crate::protocol) mod revision;
pub(in crate::protocol) mod upload;

/// The phase of this server, and the state of its components.
#[derive(Debug)]
pub(in crate::protocol) struct Lifecycle {
    phase: Phase,
    /// Whether the start still waits for entries of the master list that are most likely dead.
    awaits_overdue: bool,
    pub(in crate::protocol) master_list: MasterList,
    pub(in crate::protocol) own_url: OwnUrl,
}

impl Lifecycle {
    pub(in crate::protocol) fn new(config: &Config) -> Self {
        Self {
            phase: Phase::Downloading,
            awaits_overdue: false,
            master_list: MasterList::new(&config.master_list),
            own_url: OwnUrl::default(),
        }
    }
}
