//! Lists of servers in few large values: each property that crosses the boundary alone is dear.

use std::borrow::Cow;

use napi::bindgen_prelude::{Float64Array, Uint8Array};
use napi_derive::napi;

use crate::protocol::message::{Entry, HeardEntry, HeardLists, Lists};

/// A list of servers, by columns.
#[napi(object)]
pub struct PackedServers {
    /// Joined by line breaks; the empty text for an empty list.
    pub base_urls: String,
    /// Milliseconds since the epoch.
    pub last_updates: Float64Array,
    /// 1 for a monitor.
    pub monitors: Uint8Array,
}

/// Two lists of servers; `offline` only where it was wanted and may be seen.
#[napi(object, object_from_js = false)]
pub struct PackedLists {
    /// Believed to be running.
    pub online: PackedServers,
    /// Known to have left or died.
    pub offline: Option<PackedServers>,
}

impl PackedServers {
    fn heard(&self) -> Vec<HeardEntry<'_>> {
        let columns = self.base_urls.split('\n').zip(&*self.last_updates).zip(&*self.monitors);
        columns
            .map(|((base_url, last_update), monitor)| HeardEntry {
                base_url: Cow::Borrowed(base_url),
                monitor: *monitor != 0,
                last_update: *last_update,
            })
            .collect()
    }

    fn pack(entries: &[Entry]) -> Self {
        let length = entries.iter().map(|entry| entry.base_url.len() + 1).sum();
        let mut base_urls = String::with_capacity(length);
        for (index, entry) in entries.iter().enumerate() {
            if index > 0 {
                base_urls.push('\n');
            }
            base_urls.push_str(&entry.base_url);
        }
        let last_updates: Vec<f64> = entries.iter().map(|entry| entry.last_update.0 as f64).collect();
        let monitors: Vec<u8> = entries.iter().map(|entry| u8::from(entry.monitor)).collect();
        Self { base_urls, last_updates: last_updates.into(), monitors: monitors.into() }
    }
}

/// The lists of a gossip message.
pub(super) fn heard<'a>(online: &'a PackedServers, offline: &'a PackedServers) -> HeardLists<'a> {
    HeardLists { online: online.heard(), offline: offline.heard(), malformed: 0 }
}

pub(super) fn pack(lists: &Lists, include_offline: bool) -> PackedLists {
    PackedLists {
        online: PackedServers::pack(&lists.online),
        offline: include_offline.then(|| PackedServers::pack(&lists.offline)),
    }
}
