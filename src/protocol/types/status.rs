//! The status of a server.

/// The status of a server. Of two claims with one incarnation, the later status in this order wins.
///
/// Suspects are shown online. Dead and left servers are tombstones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Believed to be running.
    Online,
    /// Did not answer, and has time to refute.
    Suspect,
    /// Declared dead, by this server or by hearsay. Contacted now and then, since a partition may
    /// heal.
    Dead,
    /// Said itself that it is offline. Not contacted.
    Left,
}

impl Status {
    /// Its name in a claim.
    pub fn name(self) -> &'static str {
        match self {
            Self::Online => "alive",
            Self::Suspect => "suspect",
            Self::Dead => "dead",
            Self::Left => "left",
        }
    }

    /// The status with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Online, Self::Suspect, Self::Dead, Self::Left].into_iter().find(|status| status.name() == name)
    }

    /// Whether it is shown online.
    pub fn is_online(self) -> bool {
        matches!(self, Self::Online | Self::Suspect)
    }
}

/// What a control message tells this server to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Go offline, but keep answering requests.
    Drain,
    /// Come back online.
    Return,
}

impl Control {
    /// What a control message with this `online` asks for.
    pub fn of(online: bool) -> Self {
        if online { Self::Return } else { Self::Drain }
    }
}

/// In which of its two lists a server shows another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// `online`.
    Online,
    /// `offline`.
    Offline,
}

impl ListKind {
    /// The list of a server that is online, or not.
    pub fn of(is_online: bool) -> Self {
        if is_online { Self::Online } else { Self::Offline }
    }

    /// What the list says of its servers: those that are offline may come back.
    pub fn status(self) -> Status {
        match self {
            Self::Online => Status::Online,
            Self::Offline => Status::Dead,
        }
    }
}
