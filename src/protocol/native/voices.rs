//! The processes that speak for one URL: if two alternate, this server informs both that they have
//! a sibling.

use std::sync::Arc;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

/// Servers whose processes are remembered. The oldest entry is evicted. Far more than needed, as
/// ring neighbours exchange messages every two seconds.
pub(in crate::protocol) const MAX_VOICES: usize = 1_024;

/// The processes that spoke last for each server.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Voices(IndexMap<Arc<str>, Voice, FixedState>);

#[derive(Debug)]
struct Voice {
    latest: u64,
    earlier: Option<u64>,
    is_shared: bool,
}

impl Voices {
    /// Records that a process has spoken for a server. Returns whether other processes speak for it
    /// too.
    ///
    /// A process that speaks again after another one was not replaced by it.
    pub(in crate::protocol) fn hear(&mut self, identity: &Arc<str>, instance: u64) -> bool {
        let Some(voice) = self.0.get_mut(identity) else {
            if self.0.len() >= MAX_VOICES {
                self.0.shift_remove_index(0);
            }
            let voice = Voice { latest: instance, earlier: None, is_shared: false };
            self.0.insert(Arc::clone(identity), voice);
            return false;
        };
        if voice.latest != instance {
            voice.is_shared |= voice.earlier == Some(instance);
            voice.earlier = Some(std::mem::replace(&mut voice.latest, instance));
        }
        voice.is_shared
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
    fn a_restart_is_no_sibling_and_one_that_speaks_again_is() {
        let url: Arc<str> = "http://a/".into();
        let mut voices = Voices::default();
        let heard = [1, 1, 2, 2, 3, 2, 3].map(|instance| voices.hear(&url, instance));
        assert_eq!(heard, [false, false, false, false, false, true, true]);
    }

    #[test]
    fn as_many_are_remembered_as_there_is_room_for() {
        let mut voices = Voices::default();
        for number in 0..2 * MAX_VOICES {
            voices.hear(&format!("http://n{number}/").into(), 1);
        }
        assert_eq!(voices.len(), MAX_VOICES);
    }
}
