//! Which online server owns a key, by rendezvous hashing (Thaler, Ravishankar 1998).
//!
//! Each server has a number and so has each key. The owner is the server whose number, mixed with
//! that of the key, is the highest. Servers with the same list agree on it without messages. When a
//! server goes, its keys move and no others. When one comes, only its own keys move.
//! `docs/owners.md` describes this for other languages.
//!
//! May touch `members` and below.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::members::roster::digest::{mix, name_hash};
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::wire::message::Entry;

/// The number of a key, the same in every build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyNumber(u64);

impl KeyNumber {
    /// Returns the number of a key. It is mixed once more than that of a URL, because a key may be
    /// the URL of a server.
    pub fn of(key: &str) -> Self {
        Self(mix(name_hash(key)))
    }

    /// How high a server ranks for the key. The server with the highest score owns it. Servers with
    /// different numbers never have the same score.
    fn score(self, server: u64) -> u64 {
        mix(server ^ self.0)
    }
}

/// Returns the places of servers in the order in which they would own a key. Invalid base URLs have
/// no rank.
pub fn ranking<'a>(key: KeyNumber, base_urls: impl Iterator<Item = &'a str>) -> Vec<u32> {
    let mut ranked: Vec<_> = (0..)
        .zip(base_urls)
        .filter_map(|(place, base_url)| {
            let identity = Arc::clone(BaseUrl::parse(base_url).ok()?.identity());
            Some((Reverse(key.score(name_hash(&identity))), identity, place))
        })
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, _, place)| place).collect()
}

/// The online servers, for one version of the list.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Owners {
    version: Option<(u64, bool)>,
    /// This server comes first if it is online.
    candidates: Vec<Candidate>,
}

/// A server that may own keys.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    number: u64,
    /// 0 is this server, 1 the server in slot 0 of the roster. Valid for one version.
    place: usize,
}

/// A server as it ranks for one key: by its score, then by its URL, of which the first one wins.
#[derive(Clone, Copy)]
struct Ranked<'a> {
    score: u64,
    place: usize,
    members: &'a Members,
}

impl Owners {
    /// Whether this server owns a key.
    pub(in crate::protocol) fn owns(&mut self, members: &Members, key: KeyNumber) -> bool {
        self.refresh(members);
        let Some((own, others)) = self.candidates.split_first().filter(|(own, _)| own.place == 0) else {
            return false;
        };
        let own = own.rank(members, key);
        !others.iter().any(|other| other.rank(members, key) > own)
    }

    /// The owner of a key and those that would own it next, at most `count` servers.
    pub(in crate::protocol) fn first(
        &mut self,
        members: &Members,
        key: KeyNumber,
        count: usize,
    ) -> Vec<Entry> {
        self.refresh(members);
        let mut ranked: BinaryHeap<Ranked<'_>> =
            self.candidates.iter().map(|candidate| candidate.rank(members, key)).collect();
        let mut first = Vec::new();
        while first.len() < count
            && let Some(next) = ranked.pop()
        {
            first.push(next.entry());
        }
        first
    }

    /// Reads the hashes of all online servers again if one may have come or gone.
    fn refresh(&mut self, members: &Members) {
        let version = Some((members.roster.revision(), members.local.is_online()));
        if self.version == version {
            return;
        }
        self.version = version;
        self.candidates.clear();
        if members.local.is_online() {
            self.candidates.push(Candidate { number: name_hash(members.local.identity()), place: 0 });
        }
        for (slot, (number, member)) in members.roster.hashed().enumerate() {
            if member.is_online() {
                self.candidates.push(Candidate { number, place: slot + 1 });
            }
        }
    }
}

impl Candidate {
    fn rank<'a>(&self, members: &'a Members, key: KeyNumber) -> Ranked<'a> {
        Ranked { score: key.score(self.number), place: self.place, members }
    }
}

impl<'a> Ranked<'a> {
    fn member(&self) -> Option<(&'a str, &'a Member)> {
        self.members.roster.at(self.place.checked_sub(1)?)
    }

    fn url(&self) -> &'a str {
        self.member().map_or(self.members.local.identity(), |(identity, _)| identity)
    }

    fn entry(&self) -> Entry {
        let local = || self.members.local.entry();
        self.member().map_or_else(local, |(identity, member)| member.entry(identity))
    }
}

impl Ord for Ranked<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.cmp(&other.score).then_with(|| other.url().cmp(self.url()))
    }
}

impl PartialOrd for Ranked<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::context::config::Config;
    use crate::protocol::types::base_url::BaseUrl;
    use crate::protocol::types::status::Status;
    use crate::protocol::types::time::{Now, Stamp, Tick};

    /// A server among others.
    fn members(own: &str, others: &[&str]) -> Members {
        let now = Now { tick: Tick(0), wall: Stamp(1) };
        let variable = |name: &str| match name {
            "SHAZBOT_BASE_URL" => Some(own.to_owned()),
            "SHAZBOT_MASTER_LIST" | "SHAZBOT_MASTER_LIST_UPDATE" => Some("http://list/".to_owned()),
            "SHAZBOT_SECRET" | "SHAZBOT_CONTROL_SECRET" | "SHAZBOT_MASTER_LIST_UPDATE_AUTH" => {
                Some("hush".to_owned())
            }
            _ => None,
        };
        let config = Config::from_variables(variable).unwrap().0;
        let mut members = Members::new(&config, 1, now);
        for url in others {
            let url = BaseUrl::parse(url).unwrap();
            let member = Member::new(&url, Status::Online, false, Stamp(1), now);
            members.roster.insert(Arc::clone(url.identity()), member, now);
        }
        members
    }

    #[test]
    fn of_equal_scores_the_first_url_wins() {
        let key = KeyNumber::of("a key");
        for (own, owns) in [("http://a/", true), ("http://c/", false), ("http://e/", false)] {
            let members = members(own, &["http://d/", "http://b/"]);
            let mut owners = Owners::default();
            owners.refresh(&members);
            for candidate in &mut owners.candidates {
                candidate.number = name_hash(own);
            }
            assert_eq!(owners.owns(&members, key), owns, "{own}");
            let urls = owners.first(&members, key, 9).into_iter().map(|entry| entry.base_url.to_string());
            let mut expected = vec![own, "http://b/", "http://d/"];
            expected.sort_unstable();
            assert_eq!(urls.collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_ranking_is_the_order_of_the_owners() {
        let others: Vec<String> = (0..20).map(|number| format!("http://h/{number}/")).collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        let members = members("http://me/", &others);
        let urls = [&["http://me/", "no URL"], &others[..]].concat();
        for key in ["", "a", "session:1"].map(KeyNumber::of) {
            let owners = Owners::default().first(&members, key, usize::MAX);
            let ranked = ranking(key, urls.iter().copied());
            let ranked: Vec<&str> = ranked.into_iter().map(|place| urls[place as usize]).collect();
            assert_eq!(ranked, owners.iter().map(|entry| &*entry.base_url).collect::<Vec<_>>());
        }
    }
}
