//! Golden runs: a change that is to keep the behaviour keeps what the machines say, to the bit.

use std::path::Path;

use super::sweep::golden_runs;

/// A line for each run: the seed, and the digest of all that machines said.
const FILE: &str = "src/sim/tests/golden-runs.txt";
const RENEW: &str = "npm run renew:golden";

#[test]
fn machines_say_what_they_said_before() {
    let kept = include_str!("golden-runs.txt");
    let now = golden_runs();
    let changed: Vec<&str> = now.lines().filter(|line| !kept.lines().any(|old| old == *line)).collect();
    assert!(
        changed.is_empty() && kept.lines().count() == now.lines().count(),
        "the behaviour has changed in {} of {} runs; where that is meant, `{RENEW}` renews {FILE}",
        changed.len(),
        now.lines().count(),
    );
}

#[test]
#[ignore = "writes the file that the test above compares with"]
fn renew_the_golden_runs() {
    std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE), golden_runs()).unwrap();
}
