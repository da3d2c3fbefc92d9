//! The secrets, and the variables that contain them or name their files.

use std::{iter, slice};

use super::{CONTROL_SECRET, ConfigError, MASTER_LIST_UPDATE_AUTH, SECRET};
use crate::protocol::types::secret::Secret;

const SECRET_PREVIOUS: &str = "SHAZBOT_SECRET_PREVIOUS";
const CONTROL_SECRET_PREVIOUS: &str = "SHAZBOT_CONTROL_SECRET_PREVIOUS";

/// Secrets accepted beside the current one: enough for several rotations at once. A peer that
/// rejects all of them costs as many retries.
pub const MAX_PREVIOUS_SECRETS: usize = 8;

/// Length of the shortest secret without a warning, in characters. Shorter ones can be guessed from
/// outside.
const SHORTEST_SAFE_SECRET: usize = 16;

/// What a secret must be.
const HEADER_TEXT: &str =
    "text that is valid in an HTTP header: no line breaks, no control characters, nothing beyond Latin-1";

/// A variable that contains secrets. Its file variable names a file that contains them instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretVariable {
    /// The gossip secret.
    Gossip,
    /// Gossip secrets accepted beside it.
    PreviousGossip,
    /// The control secret.
    Control,
    /// Control secrets accepted beside it.
    PreviousControl,
    /// The `Authorization` header of uploads.
    UpdateAuthorization,
}

impl SecretVariable {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 5] =
        [Self::Gossip, Self::PreviousGossip, Self::Control, Self::PreviousControl, Self::UpdateAuthorization];

    /// The name of the variable.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gossip => SECRET,
            Self::PreviousGossip => SECRET_PREVIOUS,
            Self::Control => CONTROL_SECRET,
            Self::PreviousControl => CONTROL_SECRET_PREVIOUS,
            Self::UpdateAuthorization => MASTER_LIST_UPDATE_AUTH,
        }
    }

    /// The name of the variable with the path of a file.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Gossip => "SHAZBOT_SECRET_FILE",
            Self::PreviousGossip => "SHAZBOT_SECRET_PREVIOUS_FILE",
            Self::Control => "SHAZBOT_CONTROL_SECRET_FILE",
            Self::PreviousControl => "SHAZBOT_CONTROL_SECRET_PREVIOUS_FILE",
            Self::UpdateAuthorization => "SHAZBOT_MASTER_LIST_UPDATE_AUTH_FILE",
        }
    }

    fn is_list(self) -> bool {
        matches!(self, Self::PreviousGossip | Self::PreviousControl)
    }

    /// Parses the text of the variable: one secret, or any number up to [`MAX_PREVIOUS_SECRETS`] of
    /// the previous ones.
    ///
    /// # Errors
    /// Returns what the text must be.
    pub fn parse(self, text: &str) -> Result<Vec<Secret>, String> {
        if !self.is_list() {
            return Secret::new(text).map(|secret| vec![secret]).ok_or_else(|| HEADER_TEXT.to_owned());
        }
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let secrets: Option<Vec<_>> = lines.map(Secret::new).collect();
        let secrets = secrets.ok_or_else(|| format!("one secret per line, each {HEADER_TEXT}"))?;
        if secrets.len() > MAX_PREVIOUS_SECRETS {
            return Err(format!("at most {MAX_PREVIOUS_SECRETS} secrets, one per line"));
        }
        Ok(secrets)
    }

    /// Parses the content of the file. Only previous secrets may be empty.
    ///
    /// # Errors
    /// Returns what is wrong with the content.
    pub fn parse_file(self, content: &str) -> Result<Vec<Secret>, String> {
        if !self.is_list() && content.trim().is_empty() {
            return Err("it is empty".to_owned());
        }
        self.parse(content).map_err(|expected| format!("its content must be {expected}"))
    }
}

/// A file that contains secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFile {
    /// The variable that it stands for.
    pub variable: SecretVariable,
    /// Its path, as configured.
    pub path: String,
}

/// The secrets in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretSet {
    /// Authenticate gossip. The current one is sent, too.
    pub gossip: AcceptedSecrets,
    /// Authenticate control requests, and requests for lists with offline servers.
    pub control: AcceptedSecrets,
    /// The `Authorization` header of uploads.
    pub update_authorization: Secret,
}

/// The current secret of one kind, and those accepted beside it during a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedSecrets {
    current: Secret,
    previous: Vec<Secret>,
}

impl AcceptedSecrets {
    /// Accepts these secrets.
    pub fn new(current: Secret, previous: Vec<Secret>) -> Self {
        Self { current, previous }
    }

    /// The secret of outgoing messages.
    pub fn current(&self) -> &Secret {
        &self.current
    }

    /// The secrets accepted beside it.
    pub fn previous(&self) -> &[Secret] {
        &self.previous
    }

    /// The current secret, then the others in their order, without repetitions.
    pub fn distinct(&self) -> Vec<&Secret> {
        let mut distinct = vec![&self.current];
        for secret in &self.previous {
            if !distinct.contains(&secret) {
                distinct.push(secret);
            }
        }
        distinct
    }

    /// Whether a received header equals any of the secrets. The time taken reveals at most their
    /// number and lengths, and not which one matches.
    pub fn accept(&self, header: &str) -> bool {
        let all = iter::once(&self.current).chain(&self.previous);
        all.fold(0, |matching, secret| matching + usize::from(secret.matches(header))) > 0
    }
}

impl SecretSet {
    /// Asks for the secrets of each variable.
    pub(super) fn read(
        mut secrets_of: impl FnMut(SecretVariable) -> Result<Vec<Secret>, ConfigError>,
    ) -> Result<Self, ConfigError> {
        let single = |variable: SecretVariable, secrets: Vec<Secret>| {
            let missing = || ConfigError::Missing { variables: vec![variable.name()] };
            secrets.into_iter().next().ok_or_else(missing)
        };
        let [gossip, previous_gossip, control, previous_control, authorization] = SecretVariable::ALL;
        Ok(Self {
            gossip: AcceptedSecrets::new(single(gossip, secrets_of(gossip)?)?, secrets_of(previous_gossip)?),
            control: AcceptedSecrets::new(
                single(control, secrets_of(control)?)?,
                secrets_of(previous_control)?,
            ),
            update_authorization: single(authorization, secrets_of(authorization)?)?,
        })
    }

    /// The secrets of one variable.
    pub fn of(&self, variable: SecretVariable) -> Vec<Secret> {
        match variable {
            SecretVariable::Gossip => vec![self.gossip.current.clone()],
            SecretVariable::PreviousGossip => self.gossip.previous.clone(),
            SecretVariable::Control => vec![self.control.current.clone()],
            SecretVariable::PreviousControl => self.control.previous.clone(),
            SecretVariable::UpdateAuthorization => vec![self.update_authorization.clone()],
        }
    }

    /// Replaces the secrets of one variable with what [`SecretVariable::parse`] has returned.
    pub fn set(&mut self, variable: SecretVariable, secrets: Vec<Secret>) {
        let single = match variable {
            SecretVariable::PreviousGossip => return self.gossip.previous = secrets,
            SecretVariable::PreviousControl => return self.control.previous = secrets,
            SecretVariable::Gossip => &mut self.gossip.current,
            SecretVariable::Control => &mut self.control.current,
            SecretVariable::UpdateAuthorization => &mut self.update_authorization,
        };
        if let Some(secret) = secrets.into_iter().next() {
            *single = secret;
        }
    }

    /// Returns warnings about the secrets. They name variables and contain no values.
    pub fn warnings(&self) -> Vec<String> {
        let gossip = [
            (SECRET, slice::from_ref(&self.gossip.current)),
            (SECRET_PREVIOUS, self.gossip.previous.as_slice()),
        ];
        let control = [
            (CONTROL_SECRET, slice::from_ref(&self.control.current)),
            (CONTROL_SECRET_PREVIOUS, self.control.previous.as_slice()),
        ];
        let mut warnings = Vec::new();
        for (name, secrets) in gossip {
            for (control_name, control_secrets) in control {
                if secrets.iter().any(|secret| control_secrets.contains(secret)) {
                    let relation = if (name, control_name) == (SECRET, CONTROL_SECRET) {
                        "equals"
                    } else {
                        "shares a secret with"
                    };
                    warnings.push(format!(
                        "Clustershazbot: {name} {relation} {control_name}: every server of the cluster can take others offline"
                    ));
                }
            }
        }
        for (name, secrets) in gossip.into_iter().chain(control) {
            if secrets.iter().any(|secret| secret.expose().chars().count() < SHORTEST_SAFE_SECRET) {
                let what = if [SECRET, CONTROL_SECRET].contains(&name) { "is" } else { "has a secret" };
                warnings.push(format!(
                    "Clustershazbot: {name} {what} shorter than {SHORTEST_SAFE_SECRET} characters and may be guessed"
                ));
            }
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(gossip: &str, previous: &str, control: &str, previous_control: &str) -> SecretSet {
        let texts = [gossip, previous, control, previous_control, "authorization"];
        let text_of = |variable| {
            let index = SecretVariable::ALL.iter().position(|other| *other == variable).unwrap();
            texts[index]
        };
        SecretSet::read(|variable| Ok(variable.parse(text_of(variable)).unwrap())).unwrap()
    }

    #[test]
    fn each_variable_is_replaced_alone() {
        let before = set("a", "b", "c", "d");
        for variable in SecretVariable::ALL {
            let mut after = before.clone();
            let secrets = variable.parse("new").unwrap();
            after.set(variable, secrets.clone());
            for other in SecretVariable::ALL {
                let expected = if other == variable { secrets.clone() } else { before.of(other) };
                assert_eq!(after.of(other), expected, "{variable:?} {other:?}");
            }
        }
    }

    #[test]
    fn the_current_and_all_previous_secrets_are_accepted() {
        let set = set("new", " old \r\n\n  older\n", "control", "");
        for secret in ["new", " old", "older\t"] {
            assert!(set.gossip.accept(secret), "{secret}");
            assert!(!set.control.accept(secret), "{secret}");
        }
        for other in ["", "ol", "control", "new\nold", "old \n older"] {
            assert!(!set.gossip.accept(other), "{other}");
        }
        assert!(set.control.accept("control"));
        assert!(set.gossip.current().matches("new") && set.gossip.previous().len() == 2);
    }

    #[test]
    fn a_repeated_secret_counts_once() {
        let set = set("new", "old\nnew\nolder\nold", "control", "");
        let distinct: Vec<_> = set.gossip.distinct().into_iter().map(Secret::expose).collect();
        assert_eq!(distinct, ["new", "old", "older"]);
    }

    #[test]
    fn the_number_of_previous_secrets_is_limited() {
        let many = |count: usize| (0..count).map(|n| format!("secret {n}\n")).collect::<String>();
        let variable = SecretVariable::PreviousControl;
        assert_eq!(variable.parse(&many(MAX_PREVIOUS_SECRETS)).unwrap().len(), MAX_PREVIOUS_SECRETS);
        let error = variable.parse(&many(MAX_PREVIOUS_SECRETS + 1)).unwrap_err();
        assert_eq!(error, "at most 8 secrets, one per line");
    }

    #[test]
    fn an_invalid_text_is_described_without_its_content() {
        for variable in SecretVariable::ALL {
            let error = variable.parse_file("hunter2 €").unwrap_err();
            assert!(error.contains("HTTP header") && !error.contains("hunter2"), "{error}");
        }
        assert!(SecretVariable::Gossip.parse("two\nlines").is_err());
        assert_eq!(SecretVariable::PreviousGossip.parse("two\nlines").unwrap().len(), 2);
    }

    #[test]
    fn only_previous_secrets_may_be_empty() {
        for variable in SecretVariable::ALL {
            let outcome = variable.parse_file(" \r\n ");
            if variable.is_list() {
                assert_eq!(outcome, Ok(Vec::new()));
            } else {
                assert_eq!(outcome, Err("it is empty".to_owned()));
            }
        }
    }

    #[test]
    fn weak_previous_secrets_cause_warnings_by_name() {
        let long = |letter: &str| letter.repeat(16);
        assert_eq!(set(&long("a"), &long("b"), &long("c"), &long("d")).warnings(), [""; 0]);
        let warnings = set(&long("a"), &long("c"), &long("c"), "short\n").warnings();
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[0].contains("SHAZBOT_SECRET_PREVIOUS shares a secret with SHAZBOT_CONTROL_SECRET:"));
        assert!(warnings[1].contains("SHAZBOT_CONTROL_SECRET_PREVIOUS has a secret shorter than 16"));
    }
}
