//! Reads variables one by one, and collects warnings about values that are valid but probably
//! wrong.

use std::time::Duration;

use url::{ParseError, Url};
use zeroize::Zeroizing;

use super::secrets::{SecretFile, SecretSet, SecretVariable};
use super::shown::shown_url;
use super::{
    ALLOW, BASE_URL, Config, ConfigError, GOSSIP_INTERVAL, LEGACY, LIST, LOG, LegacyPolicy, MAX_SERVERS,
    PROBE_INTERVAL, REQUIRED,
};
use crate::protocol::types::allow::{AllowList, AllowListError, Allowance, Target};
use crate::protocol::types::base_url::{BaseUrl, BaseUrlRejection, MAX_BASE_URL_BYTES};
use crate::protocol::types::limits::MAX_MEMBERS;
use crate::protocol::types::secret::Secret;

/// Upper bound of delays, in seconds: more than a day is a mistake.
const LONGEST_DELAY: f64 = 86_400.0;
/// Gossip interval above which a value looks like milliseconds, in seconds: the usual 30 s are
/// 30,000 ms.
const LONGEST_USUAL_GOSSIP_INTERVAL: f64 = 3_600.0;
/// The same for probe intervals: the usual second is 1,000 ms.
const LONGEST_USUAL_PROBE_INTERVAL: f64 = 300.0;
/// Lower bound of the most servers to know. Those that have left or died count for a day, so a few
/// redeploys would fill a smaller roster.
const FEWEST_MAX_SERVERS: usize = 100;
/// The names of the log levels.
const LOG_LEVELS: [&str; 3] = ["info", "warn", "silent"];
/// The path below the base URL where every server has its routes.
const ROUTES: &str = "clustershazbot/";

pub(super) struct Reader<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    pub(super) warnings: Vec<String>,
    /// The secrets read so far, which no error may contain.
    secrets: Vec<Zeroizing<String>>,
}

type FileReader<'a> = &'a dyn Fn(&str) -> Result<String, String>;

impl<'a> Reader<'a> {
    /// Returns a reader of these variables, or the required variables that are missing.
    pub(super) fn new(variable: &'a dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let reader = Self { variable, warnings: Vec::new(), secrets: Vec::new() };
        let missing: Vec<_> = REQUIRED.into_iter().filter(|name| reader.is_missing(name)).collect();
        if missing.is_empty() { Ok(reader) } else { Err(ConfigError::Missing { variables: missing }) }
    }

    /// The text of a variable, which may be a secret and is therefore wiped.
    fn read_raw(&self, name: &str) -> Option<Zeroizing<String>> {
        (self.variable)(name).map(Zeroizing::new)
    }

    /// The trimmed text of a variable; `None` if it is missing or empty.
    fn read(&self, name: &str) -> Option<Zeroizing<String>> {
        let text = self.read_raw(name)?;
        Some(Zeroizing::new(text.trim().to_owned())).filter(|text| !text.is_empty())
    }

    /// Whether neither the variable nor a file that stands for it is named.
    fn is_missing(&self, name: &str) -> bool {
        let file_name = SecretVariable::ALL.into_iter().find(|variable| variable.name() == name);
        let file = file_name.and_then(|variable| self.read(variable.file_name()));
        self.read(name).or(file).is_none()
    }

    fn required(&self, name: &'static str) -> Result<Zeroizing<String>, ConfigError> {
        self.read(name).ok_or_else(|| ConfigError::Missing { variables: vec![name] })
    }

    fn warn(&mut self, name: &str, what: &str) {
        self.warnings.push(format!("Clustershazbot: environment variable {name} {what}"));
    }

    pub(super) fn read_flag(&mut self, name: &'static str) -> bool {
        match self.read(name) {
            Some(text) if text.eq_ignore_ascii_case("true") => true,
            Some(text) if !text.eq_ignore_ascii_case("false") => {
                self.warn(name, "is neither true nor false: treated as false");
                false
            }
            _ => false,
        }
    }

    /// Reads all secrets, from variables and from files.
    pub(super) fn read_secrets(
        &mut self,
        file: FileReader<'_>,
    ) -> Result<(SecretSet, Vec<SecretFile>), ConfigError> {
        let mut files = Vec::new();
        let secrets = SecretSet::read(|variable| {
            let path = self.read(variable.file_name()).map(|path| String::clone(&path));
            let secrets = self.read_secret(variable, path.as_deref(), file)?;
            let texts = secrets.iter().map(|secret| Zeroizing::new(secret.expose().to_owned()));
            self.secrets.extend(texts);
            files.extend(path.map(|path| SecretFile { variable, path }));
            Ok(secrets)
        })?;
        Ok((secrets, files))
    }

    fn read_secret(
        &self,
        variable: SecretVariable,
        path: Option<&str>,
        file: FileReader<'_>,
    ) -> Result<Vec<Secret>, ConfigError> {
        let (name, file_name) = (variable.name(), variable.file_name());
        let Some(path) = path else {
            let text = self.read_raw(name).unwrap_or_default();
            return variable.parse(&text).map_err(|expected| ConfigError::invalid(name, expected));
        };
        if self.read(name).is_some() {
            return Err(ConfigError::invalid(file_name, format!("unset if {name} is set")));
        }
        // The path stays out of the error, because it may be a secret by mistake.
        let content = file(path).map(Zeroizing::new);
        content.and_then(|content| variable.parse_file(&content)).map_err(|reason| {
            ConfigError::invalid(file_name, format!("the path of a file for {name}, but {reason}"))
        })
    }

    pub(super) fn read_gossip_interval(&mut self) -> Result<Duration, ConfigError> {
        let number =
            self.number(GOSSIP_INTERVAL, 30.0, |number| number > 0.0, "a number of seconds above 0")?;
        Ok(self.read_seconds(GOSSIP_INTERVAL, number))
    }

    pub(super) fn read_delay(&mut self, name: &'static str, default: f64) -> Result<Duration, ConfigError> {
        let number = self.number(name, default, |number| number >= 0.0, "a number of seconds, 0 or more")?;
        Ok(self.read_seconds(name, number))
    }

    /// Reads the most servers to know. Anything but digits is rejected: `100,000` would be read as
    /// 100.
    pub(super) fn read_max_servers(&self) -> Result<usize, ConfigError> {
        let Some(text) = self.read(MAX_SERVERS) else { return Ok(MAX_MEMBERS) };
        let number = text.parse().ok().filter(|number| (FEWEST_MAX_SERVERS..=MAX_MEMBERS).contains(number));
        let expected = format!("a whole number from {FEWEST_MAX_SERVERS} to {MAX_MEMBERS}");
        number.ok_or_else(|| ConfigError::invalid(MAX_SERVERS, expected))
    }

    fn number(
        &self,
        name: &'static str,
        default: f64,
        allowed: fn(f64) -> bool,
        expected: &'static str,
    ) -> Result<f64, ConfigError> {
        let Some(text) = self.read(name) else { return Ok(default) };
        let number = leading_number(&text).filter(|number| allowed(*number));
        number.ok_or_else(|| ConfigError::invalid(name, expected))
    }

    fn read_seconds(&mut self, name: &'static str, number: f64) -> Duration {
        let usual = match name {
            GOSSIP_INTERVAL => LONGEST_USUAL_GOSSIP_INTERVAL,
            PROBE_INTERVAL => LONGEST_USUAL_PROBE_INTERVAL,
            _ => LONGEST_DELAY,
        };
        if number > usual {
            self.warn(name, &format!("is in seconds: {number} looks like milliseconds"));
        }
        Duration::from_secs_f64(number.min(LONGEST_DELAY))
    }

    pub(super) fn read_base_url(&mut self) -> Result<BaseUrl, ConfigError> {
        let text = self.required(BASE_URL)?;
        let url = BaseUrl::parse(&text).map_err(|rejection| {
            let rule = match rejection {
                BaseUrlRejection::TooLong => format!("a URL of at most {MAX_BASE_URL_BYTES} bytes"),
                BaseUrlRejection::NotAUrl => {
                    invalid_part(&text).unwrap_or("a URL such as https://10.0.0.7:3000/").to_owned()
                }
                BaseUrlRejection::NotHttp => "an http or https URL".to_owned(),
                BaseUrlRejection::Credentials => "a URL without credentials".to_owned(),
                BaseUrlRejection::QueryOrFragment => {
                    let has_query = Url::parse(&text).is_ok_and(|url| url.query().is_some());
                    format!("a URL without a {}", if has_query { "query" } else { "fragment" })
                }
            };
            self.invalid_url(BASE_URL, &text, &rule)
        })?;
        self.warn_about_address(&url);
        if url.identity().ends_with(&format!("/{ROUTES}")) {
            self.warn(
                BASE_URL,
                &format!(
                    "ends in {ROUTES}, which others append: they will look for …/{ROUTES}{ROUTES}gossip"
                ),
            );
        }
        Ok(url)
    }

    /// Warns if the base URL shows why other servers may not reach this one.
    fn warn_about_address(&mut self, url: &BaseUrl) {
        let reasons: Vec<_> = url.classes().reasons().collect();
        if !reasons.is_empty() {
            let (classes, reasons) = (url.classes(), reasons.join("; "));
            let what =
                format!("names {classes}: other servers may not reach this one there, because {reasons}");
            self.warn(BASE_URL, &what);
        }
    }

    pub(super) fn url(
        &self,
        name: &'static str,
        schemes: &[&str],
        expected: &'static str,
    ) -> Result<String, ConfigError> {
        let text = self.required(name)?;
        match Url::parse(&text) {
            Ok(url) if schemes.contains(&url.scheme()) => Ok(String::clone(&text)),
            _ => Err(self.invalid_url(name, &text, invalid_part(&text).unwrap_or(expected))),
        }
    }

    /// The servers that this one may contact; `None` if the variable is missing or empty.
    pub(super) fn read_allow_list(&self) -> Result<Option<AllowList>, ConfigError> {
        let Some(text) = self.read(ALLOW) else { return Ok(None) };
        AllowList::parse(&text).map(Some).map_err(|error| match &error {
            AllowListError::TooMany => ConfigError::invalid(ALLOW, error.to_string()),
            AllowListError::Invalid(pattern, _) => self.invalid_url(ALLOW, pattern, &error.to_string()),
        })
    }

    /// Warns if servers with the same list would ignore this one.
    pub(super) fn warn_about_allow_list(&mut self, config: &Config) {
        let Some(allowed) = &config.allowed else { return };
        let own = Target::of_identity(config.base_url.identity());
        if own.is_some_and(|own| allowed.judge(own) == Allowance::Refused) {
            self.warn(
                ALLOW,
                &format!("does not allow this server's own {BASE_URL}: servers with the same list ignore it"),
            );
        }
    }

    fn invalid_url(&self, name: &'static str, text: &str, rule: &str) -> ConfigError {
        let shown = shown_url(text, &self.secrets);
        ConfigError::invalid(name, format!("{rule}, not \"{shown}\""))
    }

    pub(super) fn read_legacy_policy(&self) -> Result<LegacyPolicy, ConfigError> {
        match self.read(LEGACY) {
            Some(text) => {
                LegacyPolicy::named(&text).ok_or_else(|| ConfigError::invalid(LEGACY, "allow, known or off"))
            }
            None => Ok(LegacyPolicy::default()),
        }
    }

    /// Returns whether anybody may read the list.
    pub(super) fn read_list_policy(&self) -> Result<bool, ConfigError> {
        match self.read(LIST) {
            Some(text) if text.eq_ignore_ascii_case("secret") => Ok(false),
            Some(text) if !text.eq_ignore_ascii_case("open") => {
                Err(ConfigError::invalid(LIST, "open or secret"))
            }
            _ => Ok(true),
        }
    }

    /// Checks the log level. JavaScript applies it where lines are written.
    pub(super) fn log_level(&self) -> Result<(), ConfigError> {
        match self.read(LOG) {
            Some(text) if !LOG_LEVELS.iter().any(|level| text.eq_ignore_ascii_case(level)) => {
                Err(ConfigError::invalid(LOG, "info, warn or silent"))
            }
            _ => Ok(()),
        }
    }
}

/// The rule that an invalid URL breaks; `None` if the text is a valid URL, or does not resemble
/// one.
fn invalid_part(text: &str) -> Option<&'static str> {
    match Url::parse(text) {
        Err(ParseError::InvalidPort) => Some("a URL with a port of at most 65535"),
        Err(ParseError::EmptyHost) => Some("a URL with a host"),
        Err(
            ParseError::IdnaError
            | ParseError::InvalidIpv4Address
            | ParseError::InvalidIpv6Address
            | ParseError::InvalidDomainCharacter,
        ) => Some("a URL with a valid host"),
        _ => None,
    }
}

/// The number at the start of a text, as in `parseInt` but with decimals: `30s` is 30, `0.5` is
/// 0.5.
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
