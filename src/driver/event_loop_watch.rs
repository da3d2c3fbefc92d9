//! Measures the lag of the program's event loop without JavaScript timers, which test runners fake.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::clock::Clock;
use super::event_loop::{EventLoopProbe, ProbeReply};
use super::shared::Shared;

/// The timing of the probes.
#[derive(Debug, Clone, Copy)]
struct Timing {
    /// From one reply to the next probe.
    interval: Duration,
    /// The lag that is reported, and the time after which a continuing lag is reported again.
    reported_lag: Duration,
}

const TIMING: Timing = Timing { interval: Duration::from_millis(500), reported_lag: Duration::from_secs(1) };

/// Reports the lag while the event loop lags, and zero once it recovers. Ends with the thread.
pub(super) async fn watch(probe: EventLoopProbe, shared: Arc<Shared>) {
    let report = |lag| shared.update(|machine, now| machine.handle_lag(now, lag));
    let measured = |lag| shared.record_lag(lag);
    watch_at(TIMING, &probe, &shared.clock, measured, report).await;
}

/// Calls `measured` with each lag, and `report` with those that matter.
async fn watch_at(
    timing: Timing,
    probe: &EventLoopProbe,
    clock: &Clock,
    measured: impl Fn(Duration),
    report: impl Fn(Duration),
) {
    let mut is_lagging = false;
    loop {
        let (reply, mut received) = ProbeReply::new(clock);
        let sent = clock.now().tick;
        probe(reply);
        let mut patience = timing.reported_lag;
        if !is_lagging {
            // A reply that somebody waits for wakes a thread, which costs the program's thread
            // about as much as the rest of the probe.
            sleep(timing.interval).await;
            patience = patience.saturating_sub(clock.now().tick.since(sent));
        }
        let (lag, replied) = loop {
            let outcome = timeout(patience, &mut received).await;
            let now = clock.now().tick;
            let replied = match outcome {
                Ok(Ok(replied)) => Some(replied),
                Ok(Err(_)) => return,
                Err(_) => None,
            };
            let lag = replied.unwrap_or(now).since(sent);
            measured(lag);
            match replied {
                Some(replied) if lag < timing.reported_lag => break (Duration::ZERO, replied),
                Some(replied) => break (lag, replied),
                None => {
                    is_lagging = true;
                    report(lag);
                }
            }
            patience = timing.reported_lag;
        };
        if is_lagging || !lag.is_zero() {
            report(lag);
        }
        is_lagging = !lag.is_zero();
        sleep(timing.interval.saturating_sub(clock.now().tick.since(replied))).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::event_loop::ProbeReply;
    use super::*;

    const TEST_TIMING: Timing =
        Timing { interval: Duration::from_millis(1), reported_lag: Duration::from_millis(100) };

    /// Watches a thread that answers probes as `thread` does until it drops one; returns the
    /// reports.
    async fn reports_of(thread: impl Fn(usize, ProbeReply) + Send + Sync + 'static) -> Vec<Duration> {
        let sent = AtomicUsize::new(0);
        let probe: EventLoopProbe =
            Box::new(move |reply| thread(sent.fetch_add(1, Ordering::Relaxed), reply));
        let reports = Mutex::new(Vec::new());
        let report = |lag| reports.lock().unwrap().push(lag);
        watch_at(TEST_TIMING, &probe, &Clock::new(), |_| {}, report).await;
        reports.into_inner().unwrap()
    }

    #[tokio::test]
    async fn a_free_thread_is_not_reported() {
        let reports = reports_of(|number, reply| {
            if number < 5 {
                reply.send();
            }
        });
        assert_eq!(reports.await, [Duration::ZERO; 0]);
    }

    #[tokio::test]
    async fn a_blocked_thread_is_reported_until_it_is_free() {
        let reports = reports_of(|number, reply| match number {
            0 => drop(tokio::spawn(async move {
                sleep(TEST_TIMING.reported_lag.mul_f64(3.5)).await;
                reply.send();
            })),
            1 | 2 => reply.send(),
            _ => {}
        });
        let reports = reports.await;
        let (zero, lags) = reports.split_last().unwrap();
        assert_eq!(*zero, Duration::ZERO);
        assert!(lags.len() >= 2 && lags.is_sorted() && lags[0] >= TEST_TIMING.reported_lag, "{reports:?}");
        assert!(*lags.last().unwrap() >= TEST_TIMING.reported_lag.mul_f64(3.5), "{reports:?}");
    }
}
