//! Whether this server is reached at its own URL, and whether another process shares it.
//!
//! **Talking, but unreachable.** A server whose listener is closed still talks to the others, and
//! would refute each of its deaths. So one that was reached before, and that two natives report
//! unreachable, refutes only once a request of another process comes in, or once it has reached
//! itself.
//!
//! **Siblings.** Where several processes share one URL, the leave of one is not the death of the
//! URL: it asks its own URL whether another one goes on.

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

/// Native servers that have to accuse this one before it doubts itself: one alone may be at fault.
const MIN_ACCUSERS: usize = 2;
/// Time after the last request of another process within which a failed check proves nothing,
/// unless such a check has succeeded before: not every network lets a server reach its own public
/// URL.
const REACHED_LATELY: Duration = Duration::from_secs(5);
/// Questions to the own URL whether a sibling goes on, each over a connection of its own: balancers
/// take turns.
pub(in crate::protocol) const SIBLING_TRIES: u8 = 4;
/// Time that these questions take together, at most.
pub(in crate::protocol) const SIBLING_PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(in crate::protocol) struct OwnUrl {
    /// When a request of another process last came in, in this life.
    last_request: Option<Tick>,
    /// Whether this server has reached itself at its own URL in this life.
    has_reached_itself: bool,
    standing: Standing,
    /// Why the latest check has failed.
    failure: String,
    /// Whether another process speaks for this URL, or did in this life.
    has_sibling: bool,
}

/// What this server holds of its own reachability.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Nothing speaks against it.
    #[default]
    Reached,
    /// Others report that it is not reached, or even hold it for dead, and it asks its own URL.
    Checks { asked: ExchangeId, is_dead: bool },
    /// It does not reach itself. As it is held for dead already, it waits for a request that shows
    /// this wrong.
    Waits,
    /// Neither the others nor this server itself reach it.
    Unreachable,
}

/// Who has answered at the own URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Answerer {
    LocalServer,
    Sibling,
    LeavingSibling,
    /// Something that does not say who it is.
    Unknown,
    Nobody,
}

impl OwnUrl {
    /// Whether this server is offline for the others until one of them reaches it.
    pub(in crate::protocol) fn is_unreachable(&self) -> bool {
        self.standing == Standing::Unreachable
    }

    /// Records a request of another process: this server is reached.
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

    /// Forgets what was said against this server's reachability, and refutes what it has not
    /// refuted yet.
    pub(in crate::protocol) fn record_reached(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        now: Now,
    ) {
        if std::mem::take(&mut self.standing) != Standing::Reached && members.me.refute(now) {
            exchanges.health.worsen();
            cx.effects.push(Effect::Spread(Arc::from(members.me.identity())));
            cx.effects.push(Effect::PushToFew);
        }
    }

    /// Gives up a check, because the event loop is blocked: that is why the own URL does not
    /// answer.
    pub(in crate::protocol) fn excuse_check(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        now: Now,
    ) {
        if matches!(self.standing, Standing::Checks { .. } | Standing::Waits) {
            self.record_reached(members, exchanges, cx, now);
        }
    }

    /// Decides whether a native claim about this server may be true, and asks the own URL then.
    /// Returns false if the claim is to be refuted at once.
    pub(in crate::protocol) fn doubt(
        &mut self,
        members: &mut Members,
        exchanges: &mut Exchanges,
        cx: &mut Context,
        claim: &Claim,
        now: Now,
    ) -> bool {
        let is_accused = matches!(claim.status, Status::Suspect | Status::Dead)
            && claim.incarnation >= members.me.incarnation();
        if !is_accused || !cx.is_running() || !members.me.is_online() {
            return false;
        }
        let says_dead = claim.status == Status::Dead;
        if let Standing::Checks { is_dead, .. } = &mut self.standing {
            *is_dead |= says_dead;
        }
        if self.standing == Standing::Reached {
            // A request that comes just now brings the accusation, or shows it wrong.
            let was_reached_before = self.last_request.is_some_and(|at| at < now.tick);
            let suffice = accuser_count(members, claim) >= MIN_ACCUSERS;
            if !was_reached_before || !suffice || exchanges.health.lags() {
                return false;
            }
            let asked = ask(members, exchanges, cx, exchanges.health.native_timeout(), now);
            self.standing = Standing::Checks { asked, is_dead: says_dead };
        }
        members.me.record_claim(claim);
        true
    }

    /// Records what the own URL has answered.
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
        let Standing::Checks { asked, is_dead } = self.standing else { return };
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
        self.standing = Standing::Waits;
        if counts {
            self.give_up(members, cx, now);
        }
    }

    /// Gives up, if no request is waited for any longer.
    pub(in crate::protocol) fn look(&mut self, members: &Members, cx: &mut Context, now: Now) {
        if self.standing == Standing::Waits && self.was_not_reached_lately(now) {
            self.give_up(members, cx, now);
        }
    }

    fn was_not_reached_lately(&self, now: Now) -> bool {
        self.last_request.is_none_or(|at| now.tick.since(at) >= REACHED_LATELY)
    }

    fn give_up(&mut self, members: &Members, cx: &mut Context, now: Now) {
        self.standing = Standing::Unreachable;
        let base_url = members.me.entry().base_url;
        let message = format!(
            "Clustershazbot is not reached at its own URL {base_url}, and stays offline for the others until it is:"
        );
        let failure = std::mem::take(&mut self.failure);
        cx.log_own_failure(message, &failure, now.tick);
    }

    /// Records that another process has spoken. Returns whether it is a sibling.
    pub(in crate::protocol) fn record_process(
        &mut self,
        members: &Members,
        exchanges: &Exchanges,
        cx: &Context,
        message: &Extension,
    ) -> bool {
        let is_sibling = message.instance != exchanges.instance && is_about_myself(members, cx, message);
        self.has_sibling |= is_sibling || message.siblings;
        is_sibling
    }

    /// Records that another process speaks for the own URL.
    pub(in crate::protocol) fn record_sibling(&mut self) {
        self.has_sibling = true;
    }

    /// Whether this server has to ask for a sibling before it leaves.
    pub(in crate::protocol) fn may_have_sibling(&self, members: &Members, cx: &Context) -> bool {
        self.has_sibling && cx.is_running() && members.me.is_online()
    }
}

/// Asks the own URL over a connection of its own, as a kept one leads to the same process each
/// time.
pub(in crate::protocol) fn ask(
    members: &Members,
    exchanges: &mut Exchanges,
    cx: &mut Context,
    timeout: Duration,
    now: Now,
) -> ExchangeId {
    let identity: Arc<str> = Arc::from(members.me.identity());
    let id = exchanges.in_flight.begin(identity, Purpose::OwnUrl, now.tick);
    let base_url = members.me.entry().base_url;
    let extension = Arc::new(exchanges.extension(members, Kind::Push, Vec::new()));
    cx.transmits.push_back(Transmit::CheckOwnUrl { id, base_url, extension, timeout });
    id
}

/// Who has answered at the own URL.
pub(in crate::protocol) fn answerer(
    members: &Members,
    exchanges: &Exchanges,
    cx: &Context,
    reply: &Reply<'_>,
) -> Answerer {
    match reply {
        Reply::Native(message) if message.instance == exchanges.instance => Answerer::LocalServer,
        Reply::Native(message) if is_about_myself(members, cx, message) => match message.me.status {
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
fn is_about_myself(members: &Members, cx: &Context, message: &Extension) -> bool {
    matches!(intake::identify(members, cx, &message.me.base_url), Ok(Subject::Me))
}

fn accuser_count(members: &Members, claim: &Claim) -> usize {
    match claim.status {
        Status::Suspect => claim.accusers.len(),
        // Two have found it dead, unless there are not two.
        _ => members.roster.native_count(),
    }
}
