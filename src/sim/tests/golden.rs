//! Golden runs: a change that should not change behaviour keeps the machines' output, to the bit.

use std::path::Path;

use super::sweep::golden_runs;

/// One line for each run: the seed, and the digest of the machines' output.
const FILE: &str = "src/sim/tests/golden-runs.txt";
const RENEW: &str = "npm run renew:golden";

#[test]
fn the_machines_output_is_unchanged() {
    let kept = include_str!("golden-runs.txt");
    let now = golden_runs();
    let changed: Vec<&str> = now.lines().filter(|line| !kept.lines().any(|old| old == *line)).collect();
    assert!(
        changed.is_empty() && kept.lines().count() == now.lines().count(),
        "the behaviour has changed in {} of {} runs; if that is intended, `{RENEW}` renews {FILE}",
        changed.len(),
        now.lines().count(),
    );
}

#[test]
#[ignore = "writes the file that the test above reads"]
fn renew_the_golden_runs() {
    std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE), golden_runs()).unwrap();
}
