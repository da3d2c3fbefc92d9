//! Where a server stands in the membership.

/// Where a server stands; of two claims of one incarnation the later in this order counts. Suspects are shown online, dead and
/// left ones are tombstones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Believed to be running.
    Online,
    /// Did not answer, and is given time to speak up.
    Suspect,
    /// Declared dead, by this server or by hearsay: tried again now and then, for a partition may heal.
    Dead,
    /// Said itself that it is offline: not disturbed.
    Left,
}

impl Status {
    /// As it stands in a claim.
    pub fn name(self) -> &'static str {
        match self {
            Self::Online => "alive",
            Self::Suspect => "suspect",
            Self::Dead => "dead",
            Self::Left => "left",
        }
    }

    /// The status of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Online, Self::Suspect, Self::Dead, Self::Left].into_iter().find(|status| status.name() == name)
    }

    /// Whether it is shown online.
    pub fn is_online(self) -> bool {
        matches!(self, Self::Online | Self::Suspect)
    }
}
