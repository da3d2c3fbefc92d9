//! What this server knows about servers: itself, the members, the hidden and the archived ones.
//!
//! May touch `context` and below.

use std::time::Duration;

use crate::protocol::context::Context;
use crate::protocol::context::config::Config;
use crate::protocol::members::archive::Archive;
use crate::protocol::members::hidden::HiddenServers;
use crate::protocol::members::isolation::Isolation;
use crate::protocol::members::local_server::LocalServer;
use crate::protocol::members::member::Member;
use crate::protocol::members::member::proof::Proof;
use crate::protocol::members::roster::Roster;
use crate::protocol::members::roster::digest::{Digest, name_hash};
use crate::protocol::members::roster::news::{NewsCause, StateChange};
use crate::protocol::types::status::{Control, Status};
use crate::protocol::types::time::Now;

pub(in crate::protocol) mod archive;
pub(in crate::protocol) mod hidden;
pub(in crate::protocol) mod isolation;
mod lists;
pub(in crate::protocol) mod local_server;
pub(in crate::protocol) mod member;
pub(in crate::protocol) mod roster;
pub(in crate::protocol) mod stamp_clock;
mod tombstones;

/// What this server knows about itself and others.
#[derive(Debug)]
pub(in crate::protocol) struct Members {
    pub(in crate::protocol) local: LocalServer,
    pub(in crate::protocol) roster: Roster,
    pub(in crate::protocol) archive: Archive,
    pub(in crate::protocol) hidden: HiddenServers,
    pub(in crate::protocol) isolation: Isolation,
}

impl Members {
    pub(in crate::protocol) fn new(config: &Config, seed: u64, now: Now) -> Self {
        let mut members = Self {
            local: LocalServer::new(config.base_url.clone(), config.monitor, now),
            roster: Roster::new(config.base_url.identity(), config.max_servers, seed),
            archive: Archive::new(seed),
            hidden: HiddenServers::default(),
            isolation: Isolation::default(),
        };
        members.tell_local([None, Some(Status::Online)], NewsCause::Said, now);
        members
    }

    /// Replaces the roster by that of another server, which is not a member itself. Its members are
    /// no news.
    pub(in crate::protocol) fn copy_roster(&mut self, other: &Self, now: Now) {
        let news = std::mem::take(&mut self.roster.news);
        self.roster = Roster::copy_for(&other.roster, self.local.identity(), now);
        self.roster.news = news;
    }

    /// Drains this server or brings it back, and returns whether anything changed.
    pub(in crate::protocol) fn control(&mut self, control: Control, now: Now) -> bool {
        let is_changed = self.local.control(control, now);
        if is_changed {
            let [before, after] = match control {
                Control::Drain => [Status::Online, Status::Left],
                Control::Return => [Status::Left, Status::Online],
            };
            self.tell_local([Some(before), Some(after)], NewsCause::Control, now);
        }
        is_changed
    }

    /// Takes this server offline for good, without announcing it yet.
    pub(in crate::protocol) fn leave_quietly(&mut self, now: Now) {
        let was_online = self.local.is_online();
        self.local.leave_quietly();
        if was_online {
            self.tell_local([Some(Status::Online), Some(Status::Left)], NewsCause::Said, now);
        }
    }

    fn tell_local(&mut self, change: StateChange, cause: NewsCause, now: Now) {
        self.roster.news.record(self.local.entry(), change, cause, now);
    }

    /// The number of servers that have left, including this one.
    pub(in crate::protocol) fn left_count(&self) -> usize {
        let others = self.roster.len() - self.roster.online_count() - self.roster.dead_count();
        others + usize::from(!self.local.is_online())
    }

    /// The number of online servers, including this one.
    #[inline]
    pub(in crate::protocol) fn online_count(&self) -> usize {
        self.roster.online_count() + usize::from(self.local.is_online())
    }

    /// The number of online servers, except unconfirmed entries of the master list, which are not
    /// spread.
    #[inline]
    pub(in crate::protocol) fn confirmed_count(&self) -> usize {
        self.online_count() - self.roster.unconfirmed_count()
    }

    /// The hashes of all online servers, including this one.
    #[inline]
    pub(in crate::protocol) fn digest(&self) -> Digest {
        let mut digest = *self.roster.digest();
        if self.local.is_online() {
            digest.toggle(name_hash(self.local.identity()), self.local.incarnation());
        }
        digest
    }

    /// Whether this server and the member both use the native extension.
    pub(in crate::protocol) fn is_contacted_natively(&self, cx: &Context, peer: &str) -> bool {
        cx.is_native() && self.roster.get(peer).is_some_and(|member| !member.is_contacted_as_legacy())
    }

    /// Records that a member's own claim has proved it alive.
    pub(in crate::protocol) fn prove(&mut self, peer: &str, proof: Proof) {
        if let Some(member) = self.roster.get_mut(peer) {
            member.prove(proof);
        }
    }

    pub(in crate::protocol) fn close_check(&mut self, peer: &str) {
        self.roster.get_mut(peer).map(Member::close_check);
    }

    /// Whether only the master list names a member so far.
    pub(in crate::protocol) fn is_unconfirmed(&self, identity: &str) -> bool {
        self.roster.get(identity).is_some_and(Member::is_unconfirmed)
    }

    /// Whether a server is absent, so that only its own list can bring it back.
    pub(in crate::protocol) fn returns_only_by_list(&self, peer: &str) -> bool {
        self.roster.get(peer).is_some_and(|member| {
            member.status == Status::Left && member.absence().is_some() && !member.has_comeback()
        })
    }

    /// Pauses requests to a peer that is asked too often, for as long as it requests. A native
    /// server that requests no time is left alone for one gossip interval.
    pub(in crate::protocol) fn leave_alone(
        &mut self,
        cx: &Context,
        peer: &str,
        pause: Option<Duration>,
        now: Now,
    ) {
        let Some(member) = self.roster.get_mut(peer) else { return };
        let own_pause =
            if member.is_contacted_as_legacy() { Duration::ZERO } else { cx.config.gossip_interval };
        member.leave_alone_until(now.tick + pause.unwrap_or(own_pause));
    }

    /// The number of online legacy peers per online native server, including this one.
    pub(in crate::protocol) fn legacies_per_native(&self) -> f64 {
        let natives = self.roster.native_count() + 1;
        let legacies = self.roster.online_count() + 1 - natives;
        legacies as f64 / natives as f64
    }

    /// The probability that a native server contacts a legacy peer in its round. All native servers
    /// together contact each legacy peer about once per interval.
    pub(in crate::protocol) fn legacy_share(&self, cx: &Context) -> f64 {
        if cx.is_native() { self.legacies_per_native().min(1.0) } else { 1.0 }
    }
}
