//! The servers that `SHAZBOT_ALLOW` lets this one contact.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use url::Url;

use self::pattern::Pattern;
pub use self::pattern::PatternError;

mod pattern;
#[cfg(test)]
mod tests;

/// Patterns of one list. Each new URL is compared with all of them, which takes microseconds.
pub const MAX_PATTERNS: usize = 256;

/// A list of patterns. A server is allowed if one of them matches. Clones share the patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowList(Arc<[Pattern]>);

/// What a list says about a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// A pattern matches its name or its address.
    Allowed,
    /// No pattern matches its name, but one may match an address to which the name resolves.
    ByAddress,
    /// No pattern matches it.
    Refused,
}

/// Where a URL leads, as far as patterns tell URLs apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// The host.
    pub host: TargetHost<'a>,
    /// The scheme and the port.
    pub channel: Channel,
}

/// The host of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetHost<'a> {
    /// A normalised name without a final dot.
    Name(&'a str),
    /// An address. An IPv4 address inside an IPv6 address is that IPv4 address.
    Address(IpAddr),
}

/// The scheme and the port of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channel {
    /// Whether the scheme is https, not http.
    pub is_tls: bool,
    /// The port, which may be the scheme's own.
    pub port: u16,
}

/// Why a text is not a list of patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowListError {
    /// It has more than [`MAX_PATTERNS`] patterns.
    TooMany,
    /// This pattern of it is invalid.
    Invalid(String, PatternError),
}

impl AllowList {
    /// Reads patterns separated by whitespace.
    ///
    /// # Errors
    /// Returns the first invalid pattern, or that there are too many.
    pub fn parse(text: &str) -> Result<Self, AllowListError> {
        if text.split_whitespace().count() > MAX_PATTERNS {
            return Err(AllowListError::TooMany);
        }
        let parse = |text: &str| {
            Pattern::parse(text).map_err(|error| AllowListError::Invalid(text.to_owned(), error))
        };
        text.split_whitespace().map(parse).collect::<Result<Arc<[_]>, _>>().map(Self)
    }

    /// Judges a URL. Names are not resolved.
    pub fn judge(&self, target: Target<'_>) -> Allowance {
        let patterns = || self.0.iter().filter(|pattern| pattern.is_for(target.channel));
        match target.host {
            host if patterns().any(|pattern| pattern.matches(host)) => Allowance::Allowed,
            TargetHost::Name(_) if patterns().any(Pattern::is_network) => Allowance::ByAddress,
            _ => Allowance::Refused,
        }
    }

    /// Whether a name that was judged [`Allowance::ByAddress`] may be contacted at this address.
    pub fn allows_address(&self, address: IpAddr, channel: Channel) -> bool {
        let host = TargetHost::Address(address.to_canonical());
        self.judge(Target { host, channel }) == Allowance::Allowed
    }
}

impl<'a> Target<'a> {
    /// Reads a normalised base URL, as [`BaseUrl::identity`] returns it, without a full parser.
    ///
    /// [`BaseUrl::identity`]: crate::protocol::types::base_url::BaseUrl::identity
    pub fn of_identity(identity: &'a str) -> Option<Self> {
        let (scheme, rest) = identity.split_once("://")?;
        let is_tls = match scheme {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let authority = rest.split('/').next()?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (authority, if is_tls { 443 } else { 80 }),
        };
        let host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(address) => TargetHost::from(address.parse::<Ipv6Addr>().ok()?),
            None => host.parse::<Ipv4Addr>().map_or_else(|_| TargetHost::from(host), TargetHost::from),
        };
        Some(Self { host, channel: Channel { is_tls, port } })
    }

    /// Reads an http or https URL.
    pub fn of_url(url: &'a Url) -> Option<Self> {
        let host = match url.host()? {
            url::Host::Domain(name) => TargetHost::from(name),
            url::Host::Ipv4(address) => TargetHost::from(address),
            url::Host::Ipv6(address) => TargetHost::from(address),
        };
        let channel = Channel { is_tls: url.scheme() == "https", port: url.port_or_known_default()? };
        Some(Self { host, channel })
    }
}

impl TargetHost<'_> {
    /// Whether it leads every server to its own machine.
    pub fn is_loopback(self) -> bool {
        match self {
            Self::Name(name) => name == "localhost",
            Self::Address(address) => address.is_loopback(),
        }
    }
}

impl<'a> From<&'a str> for TargetHost<'a> {
    fn from(name: &'a str) -> Self {
        Self::Name(name.strip_suffix('.').unwrap_or(name))
    }
}

impl From<Ipv4Addr> for TargetHost<'_> {
    fn from(address: Ipv4Addr) -> Self {
        Self::Address(address.into())
    }
}

impl From<Ipv6Addr> for TargetHost<'_> {
    fn from(address: Ipv6Addr) -> Self {
        Self::Address(address.to_canonical())
    }
}

impl fmt::Display for AllowListError {
    /// What a list must be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => write!(f, "at most {MAX_PATTERNS} patterns"),
            Self::Invalid(_, error) => error.fmt(f),
        }
    }
}
