//! The configuration, read from environment variables, checked and normalised.

use std::fmt;
use std::time::Duration;

use url::Url;

pub use self::legacy_policy::LegacyPolicy;
use self::reader::Reader;
pub use self::secrets::{
    AcceptedSecrets, MAX_PREVIOUS_SECRETS, ReadSecrets, SecretFile, SecretSet, SecretVariable,
};
use crate::protocol::types::allow::AllowList;
use crate::protocol::types::base_url::BaseUrl;

mod legacy_policy;
mod reader;
mod secrets;
mod shown;

const SECRET: &str = "SHAZBOT_SECRET";
const CONTROL_SECRET: &str = "SHAZBOT_CONTROL_SECRET";
const READ_SECRET: &str = "SHAZBOT_READ_SECRET";
const MASTER_LIST: &str = "SHAZBOT_MASTER_LIST";
const MASTER_LIST_UPDATE: &str = "SHAZBOT_MASTER_LIST_UPDATE";
const MASTER_LIST_UPDATE_AUTH: &str = "SHAZBOT_MASTER_LIST_UPDATE_AUTH";
const BASE_URL: &str = "SHAZBOT_BASE_URL";
const GOSSIP_INTERVAL: &str = "SHAZBOT_GOSSIP_INTERVAL";
const PROBE_INTERVAL: &str = "SHAZBOT_PROBE_INTERVAL";
const MAX_SERVERS: &str = "SHAZBOT_MAX_SERVERS";
const MASTER_ANNOUNCE_MINIMUM: &str = "SHAZBOT_MASTER_ANNOUNCE_MINIMUM";
const MASTER_ANNOUNCE_INTERVAL: &str = "SHAZBOT_MASTER_ANNOUNCE_INTERVAL";
const MONITOR: &str = "SHAZBOT_MONITOR";
const UPDATE_MASTER_LIST_ON_SHUTDOWN: &str = "SHAZBOT_UPDATE_MASTER_LIST_ON_SHUTDOWN";
const ALLOW: &str = "SHAZBOT_ALLOW";
const LEGACY: &str = "SHAZBOT_LEGACY";
const LIST: &str = "SHAZBOT_LIST";
const LOG: &str = "SHAZBOT_LOG";

const REQUIRED: [&str; 6] =
    [SECRET, CONTROL_SECRET, MASTER_LIST, MASTER_LIST_UPDATE, MASTER_LIST_UPDATE_AUTH, BASE_URL];

/// Lower bound of the gossip interval. Faster rounds cost load and gain nothing.
const SHORTEST_GOSSIP_INTERVAL: Duration = Duration::from_millis(200);
/// Lower bound of the probe interval. Faster probes cost load and gain nothing.
const SHORTEST_PROBE_INTERVAL: Duration = Duration::from_millis(200);
/// Minimum time between announcements, so that no master list is flooded.
const SHORTEST_ANNOUNCE_DELAY: Duration = Duration::from_secs(1);

/// The configuration of a server.
#[derive(Debug, Clone)]
pub struct Config {
    /// The secrets at the start.
    pub secrets: SecretSet,
    /// The files from which some of them were read.
    pub secret_files: Vec<SecretFile>,
    /// Where other servers reach this one.
    pub base_url: BaseUrl,
    /// Whether this server is a monitor.
    pub monitor: bool,
    /// The time between gossip rounds. Default 30 s; 0.2 s to one day.
    pub gossip_interval: Duration,
    /// The time between probes of native servers; `None` turns the native extension off. Default 1
    /// s; 0.2 s to one day.
    pub probe_interval: Option<Duration>,
    /// The servers that this one may contact; `None` allows all.
    pub allowed: Option<AllowList>,
    /// The most other servers to know, offline ones included. Default and upper bound 100,000; at
    /// least 100.
    pub max_servers: usize,
    /// What is still done with the raw secret. Default `allow`.
    pub legacy: LegacyPolicy,
    /// Whether anybody may read the list of online servers. Default true.
    pub is_list_open: bool,
    /// Where and when the master list is read and written.
    pub master_list: MasterListConfig,
}

/// Where and when the master list is read and written.
#[derive(Debug, Clone)]
pub struct MasterListConfig {
    /// The URL of downloads, sent byte for byte.
    pub url: String,
    /// The URL of uploads, sent byte for byte.
    pub update_url: String,
    /// The minimum time between announcements. Default 300 s.
    pub announce_minimum: Duration,
    /// The maximum random addition to that time. Default 600 s.
    pub announce_interval: Duration,
    /// Whether this server removes itself from the list when it leaves. Default false.
    pub update_on_shutdown: bool,
}

impl MasterListConfig {
    /// Whether both URLs name one resource (they differ at most in their query). Then the ETag of a
    /// download can be the condition of an upload.
    pub fn is_one_resource(&self) -> bool {
        fn resource(url: &str) -> Option<Url> {
            let mut url = Url::parse(url).ok()?;
            url.set_query(None);
            url.set_fragment(None);
            Some(url)
        }
        resource(&self.url).is_some_and(|url| resource(&self.update_url) == Some(url))
    }
}

/// An invalid configuration. Its text names the variable and the accepted values, and contains no
/// secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigError {
    /// Required variables are missing or empty.
    Missing {
        /// All missing variables, in the order of the documentation; the text names the first.
        variables: Vec<&'static str>,
    },
    /// The value of a variable is invalid.
    Invalid {
        /// The variable.
        variable: &'static str,
        /// The accepted values.
        expected: String,
    },
}

impl ConfigError {
    fn invalid(variable: &'static str, expected: impl Into<String>) -> Self {
        Self::Invalid { variable, expected: expected.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { variables } => {
                let first = variables.first().copied().unwrap_or_default();
                write!(f, "Environment variable {first} is required")
            }
            Self::Invalid { variable, expected } => {
                write!(f, "Environment variable {variable} must be {expected}")
            }
        }
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Does the same as [`Config::read`], where no file can be read.
    ///
    /// # Errors
    /// As those of [`Config::read`].
    pub fn from_variables(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<(Self, Vec<String>), ConfigError> {
        Self::read(variable, |_| Err("no files are read here".to_owned()))
    }

    /// Reads and checks the variables. Returns the configuration, and warnings for the log. `file`
    /// returns the content of the file at a path, or why it cannot be read.
    ///
    /// # Errors
    /// Returns all missing variables, or else the first invalid one, in the order of the
    /// documentation.
    pub fn read(
        variable: impl Fn(&str) -> Option<String>,
        file: impl Fn(&str) -> Result<String, String>,
    ) -> Result<(Self, Vec<String>), ConfigError> {
        Self::read_all(&variable, &file)
    }

    fn read_all(
        variable: &dyn Fn(&str) -> Option<String>,
        file: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<(Self, Vec<String>), ConfigError> {
        let mut reader = Reader::new(variable)?;
        let announce_interval = reader.read_delay(MASTER_ANNOUNCE_INTERVAL, 600.0)?;
        let announce_minimum = reader.read_delay(MASTER_ANNOUNCE_MINIMUM, 300.0)?;
        let too_fast = announce_minimum + announce_interval < SHORTEST_ANNOUNCE_DELAY;
        let (secrets, secret_files) = reader.read_secrets(file)?;
        let config = Self {
            secrets,
            secret_files,
            base_url: reader.read_base_url()?,
            monitor: reader.read_flag(MONITOR),
            gossip_interval: reader.read_gossip_interval()?.max(SHORTEST_GOSSIP_INTERVAL),
            probe_interval: Some(reader.read_delay(PROBE_INTERVAL, 1.0)?)
                .filter(|interval| !interval.is_zero())
                .map(|interval| interval.max(SHORTEST_PROBE_INTERVAL)),
            allowed: reader.read_allow_list()?,
            max_servers: reader.read_max_servers()?,
            legacy: reader.read_legacy_policy()?,
            is_list_open: reader.read_list_policy()?,
            master_list: MasterListConfig {
                url: reader.url(MASTER_LIST, &["http", "https", "data"], "an http, https or data URL")?,
                update_url: reader.url(MASTER_LIST_UPDATE, &["http", "https"], "an http or https URL")?,
                announce_minimum: if too_fast { SHORTEST_ANNOUNCE_DELAY } else { announce_minimum },
                announce_interval,
                update_on_shutdown: reader.read_flag(UPDATE_MASTER_LIST_ON_SHUTDOWN),
            },
        };
        reader.log_level()?;
        reader.warn_about_allow_list(&config);
        if config.legacy == LegacyPolicy::Off && config.probe_interval.is_none() {
            let expected = format!("above 0, as {LEGACY}=off needs signed messages");
            return Err(ConfigError::invalid(PROBE_INTERVAL, expected));
        }
        Ok((config, reader.warnings))
    }
}

#[cfg(test)]
mod tests;
