//! What a server still does with the raw secret, for the sake of version 1.

/// The value of `SHAZBOT_LEGACY`. It concerns the raw gossip secret; native servers need it only to
/// find each other behind routes that drop proofs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LegacyPolicy {
    /// As in version 1: servers that do not prove the secret are sent it.
    #[default]
    Allow,
    /// Only URLs of the master list and of `SHAZBOT_ALLOW` are sent it, never hearsay.
    Known,
    /// It is neither sent nor accepted.
    Off,
}

impl LegacyPolicy {
    /// Reads a name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        [("allow", Self::Allow), ("known", Self::Known), ("off", Self::Off)]
            .into_iter()
            .find_map(|(known, policy)| name.eq_ignore_ascii_case(known).then_some(policy))
    }

    /// Whether the raw secret authorizes an incoming gossip request.
    pub fn accepts_raw(self) -> bool {
        self != Self::Off
    }
}
