//! Simulates a cluster, and shows how fast news reaches all servers: a table, a plot, and JSON.
//!
//! ```sh
//! cargo run --release --example simulate -- --servers 1000 --scenario crash --loss 0.01 --events 20 --compare legacy
//! ```

mod arguments;
mod plot;
mod table;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use arguments::Arguments;
use clustershazbot::sim::scenarios::{self, Plan, Results};
use clustershazbot::sim::spec::Kind;
use clustershazbot::sim::world::World;

/// A simulated cluster.
pub(crate) struct Run {
    /// Its name in the table and the plot.
    pub(crate) name: &'static str,
    /// The plan of the run.
    pub(crate) plan: Plan,
    /// The results.
    pub(crate) results: Results,
    /// The elapsed time.
    pub(crate) real_seconds: f64,
    /// The CPU time; `None` if the system does not report it.
    pub(crate) cpu_seconds: Option<f64>,
}

fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(text) => {
            eprintln!("{text}");
            return ExitCode::from(2);
        }
    };
    let mut runs = if arguments.is_reduced {
        vec![simulate("this package, reduced", arguments.plan, reduced)]
    } else {
        vec![simulate("this package", arguments.plan, scenarios::run)]
    };
    if arguments.compares {
        let plan = Plan { kind: Kind::Legacy, legacy_share: 0.0, ..arguments.plan };
        runs.push(simulate("version 1", plan, scenarios::run));
    }
    print!("{}", table::of(&runs));
    let mut is_written = true;
    if let Some(path) = &arguments.plot {
        is_written &= write(path, &plot::of(&runs));
    }
    if let Some(path) = &arguments.json {
        is_written &= write(path, &table::json(&runs));
    }
    if is_written { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn write(path: &str, text: &str) -> bool {
    match std::fs::write(path, text) {
        Ok(()) => println!("written: {path}"),
        Err(error) => eprintln!("{path}: {error}"),
    }
    std::path::Path::new(path).exists()
}

/// Runs the reduced model, which has no world.
fn reduced(plan: &Plan, progress: &mut dyn FnMut(usize)) -> Results {
    let events = clustershazbot::sim::reduced::run(plan, progress).unwrap_or_default();
    Results {
        events,
        legacy_events: Vec::new(),
        steady: Default::default(),
        false_deaths: None,
        world: World::new(plan.seed),
    }
}

fn simulate(name: &'static str, plan: Plan, run: impl Fn(&Plan, &mut dyn FnMut(usize)) -> Results) -> Run {
    #[expect(clippy::disallowed_types, reason = "the elapsed time is real time")]
    let begin = std::time::Instant::now();
    let cpu_before = cpu_seconds();
    let shows_progress = std::io::stderr().is_terminal();
    let progress = |done: usize| {
        if !shows_progress {
            return;
        }
        let width = 40;
        let filled = width * done / plan.events.max(1);
        let seconds = begin.elapsed().as_secs_f64();
        eprint!(
            "\r{name}: [{}{}] {done}/{} {seconds:.0} s ",
            "#".repeat(filled),
            ".".repeat(width - filled),
            plan.events
        );
        let _ = std::io::stderr().flush();
    };
    progress(0);
    let results = run(&plan, &mut |done| progress(done));
    if shows_progress {
        eprintln!();
    }
    let cpu_seconds = cpu_before.and_then(|before| Some(cpu_seconds()? - before));
    Run { name, plan, results, real_seconds: begin.elapsed().as_secs_f64(), cpu_seconds }
}

/// Returns the CPU time of all threads so far, which other programs of a busy machine do not
/// lengthen.
fn cpu_seconds() -> Option<f64> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let counters = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in parentheses, may contain spaces.
    let (_, counters) = counters.rsplit_once(") ")?;
    let ticks = counters.split(' ').skip(11).take(2).map(str::parse::<f64>);
    Some(ticks.sum::<Result<f64, _>>().ok()? / TICKS_PER_SECOND)
}
