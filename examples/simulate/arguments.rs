//! The command line.

use clustershazbot::sim::scenarios::{Plan, Scenario};
use clustershazbot::sim::spec::Kind;

const USAGE: &str = "\
usage: simulate [options]

  --servers N          the number of servers, from 2 (default 100)
  --scenario NAME      join, leave, crash, vanish, partition, upgrade, restart-storm, steady or lossy (default crash)
  --events N           the number of events (default 20; upgrade: every server once)
  --loss SHARE         the share of lost messages (default 0.01; lossy: 0.25)
  --legacy-share SHARE the share of legacy peers (default 0)
  --reduced yes        runs crash and join in a reduced model, for 100,000 servers and more
  --seed N             the seed of all random choices (default 1)
  --threads N          the number of threads; the results stay the same (default 1)
  --compare legacy     also runs the same with legacy peers only
  --plot FILE          the plot, as SVG (default simulate.svg; an empty name: none)
  --json FILE          the numbers, as JSON
";

/// The parsed command line.
pub(crate) struct Arguments {
    /// The plan of the run.
    pub(crate) plan: Plan,
    /// Whether to run legacy peers for comparison.
    pub(crate) compares: bool,
    /// Whether to use the reduced model.
    pub(crate) is_reduced: bool,
    /// The path of the plot.
    pub(crate) plot: Option<String>,
    /// The path of the numbers.
    pub(crate) json: Option<String>,
}

impl Arguments {
    /// Parses the arguments.
    ///
    /// # Errors
    /// Describes the error, or the usage.
    pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut plan = Plan {
            scenario: Scenario::Crash,
            servers: 100,
            kind: Kind::Native,
            legacy_share: 0.0,
            loss: 0.01,
            events: 20,
            seed: 1,
            threads: 1,
        };
        let (mut events, mut loss) = (None, None);
        let mut is_reduced = false;
        let (mut compares, mut plot, mut json) = (false, Some("simulate.svg".to_owned()), None);
        let mut arguments = arguments;
        while let Some(name) = arguments.next() {
            if matches!(&*name, "--help" | "-h") {
                return Err(USAGE.to_owned());
            }
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value\n\n{USAGE}"))?;
            let wrong = || format!("{name} can't be {value}\n\n{USAGE}");
            let share = || value.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(wrong);
            let whole = |least| value.parse().ok().filter(|number| *number >= least).ok_or_else(wrong);
            match &*name {
                "--servers" => plan.servers = whole(2)?,
                "--scenario" => plan.scenario = Scenario::from_name(&value).ok_or_else(wrong)?,
                "--events" => events = Some(whole(1)?),
                "--loss" => loss = Some(share()?),
                "--legacy-share" => plan.legacy_share = share()?,
                "--threads" => plan.threads = whole(1)?,
                "--seed" => plan.seed = value.parse().map_err(|_| wrong())?,
                "--reduced" if value == "yes" => is_reduced = true,
                "--compare" if value == "legacy" => compares = true,
                "--plot" => plot = Some(value).filter(|path| !path.is_empty()),
                "--json" => json = Some(value),
                "--compare" | "--reduced" => return Err(wrong()),
                _ => return Err(format!("unknown: {name}\n\n{USAGE}")),
            }
        }
        let usual_loss = if plan.scenario == Scenario::Lossy { 0.25 } else { plan.loss };
        plan.loss = loss.unwrap_or(usual_loss);
        plan.events = events.unwrap_or(match plan.scenario {
            Scenario::Upgrade => plan.servers,
            Scenario::Steady | Scenario::Lossy | Scenario::RestartStorm => 1,
            Scenario::Partition => 3,
            _ => 20,
        });
        Ok(Self { plan, compares, is_reduced, plot, json })
    }
}
