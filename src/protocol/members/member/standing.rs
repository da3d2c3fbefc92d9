//! The properties of a member that its roster counts.

use crate::protocol::members::member::Member;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::Incarnation;

/// The properties of a member on which the counts depend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) struct Standing {
    pub(in crate::protocol) status: Status,
    pub(in crate::protocol) incarnation: Incarnation,
    is_contacted_natively: bool,
    pub(in crate::protocol) is_unconfirmed: bool,
}

impl Standing {
    #[inline]
    pub(in crate::protocol) fn of(member: &Member) -> Self {
        let Member { status, incarnation, .. } = *member;
        Self {
            status,
            incarnation,
            is_contacted_natively: !member.is_contacted_as_legacy(),
            is_unconfirmed: member.is_unconfirmed(),
        }
    }

    #[inline]
    pub(in crate::protocol) fn is_in_digest(self) -> bool {
        self.status.is_online() && !self.is_unconfirmed
    }

    /// Whether only the incarnations differ.
    #[inline]
    pub(in crate::protocol) fn differs_only_in_incarnation(self, other: Self) -> bool {
        Self { incarnation: other.incarnation, ..self } == other
    }

    #[inline]
    pub(in crate::protocol) fn is_on_ring(self) -> bool {
        self.status.is_online() && self.is_contacted_natively
    }
}
