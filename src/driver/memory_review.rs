//! Gives memory back to the system after a burst.
//!
//! Messages that name thousands of servers take several times their memory for a moment, as do the
//! servers when they are dropped. glibc keeps what was freed for itself: large blocks that come and
//! go raise its threshold for giving memory back.

use std::sync::Arc;
use std::time::Duration;

use tokio::task;
use tokio::time::sleep;

#[cfg(all(target_os = "linux", target_env = "gnu"))]
use super::allocator;
use super::clock::Clock;
use super::shared::Shared;
use crate::protocol::machine::Machine;
use crate::protocol::time::Tick;

/// Pause between two reviews.
const INTERVAL: Duration = Duration::from_secs(10);
/// Time without a request for it after which a cached text is dropped. Writing 50,000 servers again
/// takes another thread 25 ms.
const TEXT_LIFETIME: Duration = Duration::from_secs(10);
/// Servers that have come or gone since the last trim: below, too little memory was freed.
const MIN_SERVERS: usize = 1_000;
/// Bytes of texts that were dropped since the last trim, for the same reason.
const MIN_TEXT_BYTES: usize = 1024 * 1024;
/// Shortest time between two trims.
const MIN_PAUSE: Duration = Duration::from_secs(30);
/// Shortest time between two trims, in multiples of what the last one took. Threads that allocate
/// wait for a trim, and for longer if the program itself has a large heap.
const PAUSE_FACTOR: u32 = 100;

/// What has changed since the memory was trimmed.
#[derive(Debug)]
struct Review {
    /// The number of servers then.
    servers: usize,
    /// Bytes of texts dropped since.
    text_bytes: usize,
    next_trim: Tick,
}

/// Reviews the memory. Never returns.
pub(super) async fn watch(shared: Arc<Shared>) {
    let mut review = Review { servers: 0, text_bytes: 0, next_trim: Tick(0) };
    loop {
        sleep(INTERVAL).await;
        let now = shared.clock.now().tick;
        let dropped = shared.cached_body.drop_unused_since(now.before(TEXT_LIFETIME));
        if review.wants_trim(shared.read(Machine::other_count), dropped, now) {
            let clock = shared.clock.clone();
            // Only a runtime that ends cancels it.
            let Ok(duration) = task::spawn_blocking(move || trim(&clock)).await else { return };
            review.postpone_trim(shared.clock.now().tick, duration);
        }
    }
}

impl Review {
    /// Returns whether to trim, and then counts from these numbers.
    fn wants_trim(&mut self, servers: usize, dropped_bytes: usize, now: Tick) -> bool {
        self.text_bytes += dropped_bytes;
        let is_much = servers.abs_diff(self.servers) >= MIN_SERVERS || self.text_bytes >= MIN_TEXT_BYTES;
        let is_wanted = is_much && now >= self.next_trim;
        if is_wanted {
            (self.servers, self.text_bytes) = (servers, 0);
        }
        is_wanted
    }

    /// Records how long a trim has taken.
    fn postpone_trim(&mut self, now: Tick, duration: Duration) {
        self.next_trim = now + MIN_PAUSE.max(duration * PAUSE_FACTOR);
    }
}

/// Returns how long it has taken.
fn trim(clock: &Clock) -> Duration {
    let start = clock.now().tick;
    allocator::trim();
    clock.now().tick.since(start)
}

/// Allocators other than glibc's give memory back themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod allocator {
    pub(super) fn trim() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000;

    fn review() -> Review {
        Review { servers: 0, text_bytes: 0, next_trim: Tick(0) }
    }

    #[test]
    fn many_servers_that_come_or_go_make_it_trim_once() {
        let mut review = review();
        let now = Tick(SECOND);
        assert!(!review.wants_trim(MIN_SERVERS - 1, 0, now));
        assert!(review.wants_trim(MIN_SERVERS, 0, now));
        assert!(!review.wants_trim(MIN_SERVERS, 0, now));
        assert!(review.wants_trim(0, 0, now));
    }

    #[test]
    fn dropped_texts_add_up() {
        let mut review = review();
        let now = Tick(SECOND);
        assert!(!review.wants_trim(0, MIN_TEXT_BYTES / 2, now));
        assert!(review.wants_trim(0, MIN_TEXT_BYTES / 2, now));
        assert!(!review.wants_trim(0, MIN_TEXT_BYTES / 2, now));
    }

    #[test]
    fn an_expensive_trim_postpones_the_next_one() {
        let mut review = review();
        review.postpone_trim(Tick(0), Duration::from_millis(1));
        assert!(!review.wants_trim(50_000, 0, Tick(30 * SECOND - 1)));
        assert!(review.wants_trim(50_000, 0, Tick(30 * SECOND)));
        review.postpone_trim(Tick(30 * SECOND), Duration::from_secs(2));
        assert!(!review.wants_trim(0, 0, Tick(229 * SECOND)));
        assert!(review.wants_trim(0, 0, Tick(230 * SECOND)));
    }
}
