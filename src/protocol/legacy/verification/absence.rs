//! Drained legacy peers: they answer, but do not list themselves as online.
//!
//! A legacy peer does not announce the end of its drain. So all native servers together ask each
//! absent one for its list about every ten seconds. A list that shows its server for a minute
//! without a break ends the drain. A drain of version 1 that does not last looks the same from
//! outside; to lose a healthy server for good would be worse.
//!
//! Until its next round, a legacy peer with a slow clock believes a tombstone stamped by a faster
//! clock. If its list then shows it with a stamp older than the tombstone's, the drain ends at
//! once.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;

use crate::protocol::context::Context;
use crate::protocol::context::effect::CheckReason;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::in_flight::OwnEntry;
use crate::protocol::legacy::verification::{Verification, answer};
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Tick};

/// Pause between two requests to an absent server, from the whole cluster together.
const INQUIRY_INTERVAL: Duration = Duration::from_secs(10);
/// Time for which its list must show a server without a break: two rounds of a legacy peer. Each
/// round makes a drained one list itself again.
const SHOWN_FOR: Duration = Duration::from_secs(60);
/// Unanswered requests in a row after which an absent server counts as dead, and is contacted as
/// seldom as others. Most drained servers end soon.
const SILENCES: u8 = 3;
/// Pause before the next try while this server starts or leaves.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

impl Verification {
    /// Watches a legacy peer that this or another native server found absent, by regular requests
    /// for its list.
    pub(in crate::protocol) fn watch_absence(
        &mut self,
        members: &mut Members,
        cx: &mut Context,
        peer: &Arc<str>,
        now: Now,
    ) {
        let is_to_be_asked =
            |member: &&mut Member| member.status() == Status::Left && member.is_contacted_as_legacy();
        let Some(member) = members.roster.get_mut(peer).filter(is_to_be_asked) else { return };
        member.begin_absence();
        self.schedule_absent(members, cx, peer, now.tick);
    }

    /// Asks the absent servers that are due for their lists.
    pub(in crate::protocol) fn check_absent(
        &mut self,
        members: &mut Members,
        exchanges: &Exchanges,
        cx: &mut Context,
        now: Now,
    ) {
        for peer in self.absent.take_due(now.tick) {
            let is_absent = |member: &Member| member.status() == Status::Left && member.absence().is_some();
            if !members.roster.get(&peer).is_some_and(is_absent) {
                continue;
            }
            if cx.is_running() {
                self.open_check(members, exchanges, &peer, CheckReason::Hearsay);
                self.schedule_absent(members, cx, &peer, now.tick);
            } else {
                self.ask_absent_at(cx, &peer, now.tick + RETRY_PAUSE);
            }
        }
        if let Some(next) = self.absent.next() {
            cx.timers.set(Timer::Absent, next);
        }
    }

    /// Native servers ask at independent times, together about as often as one alone would.
    fn schedule_absent(&mut self, members: &Members, cx: &mut Context, peer: &Arc<str>, now: Tick) {
        let natives = if cx.is_native() { members.roster.native_count() + 1 } else { 1 };
        let pause = INQUIRY_INTERVAL.mul_f64(natives as f64);
        // All begin at once, so each draws a random share of the pause, unless it is alone.
        let share = if natives == 1 { 1.0 } else { cx.rng.random_range(0.0..2.0) };
        self.ask_absent_at(cx, peer, now + pause.mul_f64(share));
    }

    fn ask_absent_at(&mut self, cx: &mut Context, peer: &Arc<str>, at: Tick) {
        self.absent.set(peer, at);
        cx.timers.set_earlier(Timer::Absent, at);
    }

    /// Handles the list of an absent server that lists the server itself.
    pub(in crate::protocol) fn handle_shown(
        &mut self,
        members: &mut Members,
        cx: &mut Context,
        peer: &Arc<str>,
        id: ExchangeId,
        own: &OwnEntry,
        now: Now,
    ) {
        let Some(member) = members.roster.get_mut(peer) else { return };
        // The tombstone of a drain has a stamp from its server's own clock. This one comes from a
        // faster clock: a peer that sent it to the server made it answer without itself.
        let is_of_faster_clock = own.stamp < member.stamp();
        let Some(absence) = member.absence_mut() else { return };
        let since = absence.record_shown(now.tick);
        if is_of_faster_clock || now.tick.since(since) >= SHOWN_FOR {
            return answer::mark_alive(members, cx, peer, id, own, now);
        }
        member.close_check();
        // This server continues at the interval of the whole cluster, because the others have not
        // seen the list.
        self.ask_absent_at(cx, peer, (now.tick + INQUIRY_INTERVAL).min(since + SHOWN_FOR));
    }
}

/// Counts the silence of an offline server. After a few silences, an absent server counts as dead.
pub(super) fn count_silence(members: &mut Members, peer: &Arc<str>, now: Now) {
    let Some(absence) = members.roster.get_mut(peer).and_then(Member::absence_mut) else { return };
    if absence.count_silence() >= SILENCES {
        members.roster.transition(peer, Status::Dead, now);
    }
}
