//! Why a request failed.

use std::{error::Error, fmt, io, time::Duration};

use rustls::{AlertDescription, CertificateError};

use super::verifier::CA_AS_LEAF;
use crate::protocol::address::AddressClasses;
use crate::protocol::config::ConfigError;

/// Why a request failed. `Display` is a short reason for logs, without URLs, headers or secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportError {
    /// The connection was refused.
    Refused,
    /// The response was not complete within the timeout.
    TimedOut(Duration),
    /// The address is of a class that is not allowed; nothing was sent.
    Unreachable(AddressClasses),
    /// `SHAZBOT_ALLOW` does not allow the URL, or any address of its host; nothing was sent.
    NotAllowed,
    /// The server's certificate was rejected.
    Certificate(String),
    /// The connection failed, or the response was not HTTP.
    Connection(String),
    /// A reused connection failed, which its server may have closed.
    ReusedConnection,
    /// The response's body is larger than 16 MB.
    TooLarge,
    /// The response redirects more often than allowed.
    TooManyRedirects,
    /// The response is malformed.
    InvalidResponse(&'static str),
    /// The request cannot be sent.
    InvalidRequest(&'static str),
    /// The HTTP client cannot be built.
    Setup(String),
    /// The HTTP client cannot be built, because a variable is set to a useless value.
    Misconfigured(ConfigError),
}

impl TransportError {
    /// Whether the requested server itself, not a proxy or a redirect target, refused the
    /// connection. The host is then up, and nothing listens on the port.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused)
    }

    /// Whether the requested server itself, not a redirect target, may not be contacted.
    pub fn is_not_allowed(&self) -> bool {
        matches!(self, Self::NotAllowed)
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("connection refused"),
            Self::TimedOut(limit) => write!(f, "timed out after {} s", rounded(*limit)),
            Self::Unreachable(classes) => write!(f, "address is {classes}, where no server can be reached"),
            Self::NotAllowed => f.write_str("SHAZBOT_ALLOW allows neither its name nor its addresses"),
            Self::Certificate(reason) => write!(f, "certificate is not trusted: {reason}"),
            Self::Connection(reason) => f.write_str(reason),
            Self::ReusedConnection => f.write_str("connection was closed"),
            Self::TooLarge => f.write_str("response is larger than 16 MB"),
            Self::TooManyRedirects => f.write_str("too many redirects"),
            Self::InvalidResponse(reason) | Self::InvalidRequest(reason) => f.write_str(reason),
            Self::Misconfigured(error) => write!(f, "{error}"),
            Self::Setup(reason) => write!(f, "HTTP client cannot be built: {reason}"),
        }
    }
}

/// In seconds, rounded to hundredths: timeouts follow from measured round trips.
fn rounded(limit: Duration) -> f64 {
    (limit.as_secs_f64() * 100.0).round() / 100.0
}

impl Error for TransportError {}

impl From<ConfigError> for TransportError {
    fn from(error: ConfigError) -> Self {
        Self::Misconfigured(error)
    }
}

impl From<&reqwest::Error> for TransportError {
    /// Searches the chain for the root cause, because reqwest's own text contains the URL.
    fn from(error: &reqwest::Error) -> Self {
        if error.is_builder() {
            return Self::InvalidRequest("address cannot be requested");
        }
        let mut reason = "request failed".to_owned();
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(known) = classify(error) {
                return known;
            }
            reason = error.to_string();
            cause = next_cause(error);
        }
        Self::Connection(reason)
    }
}

/// Returns the next cause; an I/O error's `source` skips the error that it wraps.
fn next_cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn classify(error: &(dyn Error + 'static)) -> Option<TransportError> {
    if let Some(error) = error.downcast_ref::<TransportError>() {
        return Some(error.clone());
    }
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(match error {
            rustls::Error::InvalidCertificate(reason) => {
                TransportError::Certificate(certificate_reason(reason))
            }
            other => TransportError::Connection(tls_reason(other)),
        });
    }
    match error.downcast_ref::<io::Error>()?.kind() {
        io::ErrorKind::ConnectionRefused => Some(TransportError::Refused),
        io::ErrorKind::ConnectionReset => Some(TransportError::Connection("connection reset".into())),
        _ => None,
    }
}

fn tls_reason(error: &rustls::Error) -> String {
    match error {
        rustls::Error::AlertReceived(AlertDescription::HandshakeFailure) => {
            "TLS: client and server have no common cipher suite or key type; cipher suites with CBC and P-521 keys are not supported"
                .into()
        }
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) => {
            "TLS: the server does not speak TLS 1.2 or 1.3".into()
        }
        other => format!("TLS: {other}"),
    }
}

fn certificate_reason(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => "its issuer is unknown".into(),
        // This is a certificate as OpenSSL makes it.
        CertificateError::Other(reason) if reason.to_string() == CA_AS_LEAF => "it is self-signed".into(),
        CertificateError::Other(reason) => reason.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_shown_in_rounded_seconds() {
        for (seconds, text) in [(1.370_814_2, "1.37"), (5.0, "5"), (0.3, "0.3"), (2.499_9, "2.5")] {
            let error = TransportError::TimedOut(Duration::from_secs_f64(seconds));
            assert_eq!(error.to_string(), format!("timed out after {text} s"));
        }
    }
}
