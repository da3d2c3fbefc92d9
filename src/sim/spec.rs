//! The parameters of a server.

use std::time::Duration;

use super::clock::{Glitch, Millis};
use crate::protocol::config::Config;

/// The kind of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// This package.
    Native,
    /// This package with `SHAZBOT_PROBE_INTERVAL=0`, which disables the native extension.
    Plain,
    /// Version 1 of the package.
    Legacy,
}

/// The parameters with which a server starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// The kind of the server.
    pub kind: Kind,
    /// Whether it is a monitor.
    pub monitor: bool,
    /// The offset of its wall clock in milliseconds.
    pub wall_offset: i64,
    /// An additional fault of its wall clock at the start.
    pub glitch: Glitch,
    /// The delay after which it starts to listen.
    pub listens_after: Millis,
}

impl Spec {
    /// Returns the default parameters of a kind.
    pub fn of(kind: Kind) -> Self {
        Self { kind, monitor: false, wall_offset: 0, glitch: Glitch::default(), listens_after: 0 }
    }
}

/// The common configuration of all servers.
#[derive(Debug, Clone)]
pub struct Template {
    /// The configuration, except for each server's own part.
    pub config: Config,
    /// The probe interval of native servers.
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
