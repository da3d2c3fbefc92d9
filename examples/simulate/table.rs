//! The numbers as a table and as JSON.

use std::fmt::Write;

use clustershazbot::sim::report::{SHARES, Times};
use clustershazbot::sim::watch::Watch;
use serde_json::{Value, json};

use crate::Run;

/// Formats the table.
pub(crate) fn of(runs: &[Run]) -> String {
    let mut text = String::new();
    for run in runs {
        let _ = describe(run, &mut text);
    }
    text
}

fn describe(run: &Run, text: &mut String) -> std::fmt::Result {
    let Run { name, plan, results, cpu_seconds, .. } = run;
    let world = &results.world;
    writeln!(
        text,
        "\n{name}: {} servers, {}, {} events, {} % loss, seed {}",
        plan.servers,
        plan.scenario.name(),
        plan.events,
        plan.loss * 100.0,
        plan.seed,
    )?;
    for (audience, events) in [("servers", &results.events), ("legacy peers", &results.legacy_events)] {
        if events.is_empty() {
            continue;
        }
        writeln!(text, "\n  {audience:<16} {:>10} {:>10} {:>10}", "p50", "p99", "slowest")?;
        for share in SHARES {
            let times = Times::of_share(events, share);
            let who = if share < 1.0 { format!("{} % know", share * 100.0) } else { "all know".to_owned() };
            let [p50, p99, max] = [times.p50, times.p99, times.max].map(seconds);
            writeln!(text, "  {who:<16} {p50:>10} {p99:>10} {max:>10}")?;
        }
    }
    let steady = &results.steady;
    writeln!(
        text,
        "\n  in the steady state a server sends {:.2} kB/s (the busiest {:.2} kB/s), {:.2} requests/s",
        steady.mean_bytes / 1_000.0,
        steady.max_bytes / 1_000.0,
        steady.mean_requests,
    )?;
    if let Some(deaths) = results.false_deaths {
        writeln!(text, "  {deaths} times a running server was declared dead")?;
    }
    let checks = &world.checks;
    writeln!(text, "  {} violations of the invariants", checks.found)?;
    for violation in checks.violations.iter().take(5) {
        writeln!(text, "    {violation}")?;
    }
    let simulated = world.time as f64 / 1_000.0;
    writeln!(text, "  {simulated:.0} s simulated, {} steps\n", world.trace.steps)?;
    if let Some(seconds) = cpu_seconds {
        writeln!(text, "  {seconds:.1} s of CPU time\n")?;
    }
    if let Some(bytes) = peak_memory() {
        writeln!(text, "  up to {:.2} GB of memory\n", bytes as f64 / 1e9)?;
    }
    Ok(())
}

/// Returns the peak memory usage in bytes, if the system reports it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1_024)
}

fn seconds(time: Option<u64>) -> String {
    time.map_or("never".to_owned(), |millis| format!("{:.2} s", millis as f64 / 1_000.0))
}

/// Formats the numbers as JSON.
pub(crate) fn json(runs: &[Run]) -> String {
    let runs: Vec<Value> = runs.iter().map(run_as_json).collect();
    format!("{:#}\n", json!({ "runs": runs }))
}

fn run_as_json(run: &Run) -> Value {
    let Run { name, plan, results, real_seconds, cpu_seconds } = run;
    let world = &results.world;
    json!({
        "name": name,
        "servers": plan.servers,
        "scenario": plan.scenario.name(),
        "events": plan.events,
        "loss": plan.loss,
        "legacyShare": plan.legacy_share,
        "seed": plan.seed,
        "milliseconds": times(&results.events),
        "millisecondsOfLegacyPeers": times(&results.legacy_events),
        "steady": {
            "bytesPerSecond": results.steady.mean_bytes,
            "bytesPerSecondOfTheBusiest": results.steady.max_bytes,
            "requestsPerSecond": results.steady.mean_requests,
        },
        "falseDeaths": results.false_deaths,
        "peakBytes": peak_memory(),
        "suspicions": world.checks.suspicions,
        "violations": world.checks.found,
        "simulatedSeconds": world.time as f64 / 1_000.0,
        "threads": plan.threads,
        "cpuSeconds": cpu_seconds,
        "realSeconds": real_seconds,
        "steps": world.trace.steps,
    })
}

fn times(events: &[Watch]) -> Value {
    let each = |share: f64| {
        let Times { p50, p99, max } = Times::of_share(events, share);
        (format!("{}%", share * 100.0), json!({ "p50": p50, "p99": p99, "slowest": max }))
    };
    if events.is_empty() { Value::Null } else { Value::Object(SHARES.into_iter().map(each).collect()) }
}
