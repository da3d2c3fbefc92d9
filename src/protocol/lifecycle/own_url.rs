//! This server's own URL: whether it is reachable there, and whether another process shares the
//! URL.
//!
//! **Unreachable servers.** A server with a closed listener still sends messages, and would refute
//! each claim of its death. So a server that was reached before does not refute at once if two
//! native servers report it as unreachable. It waits for a request of another process, or until it
//! has reached itself.
//!
//! **Siblings.** If several processes share one URL, the URL stays online after the leave of one.
//! So a process that leaves asks its own URL whether another one continues.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::context::Context;
use crate::protocol::context::effect::Effect;
use crate::protocol::context::output::Transmit;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::members::Members;
use crate::protocol::merging::intake::{self, Subject};
use crate::protocol::types::claim::Claim;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::extension::{Extension, Kind};
use crate::protocol::wire::message::{Refusal, Reply};

/// Native servers that must accuse this one before it doubts itself. A single one may be at fault.
const MIN_ACCUSERS: usize = 2;
/// Time after the last request of another process within which a failed check proves nothing,
/// unless an earlier check has succeeded. Not every network lets a server reach its own public URL.
const REACHED_LATELY: Duration = Duration::from_secs(5);
/// Requests to its own URL by which this server looks for a sibling. Each has its own connection,
/// since load balancers alternate between processes.
pub(in crate::protocol) const SIBLING_TRIES: u8 = 4;
/// Limit of the time for all these requests together.
pub(in crate::protocol) const SIBLING_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(in crate::protocol) struct OwnUrl {
    /// The time of the last request of another process, in this life.
    last_request: Option<Tick>,
    /// Whether this server has reached itself at its own URL in this life.
    has_reached_itself: bool,
    reachability: Reachability,
    /// The reason why the latest check has failed.
    failure: String,
    /// Whether another process has spoken for this URL in this life.
    has_sibling: bool,
}

/// The reachability of this server, as it knows it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Reachability {
    /// No evidence against it.
    #[default]
    Reached,
    /// Others report it as unreachable, or list it as dead, and it checks its own URL.
    Checks { asked: ExchangeId, is_dead: bool },
    /// It does not reach itself. As others list it as dead already, it waits for a request that
    /// disproves that.
    Waits,
    /// Neither other servers nor this server itself reach it.
    Unreachable,
}

/// The process, if any, that has answered at this server's own URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Answerer {
    LocalServer,
    Sibling,
    LeavingSibling,
    /// A process that does not identify itself.
    Unknown,
    Nobody,
}

impl OwnUrl {
    /// Whether this server counts as offline for the others until one of them reaches it.
    pub(in crate::protocol) fn is_unreachable(&self) -> bool {
        self.reachability == Reachability::Unreachable
    }

    /// Records a request of another process: this server is reachable.
    pub(in crate::protocol) fn record_request(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        now: Now,
    ) {
        self.last_request = Some(now.tick);
        self.record_reached(members, exchanges, cx, now);
    }

    /// Ends all doubts about this server's reachability, and refutes the claims that it has not
    /// refuted yet.
    pub(in crate::protocol) fn record_reached(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        now: Now,
    ) {
        if std::mem::take(&mut self.reachability) != Reachability::Reached && members.local.refute(now) {
            exchanges.health.worsen();
            cx.effects.push(Effect::Spread(members.local_key()));
            cx.effects.push(Effect::PushToFew);
        }
    }

    /// Gives up a check: its own URL does not answer because the event loop is blocked.
    pub(in crate::protocol) fn excuse_check(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        now: Now,
    ) {
        if matches!(self.reachability, Reachability::Checks { .. } | Reachability::Waits) {
            self.record_reached(members, exchanges, cx, now);
        }
    }

    /// Decides whether a native claim about this server may be true, and if so checks its own URL.
    /// Returns false if this server should refute the claim at once.
    pub(in crate::protocol) fn begin_check_if_accused(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        claim: &Claim,
        now: Now,
    ) -> bool {
        let is_accused = matches!(claim.status, Status::Suspect | Status::Dead)
            && claim.incarnation >= members.local.incarnation();
        if !is_accused || !cx.is_running() || !members.local.is_online() {
            return false;
        }
        let says_dead = claim.status == Status::Dead;
        if let Reachability::Checks { is_dead, .. } = &mut self.reachability {
            *is_dead |= says_dead;
        }
        if self.reachability == Reachability::Reached {
            // A request at this very time brings the accusation, or disproves it.
            let was_reached_before = self.last_request.is_some_and(|at| at < now.tick);
            let suffice = accuser_count(members, claim) >= MIN_ACCUSERS;
            if !was_reached_before || !suffice || exchanges.health.lags() {
                return false;
            }
            let asked = ask(members, exchanges, cx, exchanges.health.native_timeout(), now);
            self.reachability = Reachability::Checks { asked, is_dead: says_dead };
        }
        members.local.record_claim(claim);
        true
    }

    /// Records the answer of its own URL.
    pub(in crate::protocol) fn record_answer(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        id: ExchangeId,
        reply: &Reply<'_>,
        now: Now,
    ) {
        let has_reached_itself = answerer(members, exchanges, cx, reply) != Answerer::Nobody;
        let counts = self.has_reached_itself || self.was_not_reached_lately(now);
        self.has_reached_itself |= has_reached_itself;
        let Reachability::Checks { asked, is_dead } = self.reachability else { return };
        if asked != id {
            return;
        }
        if has_reached_itself || exchanges.health.lags() || !(counts || is_dead) {
            return self.record_reached(members, exchanges, cx, now);
        }
        self.failure = match reply {
            Reply::Unclear(reason) | Reply::NoListener(reason) | Reply::Failure(reason) => reason.clone(),
            _ => "another service answers".to_owned(),
        };
        self.reachability = Reachability::Waits;
        if counts {
            self.give_up(members, cx, now);
        }
    }

    /// Gives up if the wait for a request is over.
    pub(in crate::protocol) fn give_up_if_due(&mut self, members: &Members, cx: &mut Context, now: Now) {
        if self.reachability == Reachability::Waits && self.was_not_reached_lately(now) {
            self.give_up(members, cx, now);
        }
    }

    fn was_not_reached_lately(&self, now: Now) -> bool {
        self.last_request.is_none_or(|at| now.tick.since(at) >= REACHED_LATELY)
    }

    fn give_up(&mut self, members: &Members, cx: &mut Context, now: Now) {
        self.reachability = Reachability::Unreachable;
        let base_url = members.local.entry().base_url;
        let message = format!(
            "Clustershazbot cannot be reached at its own URL {base_url}, and stays offline for the others until it can:"
        );
        let failure = std::mem::take(&mut self.failure);
        cx.log_own_failure(message, &failure, now.tick);
    }

    /// Records a message of another process. Returns whether that process is a sibling.
    pub(in crate::protocol) fn record_process(
        &mut self,
        members: &Members,
        exchanges: &Exchanges,
        cx: &Context,
        message: &Extension,
    ) -> bool {
        let is_sibling =
            message.instance != exchanges.instance && is_about_local_server(members, cx, message);
        self.has_sibling |= is_sibling || message.siblings;
        is_sibling
    }

    /// Records that another process speaks for its own URL.
    pub(in crate::protocol) fn record_sibling(&mut self) {
        self.has_sibling = true;
    }

    /// Whether another process has spoken for its own URL in this life.
    #[inline]
    pub(in crate::protocol) fn has_sibling(&self) -> bool {
        self.has_sibling
    }

    /// Whether this server must look for a sibling before it leaves.
    pub(in crate::protocol) fn may_have_sibling(&self, members: &Members, cx: &Context) -> bool {
        self.has_sibling && cx.is_running() && members.local.is_online()
    }
}

/// Asks its own URL over a new connection, since a kept one leads to the same process each time.
pub(in crate::protocol) fn ask(
    members: &Members,
    exchanges: &mut Exchanges,
    cx: &mut Context,
    timeout: Duration,
    now: Now,
) -> ExchangeId {
    let identity: Arc<str> = Arc::from(members.local.identity());
    let id = exchanges.in_flight.begin(identity, Purpose::OwnUrl, now.tick);
    let base_url = members.local.entry().base_url.into();
    let extension = Arc::new(exchanges.extension(members, Kind::Push, Vec::new()));
    cx.transmits.push_back(Transmit::CheckOwnUrl { id, base_url, extension, timeout });
    id
}

/// Returns the process that has answered at its own URL.
pub(in crate::protocol) fn answerer(
    members: &Members,
    exchanges: &Exchanges,
    cx: &Context,
    reply: &Reply<'_>,
) -> Answerer {
    match reply {
        Reply::Native(message) if message.instance == exchanges.instance => Answerer::LocalServer,
        Reply::Native(message) if is_about_local_server(members, cx, message) => match message.me.status {
            Status::Online => Answerer::Sibling,
            _ => Answerer::LeavingSibling,
        },
        Reply::Lists(_) | Reply::Refusal(Refusal::TooLarge | Refusal::TooManyRequests(_)) => {
            Answerer::Unknown
        }
        _ => Answerer::Nobody,
    }
}

/// Whether the sender speaks for the URL of this server.
fn is_about_local_server(members: &Members, cx: &Context, message: &Extension) -> bool {
    matches!(intake::identify_shared(members, cx, &message.me.base_url), Ok(Subject::LocalServer))
}

fn accuser_count(members: &Members, claim: &Claim) -> usize {
    match claim.status {
        Status::Suspect => claim.accusers.len(),
        // Two native servers have found it dead, unless fewer exist.
        _ => members.roster.native_count(),
    }
}
