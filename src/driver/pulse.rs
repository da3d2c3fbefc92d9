//! Whether the program's thread still gets round to anything: found out without its timers, which test runners fake.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::clock::Clock;
use super::shared::Shared;

/// Sees to it that the beat is sent on the program's thread as soon as that is free, or dropped if it never will be.
/// Must not block.
pub type Pulse = Box<dyn Fn(Beat) + Send + Sync>;

/// A sign of life, asked for and not yet given.
pub type Beat = oneshot::Sender<()>;

/// How closely the thread is watched.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// From one sign of life until the next is asked for.
    rest: Duration,
    /// One that takes longer is told of, again and again after this time.
    lag_of_note: Duration,
}

const PACE: Pace = Pace { rest: Duration::from_millis(500), lag_of_note: Duration::from_secs(1) };

/// Tells the machine of a lagging event loop for as long as it lags, and once when it no longer does; ends with the thread.
pub(super) async fn watch(pulse: Pulse, shared: Arc<Shared>) {
    let tell = |lag| shared.change(|machine, now| machine.handle_lag(now, lag));
    watch_at(PACE, &pulse, &shared.clock, tell).await;
}

async fn watch_at(pace: Pace, pulse: &Pulse, clock: &Clock, tell: impl Fn(Duration)) {
    let mut is_lagging = false;
    loop {
        let (beat, mut beaten) = oneshot::channel();
        let asked = clock.now().tick;
        pulse(beat);
        let lag = loop {
            let outcome = timeout(pace.lag_of_note, &mut beaten).await;
            let lag = clock.now().tick.since(asked);
            match outcome {
                Ok(Ok(())) if lag < pace.lag_of_note => break Duration::ZERO,
                Ok(Ok(())) => break lag,
                Ok(Err(_)) => return,
                Err(_) => {
                    is_lagging = true;
                    tell(lag);
                }
            }
        };
        if is_lagging || !lag.is_zero() {
            tell(lag);
        }
        is_lagging = !lag.is_zero();
        sleep(pace.rest).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const QUICK: Pace = Pace { rest: Duration::from_millis(1), lag_of_note: Duration::from_millis(100) };

    /// Watches a thread that sends each beat as `thread` says, until it drops one; returns what was told.
    async fn watched(thread: impl Fn(usize, Beat) + Send + Sync + 'static) -> Vec<Duration> {
        let asked = AtomicUsize::new(0);
        let pulse: Pulse = Box::new(move |beat| thread(asked.fetch_add(1, Ordering::Relaxed), beat));
        let told = Mutex::new(Vec::new());
        watch_at(QUICK, &pulse, &Clock::new(), |lag| told.lock().unwrap().push(lag)).await;
        told.into_inner().unwrap()
    }

    #[tokio::test]
    async fn a_thread_that_is_free_is_nothing_to_tell_of() {
        let told = watched(|number, beat| {
            if number < 5 {
                beat.send(()).unwrap();
            }
        });
        assert_eq!(told.await, [Duration::ZERO; 0]);
    }

    #[tokio::test]
    async fn a_blocked_thread_is_told_of_until_it_is_free() {
        let told = watched(|number, beat| match number {
            0 => drop(tokio::spawn(async move {
                sleep(QUICK.lag_of_note.mul_f64(3.5)).await;
                beat.send(()).unwrap();
            })),
            1 | 2 => beat.send(()).unwrap(),
            _ => {}
        });
        let told = told.await;
        let (zero, lags) = told.split_last().unwrap();
        assert_eq!(*zero, Duration::ZERO);
        assert!(lags.len() >= 2 && lags.is_sorted() && lags[0] >= QUICK.lag_of_note, "{told:?}");
        assert!(*lags.last().unwrap() >= QUICK.lag_of_note.mul_f64(3.5), "{told:?}");
    }
}
