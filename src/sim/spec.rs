//! What a server is started with.

use std::time::Duration;

use super::clock::{Glitch, Millis};
use crate::protocol::config::Config;

/// What a server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Our package.
    Native,
    /// Our package with `SHAZBOT_PROBE_INTERVAL=0`: no native extension.
    Plain,
    /// The original package.
    Legacy,
}

/// How one server is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// What it runs.
    pub kind: Kind,
    /// Whether it is a monitor.
    pub monitor: bool,
    /// How far its wall clock is off, in milliseconds.
    pub wall_offset: i64,
    /// What else is wrong with its wall clock as it starts.
    pub glitch: Glitch,
    /// It listens only so long after its start.
    pub listens_after: Millis,
}

impl Spec {
    /// An ordinary one of a kind.
    pub fn of(kind: Kind) -> Self {
        Self { kind, monitor: false, wall_offset: 0, glitch: Glitch::default(), listens_after: 0 }
    }
}

/// What all servers have in common.
#[derive(Debug, Clone)]
pub struct Template {
    /// The configuration, but for what is each server's own.
    pub config: Config,
    /// The pace of the probes of native servers.
    pub probe_interval: Duration,
}

impl Default for Template {
    #[expect(clippy::expect_used, reason = "the variables are constants")]
    fn default() -> Self {
        let variable = |name: &str| {
            Some(match name {
                "SHAZBOT_BASE_URL" => "http://template/".to_owned(),
                "SHAZBOT_MASTER_LIST" | "SHAZBOT_MASTER_LIST_UPDATE" => "http://store/list".to_owned(),
                "SHAZBOT_SECRET" | "SHAZBOT_CONTROL_SECRET" | "SHAZBOT_MASTER_LIST_UPDATE_AUTH" => {
                    "x".to_owned()
                }
                _ => return None,
            })
        };
        let (config, _) = Config::from_variables(variable).expect("the template can be read");
        let probe_interval = config.probe_interval.unwrap_or(Duration::from_secs(1));
        Self { config, probe_interval }
    }
}
