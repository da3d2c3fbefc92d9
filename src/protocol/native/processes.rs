//! The processes that speak for one URL: if two alternate, this server informs both that they have
//! a sibling.

use std::sync::Arc;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

/// Servers whose processes are remembered. The oldest entry is evicted. Far more than needed, as
/// ring neighbours exchange messages every three seconds.
pub(in crate::protocol) const MAX_PROCESSES: usize = 1_024;

/// The processes that spoke last for each server.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Processes(IndexMap<Arc<str>, Process, FixedState>);

#[derive(Debug)]
struct Process {
    latest: u64,
    earlier: Option<u64>,
    is_shared: bool,
}

impl Processes {
    /// Records that a process has spoken for a server. Returns whether other processes speak for it
    /// too.
    ///
    /// A process that speaks again after another one was not replaced by it.
    pub(in crate::protocol) fn record(&mut self, identity: &Arc<str>, instance: u64) -> bool {
        let Some(process) = self.0.get_mut(identity) else {
            if self.0.len() >= MAX_PROCESSES {
                self.0.shift_remove_index(0);
            }
            let process = Process { latest: instance, earlier: None, is_shared: false };
            self.0.insert(Arc::clone(identity), process);
            return false;
        };
        if process.latest != instance {
            process.is_shared |= process.earlier == Some(instance);
            process.earlier = Some(std::mem::replace(&mut process.latest, instance));
        }
        process.is_shared
    }

    pub(in crate::protocol) fn forget(&mut self, identity: &str) {
        self.0.swap_remove(identity);
    }

    pub(in crate::protocol) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restarted_process_is_not_a_sibling_but_alternating_ones_are() {
        let url: Arc<str> = "http://a/".into();
        let mut processes = Processes::default();
        let shared = [1, 1, 2, 2, 3, 2, 3].map(|instance| processes.record(&url, instance));
        assert_eq!(shared, [false, false, false, false, false, true, true]);
    }

    #[test]
    fn the_number_of_remembered_urls_is_bounded() {
        let mut processes = Processes::default();
        for number in 0..2 * MAX_PROCESSES {
            processes.record(&format!("http://n{number}/").into(), 1);
        }
        assert_eq!(processes.len(), MAX_PROCESSES);
    }
}
