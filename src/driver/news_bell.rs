//! Wakes the program's thread after news.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::event_loop::{EventLoopProbe, ProbeReply};

/// Wakes the program's thread after news, at most once until it is armed again. So a burst of news
/// costs one wake-up, and news that nobody reads cost none.
#[derive(Default)]
pub struct NewsBell {
    listener: Mutex<Option<EventLoopProbe>>,
    is_armed: AtomicBool,
    was_armed: AtomicBool,
}

impl NewsBell {
    /// Sets or removes the function that wakes the program's thread.
    pub fn listen(&self, listener: Option<EventLoopProbe>) {
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = listener;
    }

    /// Whether anybody has ever read news.
    pub fn was_armed(&self) -> bool {
        self.was_armed.load(Ordering::Relaxed)
    }

    /// Lets the next news ring. Called before they are read, so that none is missed.
    pub fn arm(&self) {
        self.was_armed.store(true, Ordering::Relaxed);
        self.is_armed.store(true, Ordering::Release);
    }

    /// Wakes the program's thread if it is armed.
    #[cold]
    pub fn ring(&self) {
        if !self.is_armed.load(Ordering::Acquire) {
            return;
        }
        if let Some(listener) = &*self.listener.lock().unwrap_or_else(PoisonError::into_inner)
            && self.is_armed.swap(false, Ordering::AcqRel)
        {
            listener(ProbeReply::unwanted());
        }
    }
}

impl std::fmt::Debug for NewsBell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewsBell").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn the_bell_rings_once_until_it_is_armed_again() {
        let bell = NewsBell::default();
        assert!(!bell.was_armed());
        bell.arm();
        bell.ring();
        let rung = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&rung);
        bell.listen(Some(Box::new(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        })));
        for expected in [1, 2] {
            bell.arm();
            bell.ring();
            bell.ring();
            assert_eq!(rung.load(Ordering::Relaxed), expected);
        }
        bell.listen(None);
        bell.arm();
        bell.ring();
        assert_eq!((rung.load(Ordering::Relaxed), bell.was_armed()), (2, true));
    }
}
