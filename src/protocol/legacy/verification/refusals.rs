//! Answers that prove nothing: 401, 413, 429, or lists that lack the entry of the server asked.
//!
//! An address is not an identity: another service may have taken over that of a dead server. So a
//! refusal postpones a death, but never proves a server alive. A server that has exchanged with
//! this one is asked by list and by gossip in turn. Unless its own entry proves it in time, it is
//! declared dead.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::context::Context;
use crate::protocol::context::effect::Effect;
use crate::protocol::context::timers::Timer;
use crate::protocol::legacy::verification::Verification;
use crate::protocol::members::Members;
use crate::protocol::members::member::proof::Verdict;
use crate::protocol::members::member::unproved_answers::{Absence, MIN_REFUSAL_GAP, Refusals, Route};
use crate::protocol::members::roster::journal::Cause;
use crate::protocol::merging::outsiders::LEFT_OUT_AFTER;
use crate::protocol::types::time::{Now, Tick};
use crate::protocol::wire::extension::Finding;

/// Requests to a refusing server within the time until it is declared dead.
const REVIEWS: u32 = 4;
/// Pause before another review of a verdict that isolation holds back, or another try of a request
/// without capacity.
pub(in crate::protocol) const REVIEW_RETRY_PAUSE: Duration = Duration::from_secs(1);

/// The result of the review of a refusing server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) struct Review {
    /// The route of the request to send now, if one may be sent.
    pub(in crate::protocol) route: Option<Route>,
    pub(in crate::protocol) next: Tick,
}

impl Verification {
    /// Counts an answer that does not prove its sender.
    pub(in crate::protocol) fn record_unproved_answer(
        &mut self,
        members: &mut Members,
        cx: &mut Context,
        peer: &Arc<str>,
        route: Route,
        now: Now,
    ) {
        let Some(member) = members.roster.get_mut(peer) else { return };
        if !member.is_online() {
            member.record_verdict(Verdict::Dead, now);
            member.absence_mut().map(Absence::record_missing);
            return;
        }
        match member.refusals_mut() {
            Some(refusals) => refusals.add(route, now.tick),
            None => member.begin_refusals(Refusals::new(route, now.tick)),
        }
        let window = member.refusal_window(cx.config.gossip_interval);
        self.watch_refusals(cx, peer, now.tick + window / REVIEWS);
        if members.is_contacted_natively(cx, peer) {
            // A process listens at its address. The next answers show whether it is the server.
            cx.effects.push(Effect::ExcuseProbe(Arc::clone(peer)));
            cx.effects.push(Effect::ReportFinding(Arc::clone(peer), Finding::Unproved));
        }
    }

    /// Records that a server has rejected this server's secret.
    pub(in crate::protocol) fn record_rejection(
        &mut self,
        members: &mut Members,
        cx: &mut Context,
        peer: &Arc<str>,
        now: Now,
    ) {
        if let Some(member) = members.roster.get_mut(peer).filter(|member| member.is_online())
            && member.record_rejection(now.tick)
        {
            self.watch_refusals(cx, peer, now.tick + LEFT_OUT_AFTER);
        }
    }

    /// Schedules a review of a refusing server at this time, or earlier.
    pub(in crate::protocol) fn watch_refusals(&mut self, cx: &mut Context, peer: &Arc<str>, at: Tick) {
        self.refusals.set_earlier(peer, at);
        cx.timers.set_earlier(Timer::Refusals, at);
    }

    /// Removes and returns the refusing servers that are due for a review.
    pub(in crate::protocol) fn take_due_refusals(&mut self, now: Tick) -> Vec<Arc<str>> {
        self.refusals.take_due(now)
    }

    /// Sets the timer to the next review of a refusing server.
    pub(in crate::protocol) fn schedule_refusals(&self, cx: &mut Context) {
        if let Some(next) = self.refusals.next() {
            cx.timers.set(Timer::Refusals, next);
        }
    }
}

/// Reviews a refusing member. Declares it dead if its time is over, and otherwise returns the next
/// step.
pub(in crate::protocol) fn review(
    members: &mut Members,
    cx: &mut Context,
    peer: &Arc<str>,
    now: Now,
) -> Option<Review> {
    let member = members.roster.get(peer)?;
    let window = member.refusal_window(cx.config.gossip_interval);
    let refusals = member.refusals()?;
    let deadline = refusals.first() + window;
    let is_over = deadline <= now.tick;
    if !(is_over && refusals.suffice(now.tick)) {
        let next =
            if is_over { now.tick + MIN_REFUSAL_GAP } else { (now.tick + window / REVIEWS).min(deadline) };
        return Some(Review { route: refusals.next_route(now.tick), next });
    }
    // The wrong secret may be this server's own.
    if members.hold_back_burial(cx, peer, now) {
        return Some(Review { route: None, next: now.tick + REVIEW_RETRY_PAUSE });
    }
    members.isolation.record_burial(peer, now.tick);
    if let Some(member) = members.roster.get_mut(peer) {
        member.end_refusals();
    }
    members.roster.set_cause(Cause::Unproved);
    members.bury(cx, peer, now);
    None
}
