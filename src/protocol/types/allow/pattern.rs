//! One pattern: a host, with an optional scheme before it and an optional port after it.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::protocol::types::allow::{Channel, TargetHost};

/// Bytes of the longest pattern, as of the longest base URL.
const MAX_PATTERN_BYTES: usize = 512;
/// Bits before the IPv4 address in an IPv4-mapped IPv6 address.
const MAPPED_BITS: u8 = 96;

/// A pattern. Without a scheme it is for both, without a port for every port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    is_tls: Option<bool>,
    host: HostPattern,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HostPattern {
    /// Every host.
    Any,
    /// This name.
    Name(String),
    /// The names below this one, which begins with a dot, at any depth.
    Below(String),
    /// The addresses of a network, which may be a single one.
    Network(IpNet),
}

/// Why a text is not a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternError {
    /// It is longer than any useful pattern.
    TooLong,
    /// Its scheme is neither http nor https.
    Scheme,
    /// Its port is not a number from 1 to 65535.
    Port,
    /// It has a path.
    Path,
    /// It is no network: its address or its prefix length is invalid, or bits after it are set.
    Network,
    /// Its `*` stands neither alone nor as the first label of a name.
    Wildcard,
    /// Its host is neither a name nor an address.
    Host,
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        if text.len() > MAX_PATTERN_BYTES {
            return Err(PatternError::TooLong);
        }
        let (is_tls, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (Some(false), rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (Some(true), rest),
            Some(_) => return Err(PatternError::Scheme),
            None => (None, text),
        };
        // Base URLs end in a slash.
        let rest = rest.strip_suffix('/').filter(|_| is_tls.is_some()).unwrap_or(rest);
        let (host, port) = split_port(rest)?;
        Ok(Self { is_tls, host: HostPattern::parse(host)?, port })
    }

    /// Whether it is for this scheme and this port.
    pub(super) fn is_for(&self, channel: Channel) -> bool {
        self.is_tls.is_none_or(|is_tls| is_tls == channel.is_tls)
            && self.port.is_none_or(|port| port == channel.port)
    }

    /// Whether its host matches.
    pub(super) fn matches(&self, host: TargetHost<'_>) -> bool {
        match (&self.host, host) {
            (HostPattern::Any, _) => true,
            (HostPattern::Name(wanted), TargetHost::Name(name)) => name == wanted,
            (HostPattern::Below(suffix), TargetHost::Name(name)) => {
                name.len() > suffix.len() && name.ends_with(suffix)
            }
            (HostPattern::Network(network), TargetHost::Address(address)) => network.contains(&address),
            _ => false,
        }
    }

    /// Whether it matches addresses, to which any name may resolve.
    pub(super) fn is_network(&self) -> bool {
        matches!(self.host, HostPattern::Network(_))
    }
}

/// Splits off the port. Colons before a bracket or a prefix length belong to an IPv6 address.
fn split_port(text: &str) -> Result<(&str, Option<u16>), PatternError> {
    let (address, rest) = text.split_at(text.rfind([']', '/']).unwrap_or(0));
    let Some((prefix, port)) = rest.rsplit_once(':') else { return Ok((text, None)) };
    let host = text.get(..address.len() + prefix.len()).unwrap_or(text);
    let port = decimal::<u16>(port).filter(|port| *port > 0).ok_or(PatternError::Port)?;
    Ok((host, Some(port)))
}

impl HostPattern {
    fn parse(text: &str) -> Result<Self, PatternError> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if let Some((address, prefix)) = text.split_once('/') {
            return parse_network(address, prefix).map(Self::Network);
        }
        match text.strip_prefix("*.") {
            Some(name) => match Self::parse_host(name)? {
                Self::Name(name) => Ok(Self::Below(format!(".{name}"))),
                _ => Err(PatternError::Wildcard),
            },
            None => Self::parse_host(text),
        }
    }

    /// A name or a single address, normalised as in a URL.
    fn parse_host(text: &str) -> Result<Self, PatternError> {
        if text.contains('*') {
            return Err(PatternError::Wildcard);
        }
        match url::Host::parse(text) {
            // URLs may write 10.0.0.1 as 10.1, but here that is more likely a mistake.
            Ok(url::Host::Ipv4(address)) if text.parse() == Ok(address) => {
                Ok(Self::Network(IpAddr::V4(address).into()))
            }
            Ok(url::Host::Ipv6(address)) => Ok(Self::Network(address.to_canonical().into())),
            Ok(url::Host::Domain(name)) => {
                let name = name.strip_suffix('.').unwrap_or(&name);
                if is_name(name) { Ok(Self::Name(name.to_owned())) } else { Err(PatternError::Host) }
            }
            _ => Err(PatternError::Host),
        }
    }
}

fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    name.split('.').all(|label| !label.is_empty() && label.bytes().all(is_plain))
}

fn parse_network(address: &str, prefix: &str) -> Result<IpNet, PatternError> {
    let bracketed = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let parsed = match bracketed {
        Some(address) => address.parse().map(IpAddr::V6),
        None => address.parse(),
    };
    let (address, prefix) = match (parsed, decimal::<u8>(prefix)) {
        (Ok(address), Some(prefix)) => (address, prefix),
        (Err(_), None) => return Err(PatternError::Path),
        _ => return Err(PatternError::Network),
    };
    let network = match (address, address.to_canonical()) {
        (IpAddr::V6(_), IpAddr::V4(inner)) if prefix >= MAPPED_BITS => {
            IpNet::new(inner.into(), prefix - MAPPED_BITS)
        }
        _ => IpNet::new(address, prefix),
    };
    network.ok().filter(|network| network.addr() == network.network()).ok_or(PatternError::Network)
}

/// The value of a text that consists of digits.
fn decimal<T: std::str::FromStr>(text: &str) -> Option<T> {
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    is_decimal.then(|| text.parse().ok())?
}

impl fmt::Display for PatternError {
    /// What a pattern must be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => return write!(f, "patterns of at most {MAX_PATTERN_BYTES} bytes"),
            Self::Scheme => "patterns with the scheme http:// or https://, or without one",
            Self::Port => "patterns with a port from 1 to 65535, or without one",
            Self::Path => "patterns without a path",
            Self::Network => "networks such as 10.0.0.0/8 or [fd00::]/8, without bits after the prefix",
            Self::Wildcard => "patterns with * only alone or before a name, as in *.example.com",
            Self::Host => {
                "patterns such as 10.0.0.0/8, [fd00::1], web-1:3000 or https://*.example.com, separated by spaces"
            }
        })
    }
}
