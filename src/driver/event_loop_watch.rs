//! Measures the lag of the program's event loop without JavaScript timers, which test runners fake.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::clock::Clock;
use super::event_loop::{EventLoopProbe, ProbeReply};
use super::shared::Shared;

/// The timing of the probes. Each wakes the program's thread, which costs that thread about 70 µs.
#[derive(Debug, Clone, Copy)]
struct Timing {
    /// After a reply in less than `prompt`: fewer probes, so a late reply counts sooner.
    at_rest: Pace,
    /// After any other reply: only long blocks count, since shorter ones may come often.
    busy: Pace,
    /// Far above the time for which a loop at rest is busy.
    prompt: Duration,
    /// From one report of a continuing lag to the next.
    repeat: Duration,
}

/// A loop is reported at most the sum of both after it was blocked.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// From one reply to the next probe.
    interval: Duration,
    /// How late a reply counts as a lag.
    patience: Duration,
}

const TIMING: Timing = Timing {
    at_rest: Pace { interval: Duration::from_secs(1), patience: Duration::from_millis(500) },
    busy: Pace { interval: Duration::from_millis(500), patience: Duration::from_secs(1) },
    prompt: Duration::from_millis(100),
    repeat: Duration::from_secs(1),
};

/// Reports the lag while the event loop lags, and zero once it recovers. Ends with the thread.
pub(super) async fn watch(probe: EventLoopProbe, shared: Arc<Shared>) {
    let report = |lag| shared.update(|machine, now| machine.handle_lag(now, lag));
    let measured = |lag| shared.record_lag(lag);
    watch_at(TIMING, &probe, &shared.clock, measured, report).await;
}

/// Calls `measured` with the time that each reply takes. If it is late, the loop may have been
/// blocked since the reply before, so the time since then counts, and `report` is called with it
/// too.
async fn watch_at(
    timing: Timing,
    probe: &EventLoopProbe,
    clock: &Clock,
    measured: impl Fn(Duration),
    report: impl Fn(Duration),
) {
    let mut pace = timing.at_rest;
    let mut is_lagging = false;
    let mut free_at = clock.now().tick;
    loop {
        let (reply, mut received) = ProbeReply::new(clock);
        let sent = clock.now().tick;
        probe(reply);
        let mut patience = pace.patience;
        if !is_lagging {
            // A reply that somebody waits for wakes a thread, which costs the program's thread
            // about as much as the rest of the probe.
            let unobserved = pace.interval.min(patience);
            sleep(unobserved).await;
            patience = patience.saturating_sub(clock.now().tick.since(sent));
        }
        let (replied, is_late) = loop {
            let outcome = timeout(patience, &mut received).await;
            let now = clock.now().tick;
            let replied = match outcome {
                Ok(Ok(replied)) => Some(replied),
                Ok(Err(_)) => return,
                Err(_) => None,
            };
            let end = replied.unwrap_or(now);
            let is_late = end.since(sent) >= pace.patience;
            measured(end.since(if is_late { free_at } else { sent }));
            if let Some(replied) = replied {
                break (replied, is_late);
            }
            is_lagging = true;
            report(now.since(free_at));
            patience = timing.repeat;
        };
        if is_lagging || is_late {
            report(if is_late { replied.since(free_at) } else { Duration::ZERO });
        }
        (is_lagging, free_at) = (is_late, replied);
        pace = if replied.since(sent) < timing.prompt { timing.at_rest } else { timing.busy };
        sleep(pace.interval.saturating_sub(clock.now().tick.since(replied))).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::Instant;

    use super::super::event_loop::ProbeReply;
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    const TEST_TIMING: Timing = Timing {
        at_rest: Pace { interval: Duration::from_millis(100), patience: Duration::from_millis(400) },
        busy: Pace { interval: Duration::from_millis(1), patience: Duration::from_millis(1_600) },
        prompt: Duration::from_millis(50),
        repeat: Duration::from_millis(100),
    };

    /// Watches a thread that answers probes as `thread` does until it drops one; returns the
    /// reports.
    async fn reports_of(thread: impl Fn(usize, ProbeReply) + Send + Sync + 'static) -> Vec<Duration> {
        watched(thread).await.0
    }

    /// The same, with the measured times.
    async fn watched(
        thread: impl Fn(usize, ProbeReply) + Send + Sync + 'static,
    ) -> (Vec<Duration>, Vec<Duration>) {
        let sent = AtomicUsize::new(0);
        let probe: EventLoopProbe =
            Box::new(move |reply| thread(sent.fetch_add(1, Ordering::Relaxed), reply));
        let (reports, times) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        let report = |lag| reports.lock().unwrap().push(lag);
        let measured = |time| times.lock().unwrap().push(time);
        watch_at(TEST_TIMING, &probe, &Clock::new(), measured, report).await;
        (reports.into_inner().unwrap(), times.into_inner().unwrap())
    }

    fn reply_after(delay: Duration, reply: ProbeReply) {
        drop(tokio::spawn(async move {
            sleep(delay).await;
            reply.send();
        }));
    }

    #[tokio::test]
    async fn a_free_thread_is_not_reported() {
        let reports = reports_of(|number, reply| {
            if number < 3 {
                reply.send();
            }
        });
        assert_eq!(reports.await, [Duration::ZERO; 0]);
    }

    #[tokio::test]
    async fn a_blocked_thread_is_reported_until_it_is_free() {
        let reports = reports_of(|number, reply| match number {
            0 | 2 => reply.send(),
            1 => reply_after(700 * MS, reply),
            _ => {}
        });
        let reports = reports.await;
        let (zero, lags) = reports.split_last().unwrap();
        assert_eq!(*zero, Duration::ZERO);
        // It may have been blocked since the first reply.
        assert!(lags.len() >= 2 && lags.is_sorted() && lags[0] >= 500 * MS, "{reports:?}");
        assert!(*lags.last().unwrap() >= 800 * MS, "{reports:?}");
    }

    #[tokio::test]
    async fn a_late_reply_is_measured_from_the_one_before() {
        let (_, times) = watched(|number, reply| match number {
            0 => reply.send(),
            1 => reply_after(500 * MS, reply),
            _ => {}
        })
        .await;
        // The second probe is sent 100 ms after the first reply.
        assert!(*times.last().unwrap() >= 600 * MS, "{times:?}");
    }

    #[tokio::test]
    async fn a_free_thread_is_probed_once_in_an_interval() {
        let begin = Instant::now();
        reports_of(|number, reply| {
            if number < 3 {
                reply.send();
            }
        })
        .await;
        assert!(begin.elapsed() >= 3 * TEST_TIMING.at_rest.interval);
    }

    #[tokio::test]
    async fn a_busy_thread_has_more_time_for_its_reply() {
        let reports = reports_of(|number, reply| match number {
            0 => reply_after(100 * MS, reply),
            1 => reply_after(800 * MS, reply),
            2 => reply.send(),
            _ => {}
        });
        assert_eq!(reports.await, [Duration::ZERO; 0]);
    }
}
