//! Measures how far the program's event loop lags, without its timers, which test runners fake.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::clock::Clock;
use super::shared::Shared;

/// Sends the reply on the program's thread as soon as that is free, or drops it if it never will be.
/// Must not block.
pub type EventLoopProbe = Box<dyn Fn(ProbeReply) + Send + Sync>;

/// The sign of life that a probe asks for.
pub type ProbeReply = oneshot::Sender<()>;

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
pub(super) async fn watch(probe: EventLoopProbe, shared: Arc<Shared>) {
    let tell = |lag| shared.change(|machine, now| machine.handle_lag(now, lag));
    watch_at(PACE, &probe, &shared.clock, tell).await;
}

async fn watch_at(pace: Pace, probe: &EventLoopProbe, clock: &Clock, tell: impl Fn(Duration)) {
    let mut is_lagging = false;
    loop {
        let (reply, mut answered) = oneshot::channel();
        let asked = clock.now().tick;
        probe(reply);
        let lag = loop {
            let outcome = timeout(pace.lag_of_note, &mut answered).await;
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

    /// Watches a thread that sends each reply as `thread` says, until it drops one; returns what was told.
    async fn watched(thread: impl Fn(usize, ProbeReply) + Send + Sync + 'static) -> Vec<Duration> {
        let asked = AtomicUsize::new(0);
        let probe: EventLoopProbe =
            Box::new(move |reply| thread(asked.fetch_add(1, Ordering::Relaxed), reply));
        let told = Mutex::new(Vec::new());
        watch_at(QUICK, &probe, &Clock::new(), |lag| told.lock().unwrap().push(lag)).await;
        told.into_inner().unwrap()
    }

    #[tokio::test]
    async fn a_thread_that_is_free_is_nothing_to_tell_of() {
        let told = watched(|number, reply| {
            if number < 5 {
                reply.send(()).unwrap();
            }
        });
        assert_eq!(told.await, [Duration::ZERO; 0]);
    }

    #[tokio::test]
    async fn a_blocked_thread_is_told_of_until_it_is_free() {
        let told = watched(|number, reply| match number {
            0 => drop(tokio::spawn(async move {
                sleep(QUICK.lag_of_note.mul_f64(3.5)).await;
                reply.send(()).unwrap();
            })),
            1 | 2 => reply.send(()).unwrap(),
            _ => {}
        });
        let told = told.await;
        let (zero, lags) = told.split_last().unwrap();
        assert_eq!(*zero, Duration::ZERO);
        assert!(lags.len() >= 2 && lags.is_sorted() && lags[0] >= QUICK.lag_of_note, "{told:?}");
        assert!(*lags.last().unwrap() >= QUICK.lag_of_note.mul_f64(3.5), "{told:?}");
    }
}
