//! Errors with codes.

use napi::Status;

use crate::driver::Unauthorized;
use crate::protocol::config::ConfigError;
use crate::security::receiver::Rejection;

/// The `code` of an error.
#[derive(Debug, Clone, Copy)]
pub enum Code {
    NotStarted,
    Unauthorized,
    /// Also unauthorized; the reason is for audits, not for the caller.
    Rejected(&'static str),
    Config,
    Internal,
}

pub(super) type Result<T> = std::result::Result<T, napi::Error<Code>>;

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        match self {
            Self::NotStarted => "SHAZBOT_NOT_STARTED",
            Self::Unauthorized => "SHAZBOT_UNAUTHORIZED",
            Self::Rejected(reason) => reason,
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

/// Peers search for `Unauthorized: Invalid `, to tell a rejection from the answers of gateways. If
/// the signature is valid but the body is not, code before the routes has changed it, as a gateway
/// might.
pub(super) fn unauthorized(unauthorized: Unauthorized) -> napi::Error<Code> {
    let text = match unauthorized {
        Unauthorized::Secret => "Unauthorized: Invalid SHAZBOT_SECRET",
        Unauthorized::ControlSecret => "Unauthorized: Invalid SHAZBOT_CONTROL_SECRET",
        Unauthorized::ReadSecret => "Unauthorized: Invalid SHAZBOT_READ_SECRET",
        Unauthorized::Signature(Rejection::Payload) => {
            "Unauthorized: The body is not the one that was signed"
        }
        Unauthorized::Policy | Unauthorized::Unsigned | Unauthorized::Signature(_) => {
            "Unauthorized: Invalid signature"
        }
    };
    let code = reason_of(unauthorized).map_or(Code::Unauthorized, Code::Rejected);
    napi::Error::new(code, text)
}

/// Why a request is unauthorized, as in audits; `None` if it just lacks the secret.
pub(super) fn reason_of(unauthorized: Unauthorized) -> Option<&'static str> {
    match unauthorized {
        Unauthorized::Secret
        | Unauthorized::ControlSecret
        | Unauthorized::ReadSecret
        | Unauthorized::Unsigned => None,
        Unauthorized::Policy => Some("policy"),
        Unauthorized::Signature(rejection) => Some(rejection.name()),
    }
}

pub(super) fn misconfigured(error: &ConfigError) -> napi::Error<Code> {
    napi::Error::new(Code::Config, error.to_string())
}

pub(super) fn internal(error: napi::Error) -> napi::Error<Code> {
    napi::Error::new(Code::Internal, error.reason.clone())
}
