//! Whether this server is reached at its own URL, and whether another process shares it.
//!
//! **Talking, but unreachable.** A server whose listener is closed still talks to the others, and would refute each of its
//! deaths. So one that was reached before, and that two natives report unreachable, refutes only once a request of another
//! process comes in, or once it has reached itself.
//!
//! **Siblings.** Where several processes share one URL, the leave of one is not the death of the URL: it asks its own URL
//! whether another one goes on.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::context::output::Transmit;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::lifecycle::phase::Phase;
use crate::protocol::machine::Machine;
use crate::protocol::merging::intake::Subject;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::extension::{Extension, Kind};
use crate::protocol::wire::message::{Refusal, Reply};

/// Native servers that have to report this one before it doubts itself: one alone may be at fault.
const REPORTERS: usize = 2;
/// The time after the last request of another process within which a failed check proves nothing, unless such a check has
/// succeeded before: not every network lets a server reach its own public URL.
const REACHED_LATELY: Duration = Duration::from_secs(5);
/// Questions to the own URL whether a sibling goes on, each over a connection of its own: balancers take turns.
const SIBLING_TRIES: u8 = 4;
/// The time that these questions take together, at most.
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
    pub(in crate::protocol) has_sibling: bool,
}

/// What this server holds of its own reachability.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Nothing speaks against it.
    #[default]
    Reached,
    /// Others report that it is not reached, or even hold it for dead, and it asks its own URL.
    Checks { asked: ExchangeId, is_dead: bool },
    /// It does not reach itself. As it is held for dead already, it waits for a request that shows this wrong.
    Waits,
    /// Neither the others nor this server itself reach it.
    Unreachable,
}

impl OwnUrl {
    /// Whether this server is offline for the others until one of them reaches it.
    pub(in crate::protocol) fn is_unreachable(&self) -> bool {
        self.standing == Standing::Unreachable
    }
}

/// Who has answered at the own URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    LocalServer,
    Sibling,
    LeavingSibling,
    /// Something that does not say who it is.
    Unknown,
    Nobody,
}

impl Machine {
    /// A request of another process has come in: this server is reached.
    pub(in crate::protocol) fn note_request(&mut self, now: Now) {
        self.lifecycle.own_url.last_request = Some(now.tick);
        self.record_reached_again(now);
    }

    /// Holds for nothing what was said against this server's reachability, and refutes what it has not refuted yet.
    pub(in crate::protocol) fn record_reached_again(&mut self, now: Now) {
        if std::mem::take(&mut self.lifecycle.own_url.standing) != Standing::Reached {
            self.refute(now);
        }
    }

    /// The event loop is blocked: that is why the own URL does not answer.
    pub(in crate::protocol) fn excuse_check(&mut self, now: Now) {
        if matches!(self.lifecycle.own_url.standing, Standing::Checks { .. } | Standing::Waits) {
            self.record_reached_again(now);
        }
    }

    fn refute(&mut self, now: Now) {
        if self.members.me.refute(now) {
            self.exchanges.health.worsen();
            self.spread_myself(now);
            self.push_to_few(now.tick);
        }
    }

    /// Whether this claim is no longer refuted at once. Begins to find out whether it is true.
    pub(in crate::protocol) fn doubts_itself(&mut self, claim: &Claim, now: Now) -> bool {
        let is_accused = matches!(claim.status, Status::Suspect | Status::Dead)
            && claim.incarnation >= self.members.me.incarnation();
        if !is_accused || !self.lifecycle.phase.is_running() || !self.members.me.is_online() {
            return false;
        }
        let says_dead = claim.status == Status::Dead;
        if let Standing::Checks { is_dead, .. } = &mut self.lifecycle.own_url.standing {
            *is_dead |= says_dead;
        }
        if self.lifecycle.own_url.standing == Standing::Reached {
            // A request that comes just now brings the accusation, or shows it wrong.
            let was_reached_before = self.lifecycle.own_url.last_request.is_some_and(|at| at < now.tick);
            if !was_reached_before || self.reporters(claim) < REPORTERS || self.exchanges.health.lags() {
                return false;
            }
            let timeout = self.exchanges.health.native_timeout();
            let asked = self.ask_myself(timeout, now);
            self.lifecycle.own_url.standing = Standing::Checks { asked, is_dead: says_dead };
        }
        self.members.me.record_claim(claim);
        true
    }

    fn reporters(&self, claim: &Claim) -> usize {
        match claim.status {
            Status::Suspect => claim.accusers.len(),
            // Two have found it dead, unless there are not two.
            _ => self.members.roster.native_count(),
        }
    }

    /// Over a connection of its own, as a kept one leads to the same process each time.
    fn ask_myself(&mut self, timeout: Duration, now: Now) -> ExchangeId {
        let identity: Arc<str> = Arc::from(self.members.me.identity());
        let id = self.exchanges.in_flight.begin(identity, Purpose::OwnUrl, now.tick);
        let base_url = self.members.me.entry().base_url;
        let extension = Arc::new(self.exchanges.extension(&self.members, Kind::Push, Vec::new()));
        self.cx.transmits.push_back(Transmit::AskMyself { id, base_url, extension, timeout });
        id
    }

    /// What has come back from the own URL.
    pub(in crate::protocol) fn conclude_own_url(&mut self, id: ExchangeId, reply: &Reply<'_>, now: Now) {
        self.exchanges.in_flight.end(id);
        let answer = self.who_answers(reply);
        if let Phase::Siblings { asked, tries_left } = self.lifecycle.phase {
            if asked == id {
                self.conclude_sibling_question(answer, tries_left, now);
            }
            return;
        }
        let has_reached_itself = answer != Answer::Nobody;
        let counts = self.lifecycle.own_url.has_reached_itself || self.was_not_reached_lately(now);
        self.lifecycle.own_url.has_reached_itself |= has_reached_itself;
        let Standing::Checks { asked, is_dead } = self.lifecycle.own_url.standing else { return };
        if asked != id {
            return;
        }
        if has_reached_itself || self.exchanges.health.lags() || !(counts || is_dead) {
            return self.record_reached_again(now);
        }
        self.lifecycle.own_url.failure = match reply {
            Reply::Unclear(reason) | Reply::NoListener(reason) | Reply::Failure(reason) => reason.clone(),
            _ => "another service answers".to_owned(),
        };
        self.lifecycle.own_url.standing = Standing::Waits;
        if counts {
            self.gives_up(now);
        }
    }

    fn was_not_reached_lately(&self, now: Now) -> bool {
        self.lifecycle.own_url.last_request.is_none_or(|at| now.tick.since(at) >= REACHED_LATELY)
    }

    /// Looks whether a request has to be waited for any longer.
    pub(in crate::protocol) fn look_at_own_url(&mut self, now: Now) {
        if self.lifecycle.own_url.standing == Standing::Waits && self.was_not_reached_lately(now) {
            self.gives_up(now);
        }
    }

    fn gives_up(&mut self, now: Now) {
        self.lifecycle.own_url.standing = Standing::Unreachable;
        let base_url = self.members.me.entry().base_url;
        let message = format!(
            "Clustershazbot is not reached at its own URL {base_url}, and stays offline for the others until it is:"
        );
        let failure = std::mem::take(&mut self.lifecycle.own_url.failure);
        self.cx.log_own_failure(message, &failure, now.tick);
    }

    fn who_answers(&self, reply: &Reply<'_>) -> Answer {
        match reply {
            Reply::Native(word) if word.instance == self.exchanges.instance => Answer::LocalServer,
            Reply::Native(word) if self.is_about_myself(word) => match word.me.status {
                Status::Online => Answer::Sibling,
                _ => Answer::LeavingSibling,
            },
            Reply::Lists(_) | Reply::Refusal(Refusal::TooLarge | Refusal::TooManyRequests(_)) => {
                Answer::Unknown
            }
            _ => Answer::Nobody,
        }
    }

    /// Whether the sender speaks for the URL of this server.
    fn is_about_myself(&self, word: &Extension) -> bool {
        matches!(self.identify(&word.me.base_url), Ok(Subject::Me))
    }

    /// Another process has spoken; whether it is a sibling.
    pub(in crate::protocol) fn meets_sibling(&mut self, word: &Extension) -> bool {
        let is_sibling = word.instance != self.exchanges.instance && self.is_about_myself(word);
        self.lifecycle.own_url.has_sibling |= is_sibling || word.siblings;
        is_sibling
    }

    /// Whether this server has to ask for a sibling before it leaves.
    pub(in crate::protocol) fn may_have_sibling(&self) -> bool {
        self.lifecycle.own_url.has_sibling && self.lifecycle.phase.is_running() && self.members.me.is_online()
    }

    /// The leave begins by asking the own URL.
    pub(in crate::protocol) fn ask_for_sibling(&mut self, now: Now) {
        self.cx.timers.set(Timer::Farewell, now.tick + SIBLING_PATIENCE);
        self.try_for_sibling(SIBLING_TRIES, now);
    }

    fn try_for_sibling(&mut self, tries: u8, now: Now) {
        let asked = self.ask_myself(SIBLING_PATIENCE, now);
        self.enter(Phase::Siblings { asked, tries_left: tries - 1 });
    }

    fn conclude_sibling_question(&mut self, answer: Answer, tries_left: u8, now: Now) {
        match answer {
            Answer::Sibling => self.leave_to_sibling(),
            Answer::LocalServer | Answer::LeavingSibling | Answer::Unknown if tries_left > 0 => {
                self.try_for_sibling(tries_left, now);
            }
            _ => self.say_farewell(now),
        }
    }
}
