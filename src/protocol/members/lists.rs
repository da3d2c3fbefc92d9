//! The lists of all servers known.

use crate::protocol::members::Members;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::ids::NameKey;
use crate::protocol::types::time::Now;
use crate::protocol::wire::message::Lists;

impl Members {
    /// All servers known, including this one.
    pub(in crate::protocol) fn lists(&self) -> Lists {
        let mut lists = Lists::default();
        lists.online.reserve(self.roster.online_count() + 1);
        let own_list = if self.local.is_online() { &mut lists.online } else { &mut lists.offline };
        own_list.push(self.local.entry());
        self.add_others(&mut lists);
        lists
    }

    /// The online servers, including this one; `offline` stays empty.
    pub(in crate::protocol) fn online_list(&self) -> Lists {
        let mut lists = Lists::default();
        lists.online.reserve(self.roster.online_count() + 1);
        lists.online.extend(self.local.is_online().then(|| self.local.entry()));
        let others = self.roster.list_entries().filter(|(member, _)| member.is_online());
        lists.online.extend(others.map(|(_, entry)| entry));
        lists
    }

    /// All other servers known.
    pub(in crate::protocol) fn others(&self) -> Lists {
        let mut lists = Lists::default();
        lists.online.reserve(self.roster.online_count());
        self.add_others(&mut lists);
        lists
    }

    /// What this server holds about itself or other servers, as claims for native servers.
    pub(in crate::protocol) fn claims_about<'a>(
        &'a self,
        keys: impl Iterator<Item = NameKey> + 'a,
        now: Now,
    ) -> impl Iterator<Item = (NameKey, Claim)> + 'a {
        self.roster.find_all(keys).filter_map(move |(key, found)| {
            let claim = match found {
                Some((identity, member)) => Some(self.roster.claim(identity, member, now)),
                None => (key == self.local_key()).then(|| self.local.claim()),
            };
            Some((key, claim?))
        })
    }

    /// The key of this server itself, which is no member.
    pub(in crate::protocol) fn local_key(&self) -> NameKey {
        self.roster.key_of(self.local.identity())
    }

    fn add_others(&self, lists: &mut Lists) {
        for (member, entry) in self.roster.list_entries() {
            let list = if member.is_online() { &mut lists.online } else { &mut lists.offline };
            list.push(entry);
        }
    }
}
