//! Many small worlds, each cast and struck by its seed; in none may an invariant break.

use std::num::NonZeroUsize;
use std::sync::LazyLock;

use crate::sim::checks::Checks;
use crate::sim::clock::Millis;
use crate::sim::faults::{Chaos, Mix};
use crate::sim::golden::Golden;
use crate::sim::host::Host;
use crate::sim::spec::Kind;
use crate::sim::trace::Trace;
use crate::sim::world::World;

/// Seeds of the sweep that every run of the tests makes.
const SEEDS: u64 = 96;
/// Seeds of the sweep whose digests are kept, the first ones.
const GOLDEN_SEEDS: u64 = 40;
/// Seeds of the long campaign, unless `SHAZBOT_SIM_SEEDS` says otherwise; `SHAZBOT_SIM_FIRST_SEED` says where they begin.
const CAMPAIGN: u64 = 5_000;
/// At least so much happens in each world.
const STEPS: u64 = 3_000;
/// And for at least so long.
const DURATION: Millis = 240_000;
/// All faults have ended: so long the natives have to agree.
const AGREE_AMONG_NATIVES: Millis = 180_000;
/// Legacy peers bring back the dead and are slow to hear.
const AGREE_AMONG_ALL: Millis = 900_000;
/// A world that agrees stays that way.
const KEEP_AGREEING: Millis = 30_000;

/// The runs of the sweep, which more than one test looks at.
static SWEEP: LazyLock<Vec<Run>> = LazyLock::new(|| run_all(0..SEEDS));

/// What came of one world.
struct Run {
    seed: u64,
    /// The digest of what the machines said, where it was kept.
    golden: Option<u64>,
    trace: Trace,
    checks: Checks,
    agreed_after: Option<Millis>,
    failure: Option<String>,
}

fn run(seed: u64) -> Run {
    let mut chaos = Chaos::new(seed);
    let mut world = chaos.cast();
    world.golden = (seed < GOLDEN_SEEDS).then(Golden::default);
    while world.trace.steps < STEPS || world.time < DURATION {
        let pause = chaos.pause();
        world.run_for(pause);
        chaos.strike(&mut world);
    }
    world.heal();
    let healed_at = world.time;
    let patience = if chaos.mix == Mix::Native { AGREE_AMONG_NATIVES } else { AGREE_AMONG_ALL };
    let mut agreed_since = agree(&mut world, patience);
    let agreed_after = agreed_since.map(|since| since - healed_at);
    if chaos.has_glitches && agreed_since.is_some() {
        // Whoever has had a wrong clock is to be believed that it is drained, and that it is back.
        let is_drainable = |host: &Host| host.kind == Kind::Native && host.is_to_be_online;
        for host in
            world.host_ids().filter(|host| is_drainable(&world.hosts[host.index()])).collect::<Vec<_>>()
        {
            for online in [false, true] {
                world.control(host, online);
                agreed_since = agreed_since.and(agree(&mut world, patience));
            }
        }
    }
    let violation = world.checks.violations.first().map(ToString::to_string);
    let failure = violation.or_else(|| {
        let disagreement =
            || world.disagreement().map_or_else(|| "flickers".to_owned(), |found| found.to_string());
        agreed_since.is_none().then(|| format!("healed at {healed_at} ms, {}", disagreement()))
    });
    if wanted().is_some() {
        describe(&world);
    }
    let golden = world.golden.as_ref().map(Golden::digest);
    Run { seed, golden, trace: world.trace, checks: world.checks, agreed_after, failure }
}

/// Lets the world run until it agrees and stays so; tells since when.
fn agree(world: &mut World, patience: Millis) -> Option<Millis> {
    let end = world.time + patience;
    let mut since = None;
    while world.time < end {
        world.run_for(1_000);
        match world.disagreement() {
            Some(_) => since = None,
            None => {
                let since: Millis = *since.get_or_insert(world.time);
                if world.time >= since + KEEP_AGREEING {
                    break;
                }
            }
        }
    }
    since
}

/// Who holds whom as what, for those who look into a failing seed.
fn describe(world: &World) {
    for host in &world.hosts {
        println!("{} {:?} {:?} online: {}", host.url, host.kind, host.port, host.is_to_be_online);
    }
    for process in world.processes.iter().filter(|process| process.engine.is_some()) {
        println!(
            "{:?} {:?} drained: {} clock: {}",
            process.host, process.stage, process.is_drained, process.wall_offset
        );
        for host in &world.hosts {
            println!("    {} {:?}", host.url, process.view(&host.url));
        }
    }
}

fn run_all(seeds: std::ops::Range<u64>) -> Vec<Run> {
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get) as u64;
    std::thread::scope(|scope| {
        let work = |first| seeds.clone().skip(first as usize).step_by(threads as usize).map(run).collect();
        let handles: Vec<_> =
            (0..threads).map(|first| scope.spawn(move || -> Vec<Run> { work(first) })).collect();
        handles.into_iter().flat_map(|handle| handle.join().unwrap()).collect()
    })
}

#[track_caller]
fn judge(runs: &[Run], test: &str) {
    let failed: Vec<String> = runs
        .iter()
        .filter_map(|run| {
            let failure = run.failure.as_ref()?;
            let seed = run.seed;
            Some(format!("{failure}\n    SHAZBOT_SIM_SEED={seed} cargo test --no-default-features {test} -- --nocapture"))
        })
        .collect();
    assert!(failed.is_empty(), "{} of {} seeds fail:\n{}", failed.len(), runs.len(), failed.join("\n"));
}

/// The seed to be replayed, if there is one.
fn wanted() -> Option<u64> {
    variable("SHAZBOT_SIM_SEED")
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn no_invariant_breaks_whatever_goes_wrong() {
    let test = "no_invariant_breaks_whatever_goes_wrong";
    if let Some(seed) = wanted() {
        let run = run(seed);
        println!("{:?}\n{:#?}\nagreed after {:?} ms", run.trace, run.checks, run.agreed_after);
        return judge(&[run], test);
    }
    let runs = &*SWEEP;
    judge(runs, test);

    // A sweep in which nothing went wrong would prove nothing.
    let sum = |count: fn(&Run) -> u64| runs.iter().map(count).sum::<u64>();
    for (what, count, least) in [
        ("messages lost", sum(|run| run.trace.lost), 1_000),
        ("requests doubled", sum(|run| run.trace.echoes), 100),
        ("requests refused", sum(|run| run.trace.refused), 100),
        ("requests stalled", sum(|run| run.trace.stalled), 100),
        ("crashes", sum(|run| run.trace.crashes), 100),
        ("vanishings", sum(|run| run.trace.vanishings), 50),
        ("restarts", sum(|run| run.trace.restarts), 100),
        ("addresses taken over", sum(|run| run.trace.takeovers), 20),
        ("leaves", sum(|run| run.trace.leaves), 50),
        ("controls", sum(|run| run.trace.controls), 50),
        ("partitions", sum(|run| run.trace.partitions), 50),
        ("cuts", sum(|run| run.trace.cuts), 50),
        ("clocks glitching", sum(|run| run.trace.glitches), 100),
        ("deaths seen", sum(|run| run.checks.deaths), 500),
        ("returns seen", sum(|run| run.checks.returns), 100),
        ("suspicions", sum(|run| run.checks.suspicions), 100),
        ("refutations", sum(|run| run.checks.refutations), 50),
    ] {
        assert!(count >= least, "only {count} {what}, at least {least} are to be");
    }
}

/// Seeds that campaigns found: originals that believed a tombstone far ahead of their clock, and tombstones dropped too early.
#[test]
fn what_campaigns_found_stays_fixed() {
    let seeds = [
        9_000_378, 9_000_643, 9_001_308, 30_000_460, 30_001_482, 30_001_894, 30_003_523, 30_004_892,
        30_005_141, 30_006_403, 30_006_691, 30_007_325, 30_009_271, 30_010_012, 30_014_050, 30_014_374,
        30_016_742, 30_018_237, 50_000_084, 50_006_797, 60_005_500, 70_003_919,
    ];
    let runs = seeds.map(run);
    judge(&runs, "no_invariant_breaks_whatever_goes_wrong");
}

#[test]
#[ignore = "takes an hour: for campaigns"]
fn no_invariant_breaks_in_a_long_campaign() {
    let first = variable("SHAZBOT_SIM_FIRST_SEED").unwrap_or(SEEDS);
    let seeds = variable("SHAZBOT_SIM_SEEDS").unwrap_or(CAMPAIGN);
    judge(&run_all(first..first + seeds), "no_invariant_breaks_whatever_goes_wrong");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..4 {
        let (one, other) = (run(seed), run(seed));
        assert_eq!((one.trace, one.golden), (other.trace, other.golden), "seed {seed}");
    }
    assert_ne!(run(0).trace.digest, run(1).trace.digest);
}

/// The sweep's digests as lines: a seed, and the digest of its run.
pub(super) fn golden_runs() -> String {
    let line = |run: &Run| run.golden.map(|digest| format!("{} {digest:016x}\n", run.seed));
    let mut lines: Vec<(u64, String)> = SWEEP.iter().filter_map(|run| Some((run.seed, line(run)?))).collect();
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}
