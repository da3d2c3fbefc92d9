//! Errors with codes.

use napi::Status;

use crate::driver::Unauthorized;
use crate::protocol::config::ConfigError;

/// The `code` of an error.
#[derive(Debug, Clone, Copy)]
pub enum Code {
    NotStarted,
    Unauthorized,
    Config,
    Internal,
}

pub(super) type Result<T> = std::result::Result<T, napi::Error<Code>>;

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        match self {
            Self::NotStarted => "SHAZBOT_NOT_STARTED",
            Self::Unauthorized => "SHAZBOT_UNAUTHORIZED",
            Self::Config => "SHAZBOT_CONFIG",
            Self::Internal => "SHAZBOT_INTERNAL",
        }
    }
}

impl From<Status> for Code {
    fn from(_: Status) -> Self {
        Self::Internal
    }
}

pub(super) fn not_started() -> napi::Error<Code> {
    napi::Error::new(Code::NotStarted, "Clustershazbot engine not started")
}

pub(super) fn unauthorized(variable: &str) -> napi::Error<Code> {
    napi::Error::new(Code::Unauthorized, format!("Unauthorized: Invalid {variable}"))
}

/// Peers search for the first words of this text, to tell it from the answers of gateways.
pub(super) fn rejected(reason: Unauthorized) -> napi::Error<Code> {
    unauthorized(match reason {
        Unauthorized::Secret => "SHAZBOT_SECRET",
        Unauthorized::Signature => "signature",
    })
}

pub(super) fn misconfigured(error: &ConfigError) -> napi::Error<Code> {
    napi::Error::new(Code::Config, error.to_string())
}

pub(super) fn internal(error: napi::Error) -> napi::Error<Code> {
    napi::Error::new(Code::Internal, error.reason.clone())
}
