//! The lists of all servers known.

use crate::protocol::members::Members;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::time::Now;
use crate::protocol::wire::message::Lists;

impl Members {
    /// All servers known, including this one; `offline` is empty unless requested.
    pub(in crate::protocol) fn lists(&self, include_offline: bool) -> Lists {
        let mut lists = Lists::default();
        lists.online.reserve(self.roster.online_count() + 1);
        if self.me.is_online() {
            lists.online.push(self.me.entry());
        } else if include_offline {
            lists.offline.push(self.me.entry());
        }
        self.add_others(&mut lists, include_offline);
        lists
    }

    /// All other servers known.
    pub(in crate::protocol) fn others(&self) -> Lists {
        let mut lists = Lists::default();
        lists.online.reserve(self.roster.online_count());
        self.add_others(&mut lists, true);
        lists
    }

    /// What this server holds about itself or another server, as a claim for native servers.
    pub(in crate::protocol) fn claim_about(&self, identity: &str, now: Now) -> Option<Claim> {
        if identity == self.me.identity() {
            return Some(self.me.claim());
        }
        self.roster.entry(identity).map(|(identity, member)| member.claim(identity, now))
    }

    fn add_others(&self, lists: &mut Lists, include_offline: bool) {
        for (identity, member) in self.roster.iter() {
            if member.is_online() {
                lists.online.push(member.entry(identity));
            } else if include_offline {
                lists.offline.push(member.entry(identity));
            }
        }
    }
}
