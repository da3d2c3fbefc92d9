//! The secrets, and the variables that contain them or name their files.

use std::{iter, slice};

use super::{CONTROL_SECRET, ConfigError, MASTER_LIST_UPDATE_AUTH, READ_SECRET, SECRET};
use crate::protocol::types::secret::Secret;

const SECRET_PREVIOUS: &str = "SHAZBOT_SECRET_PREVIOUS";
const CONTROL_SECRET_PREVIOUS: &str = "SHAZBOT_CONTROL_SECRET_PREVIOUS";
const READ_SECRET_PREVIOUS: &str = "SHAZBOT_READ_SECRET_PREVIOUS";

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
    /// The read secret, which is optional.
    Read,
    /// Read secrets accepted beside it.
    PreviousRead,
    /// The `Authorization` header of uploads.
    UpdateAuthorization,
}

impl SecretVariable {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::Gossip,
        Self::PreviousGossip,
        Self::Control,
        Self::PreviousControl,
        Self::Read,
        Self::PreviousRead,
        Self::UpdateAuthorization,
    ];

    /// The name of the variable.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gossip => SECRET,
            Self::PreviousGossip => SECRET_PREVIOUS,
            Self::Control => CONTROL_SECRET,
            Self::PreviousControl => CONTROL_SECRET_PREVIOUS,
            Self::Read => READ_SECRET,
            Self::PreviousRead => READ_SECRET_PREVIOUS,
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
            Self::Read => "SHAZBOT_READ_SECRET_FILE",
            Self::PreviousRead => "SHAZBOT_READ_SECRET_PREVIOUS_FILE",
            Self::UpdateAuthorization => "SHAZBOT_MASTER_LIST_UPDATE_AUTH_FILE",
        }
    }

    fn is_list(self) -> bool {
        matches!(self, Self::PreviousGossip | Self::PreviousControl | Self::PreviousRead)
    }

    /// Parses the text of the variable: one secret, which may be missing if it is optional, or any
    /// number up to [`MAX_PREVIOUS_SECRETS`] of the previous ones.
    ///
    /// # Errors
    /// Returns what the text must be.
    pub fn parse(self, text: &str) -> Result<Vec<Secret>, String> {
        if self == Self::Read && text.trim().is_empty() {
            return Ok(Vec::new());
        }
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
    /// Authenticate requests that only show something, beside the control secrets.
    pub read: ReadSecrets,
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
        accept(iter::once(&self.current).chain(&self.previous), header)
    }
}

/// The read secret, if there is one, and those accepted beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadSecrets {
    current: Option<Secret>,
    previous: Vec<Secret>,
}

impl ReadSecrets {
    /// Does the same as [`AcceptedSecrets::accept`].
    pub fn accept(&self, header: &str) -> bool {
        accept(self.current.iter().chain(&self.previous), header)
    }
}

fn accept<'a>(secrets: impl Iterator<Item = &'a Secret>, header: &str) -> bool {
    secrets.fold(0, |matching, secret| matching + usize::from(secret.matches(header))) > 0
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
        let [gossip, previous_gossip, control, previous_control, read, previous_read, authorization] =
            SecretVariable::ALL;
        Ok(Self {
            gossip: AcceptedSecrets::new(single(gossip, secrets_of(gossip)?)?, secrets_of(previous_gossip)?),
            control: AcceptedSecrets::new(
                single(control, secrets_of(control)?)?,
                secrets_of(previous_control)?,
            ),
            read: ReadSecrets {
                current: secrets_of(read)?.into_iter().next(),
                previous: secrets_of(previous_read)?,
            },
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
            SecretVariable::Read => self.read.current.iter().cloned().collect(),
            SecretVariable::PreviousRead => self.read.previous.clone(),
            SecretVariable::UpdateAuthorization => vec![self.update_authorization.clone()],
        }
    }

    /// Replaces the secrets of one variable with what [`SecretVariable::parse`] has returned.
    pub fn set(&mut self, variable: SecretVariable, secrets: Vec<Secret>) {
        let single = match variable {
            SecretVariable::PreviousGossip => return self.gossip.previous = secrets,
            SecretVariable::PreviousControl => return self.control.previous = secrets,
            SecretVariable::Read => return self.read.current = secrets.into_iter().next(),
            SecretVariable::PreviousRead => return self.read.previous = secrets,
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
        let [gossip, control, read] = self.by_kind();
        let mut warnings = Vec::new();
        for (kinds, effect) in [
            ([gossip, control], "every server of the cluster can take others offline"),
            ([read, gossip], "whoever may look can speak for every server"),
            ([read, control], "whoever may look can take servers offline"),
        ] {
            let [these, those] = kinds;
            for (name, secrets) in these {
                for (other_name, others) in those {
                    if secrets.iter().any(|secret| others.contains(secret)) {
                        let relation = if is_single(name) && is_single(other_name) {
                            "equals"
                        } else {
                            "shares a secret with"
                        };
                        warnings.push(format!("Clustershazbot: {name} {relation} {other_name}: {effect}"));
                    }
                }
            }
        }
        for (name, secrets) in [gossip, control, read].into_iter().flatten() {
            if secrets.iter().any(|secret| secret.expose().chars().count() < SHORTEST_SAFE_SECRET) {
                let what = if is_single(name) { "is" } else { "has a secret" };
                warnings.push(format!(
                    "Clustershazbot: {name} {what} shorter than {SHORTEST_SAFE_SECRET} characters and may be guessed"
                ));
            }
        }
        warnings
    }

    /// The secrets of gossip, of control and of reading, each with their variables.
    fn by_kind(&self) -> [[(&'static str, &[Secret]); 2]; 3] {
        [
            [
                (SECRET, slice::from_ref(&self.gossip.current)),
                (SECRET_PREVIOUS, self.gossip.previous.as_slice()),
            ],
            [
                (CONTROL_SECRET, slice::from_ref(&self.control.current)),
                (CONTROL_SECRET_PREVIOUS, self.control.previous.as_slice()),
            ],
            [
                (READ_SECRET, self.read.current.as_slice()),
                (READ_SECRET_PREVIOUS, self.read.previous.as_slice()),
            ],
        ]
    }
}

/// Whether the variable contains a single secret.
fn is_single(name: &str) -> bool {
    [SECRET, CONTROL_SECRET, READ_SECRET].contains(&name)
}

#[cfg(test)]
mod tests;
