//! The configuration: read from environment variables, checked once, normalised.

use std::fmt;
use std::time::Duration;

use url::Url;

use super::base_url::BaseUrl;
use super::secret::Secret;

const SECRET: &str = "SHAZBOT_SECRET";
const CONTROL_SECRET: &str = "SHAZBOT_CONTROL_SECRET";
const MASTER_LIST: &str = "SHAZBOT_MASTER_LIST";
const MASTER_LIST_UPDATE: &str = "SHAZBOT_MASTER_LIST_UPDATE";
const MASTER_LIST_UPDATE_AUTH: &str = "SHAZBOT_MASTER_LIST_UPDATE_AUTH";
const BASE_URL: &str = "SHAZBOT_BASE_URL";
const GOSSIP_INTERVAL: &str = "SHAZBOT_GOSSIP_INTERVAL";
const PROBE_INTERVAL: &str = "SHAZBOT_PROBE_INTERVAL";
const MASTER_ANNOUNCE_MINIMUM: &str = "SHAZBOT_MASTER_ANNOUNCE_MINIMUM";
const MASTER_ANNOUNCE_INTERVAL: &str = "SHAZBOT_MASTER_ANNOUNCE_INTERVAL";
const MONITOR: &str = "SHAZBOT_MONITOR";
const UPDATE_MASTER_LIST_ON_SHUTDOWN: &str = "SHAZBOT_UPDATE_MASTER_LIST_ON_SHUTDOWN";

const REQUIRED: [&str; 6] =
    [SECRET, CONTROL_SECRET, MASTER_LIST, MASTER_LIST_UPDATE, MASTER_LIST_UPDATE_AUTH, BASE_URL];

/// No delay is longer than a day: beyond that a figure is a slip of the pen.
const LONGEST: f64 = 86_400.0;
/// Below this, rounds would be a load without being of use.
const SHORTEST_GOSSIP_INTERVAL: Duration = Duration::from_millis(200);
/// Below this, probes would be a load without being of use.
const SHORTEST_PROBE_INTERVAL: Duration = Duration::from_millis(200);
/// Announcements come no faster than this, so that no master list is stormed.
const SHORTEST_ANNOUNCE_DELAY: Duration = Duration::from_secs(1);

/// Everything that a server is told from outside.
#[derive(Debug, Clone)]
pub struct Config {
    /// Authenticates gossip, in both directions.
    pub secret: Secret,
    /// Authenticates control requests, and lists with the offline servers.
    pub control_secret: Secret,
    /// Where this server is reached.
    pub base_url: BaseUrl,
    /// Whether this server is a monitor.
    pub monitor: bool,
    /// The pace of the rounds. Default 30 s; from 0.2 s to a day.
    pub gossip_interval: Duration,
    /// The pace of the probes among native servers; none turns the native extension off. Default 1 s; from 0.2 s to a day.
    pub probe_interval: Option<Duration>,
    /// Where and when the master list is read and written.
    pub master_list: MasterListConfig,
}

/// Where and when the master list is read and written.
#[derive(Debug, Clone)]
pub struct MasterListConfig {
    /// Downloaded from here, byte for byte.
    pub url: String,
    /// Uploaded to here, byte for byte.
    pub update_url: String,
    /// The `Authorization` of an upload.
    pub update_authorization: Secret,
    /// At least this long from one announcement to the next. Default 300 s.
    pub announce_minimum: Duration,
    /// At most this much more, at random. Default 600 s.
    pub announce_interval: Duration,
    /// Whether this server takes itself off the list as it leaves. Default false.
    pub update_on_shutdown: bool,
}

impl MasterListConfig {
    /// Whether both URLs name one resource (they differ at most in their query), so that the ETag of a download can
    /// be the condition of an upload.
    pub fn is_one_resource(&self) -> bool {
        fn place(url: &str) -> Option<Url> {
            let mut url = Url::parse(url).ok()?;
            url.set_query(None);
            url.set_fragment(None);
            Some(url)
        }
        place(&self.url).is_some_and(|url| place(&self.update_url) == Some(url))
    }
}

/// A configuration that can't be used. Its text names the variable and what it may be, and holds no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigError {
    /// A required variable is missing or empty.
    Missing {
        /// The variable.
        variable: &'static str,
    },
    /// A variable holds what it may not.
    Invalid {
        /// The variable.
        variable: &'static str,
        /// What it may be.
        expected: &'static str,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { variable } => write!(f, "Environment variable {variable} is required"),
            Self::Invalid { variable, expected } => {
                write!(f, "Environment variable {variable} must be {expected}")
            }
        }
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads and checks the variables; the second part are warnings for the log.
    ///
    /// # Errors
    /// The first variable that is missing, in the order of the documentation, or else the first that is wrong.
    pub fn from_variables(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<(Self, Vec<String>), ConfigError> {
        let read =
            |name: &str| variable(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let required = |name: &'static str| read(name).ok_or(ConfigError::Missing { variable: name });
        for name in REQUIRED {
            required(name)?;
        }
        let mut warnings = Vec::new();
        let mut flag = |name: &'static str| match read(name) {
            Some(text) if text.eq_ignore_ascii_case("true") => true,
            Some(text) if !text.eq_ignore_ascii_case("false") => {
                warnings
                    .push(format!("Environment variable {name} is neither true nor false: taken as false"));
                false
            }
            _ => false,
        };
        let secret = |name: &'static str| {
            required(name)?;
            variable(name).as_deref().and_then(Secret::new).ok_or(ConfigError::Invalid {
                variable: name,
                expected: "text that can stand in an HTTP header: no line breaks, no control characters, nothing beyond Latin-1",
            })
        };
        let seconds = |name: &'static str, default: f64, allowed: fn(f64) -> bool, expected: &'static str| {
            let Some(text) = read(name) else { return Ok(Duration::from_secs_f64(default)) };
            let number = leading_number(&text).filter(|number| allowed(*number));
            let number = number.ok_or(ConfigError::Invalid { variable: name, expected })?;
            Ok(Duration::from_secs_f64(number.min(LONGEST)))
        };
        let delay =
            |name, default| seconds(name, default, |number| number >= 0.0, "a number of seconds, 0 or more");

        let announce_interval = delay(MASTER_ANNOUNCE_INTERVAL, 600.0)?;
        let announce_minimum = delay(MASTER_ANNOUNCE_MINIMUM, 300.0)?;
        let too_fast = announce_minimum + announce_interval < SHORTEST_ANNOUNCE_DELAY;
        let config = Self {
            secret: secret(SECRET)?,
            control_secret: secret(CONTROL_SECRET)?,
            base_url: BaseUrl::parse(&required(BASE_URL)?).map_err(|_| ConfigError::Invalid {
                variable: BASE_URL,
                expected: "an http or https URL without query, fragment or credentials, of at most 512 bytes",
            })?,
            monitor: flag(MONITOR),
            gossip_interval: seconds(
                GOSSIP_INTERVAL,
                30.0,
                |number| number > 0.0,
                "a number of seconds above 0",
            )?
            .max(SHORTEST_GOSSIP_INTERVAL),
            probe_interval: Some(delay(PROBE_INTERVAL, 1.0)?)
                .filter(|interval| !interval.is_zero())
                .map(|interval| interval.max(SHORTEST_PROBE_INTERVAL)),
            master_list: MasterListConfig {
                url: url(
                    MASTER_LIST,
                    required(MASTER_LIST)?,
                    &["http", "https", "data"],
                    "an http, https or data URL",
                )?,
                update_url: url(
                    MASTER_LIST_UPDATE,
                    required(MASTER_LIST_UPDATE)?,
                    &["http", "https"],
                    "an http or https URL",
                )?,
                update_authorization: secret(MASTER_LIST_UPDATE_AUTH)?,
                announce_minimum: if too_fast { SHORTEST_ANNOUNCE_DELAY } else { announce_minimum },
                announce_interval,
                update_on_shutdown: flag(UPDATE_MASTER_LIST_ON_SHUTDOWN),
            },
        };
        warnings.extend(base_url_warning(&config.base_url));
        Ok((config, warnings))
    }
}

fn url(
    variable: &'static str,
    text: String,
    schemes: &[&str],
    expected: &'static str,
) -> Result<String, ConfigError> {
    match Url::parse(&text) {
        Ok(url) if schemes.contains(&url.scheme()) => Ok(text),
        _ => Err(ConfigError::Invalid { variable, expected }),
    }
}

/// Why nobody else may reach this server, where its base URL says so.
fn base_url_warning(base_url: &BaseUrl) -> Option<String> {
    let reasons: Vec<_> = base_url.classes().reasons().collect();
    let reasons = (!reasons.is_empty()).then(|| reasons.join("; "))?;
    Some(format!(
        "Environment variable {BASE_URL} names {}: other servers may not reach this one there, because {reasons}",
        base_url.classes()
    ))
}

/// The number at the beginning of a text, as `parseInt` finds it, decimals included: `30s` is 30, `0.5` a half.
fn leading_number(text: &str) -> Option<f64> {
    let text = text.trim_start();
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut seen_point = false;
    let end = unsigned
        .find(|c: char| match c {
            '.' if !seen_point => {
                seen_point = true;
                false
            }
            _ => !c.is_ascii_digit(),
        })
        .unwrap_or(unsigned.len());
    let magnitude: f64 = unsigned.get(..end)?.parse().ok()?;
    Some(if text.starts_with('-') { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests;
