//! Drained legacy peers: they answer, but their own list does not show them.
//!
//! A legacy peer tells nobody that it was brought back. So all native servers together ask each
//! absent one for its list about every ten seconds. A list that shows its server for a minute
//! without a break ends the drain. From outside, a drain of version 1 that does not last looks the
//! same; losing a healthy server for good would be worse.
//!
//! A legacy peer whose clock is slow believes the tombstone that a faster clock has stamped, until
//! its next round. Its list shows it with an older stamp than that of the tombstone, which ends the
//! drain at once.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;

use crate::protocol::context::Context;
use crate::protocol::context::effect::CheckReason;
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::in_flight::OwnWord;
use crate::protocol::legacy::verification::{Verification, answer};
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Tick};

/// Pause between two questions to one absent server, from the whole cluster together.
const ASKED_EVERY: Duration = Duration::from_secs(10);
/// How long its list has to show a server without a break. Two rounds of an original, by each of
/// which a drained one shows itself again.
const SHOWN_FOR: Duration = Duration::from_secs(60);
/// Questions in a row without an answer, after which it counts as dead and is tried as seldom as
/// others: most drained servers end soon.
const SILENCES: u8 = 3;
/// Pause before the next try while this server starts or leaves.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

impl Verification {
    /// Asks a legacy peer for its list from time to time, because this or another native server
    /// found it absent.
    pub(in crate::protocol) fn watch_absence(
        &mut self,
        members: &mut Members,
        cx: &mut Context,
        peer: &Arc<str>,
        now: Now,
    ) {
        let is_to_be_asked =
            |member: &&mut Member| member.status == Status::Left && member.is_contacted_as_legacy();
        let Some(member) = members.roster.get_mut(peer).filter(is_to_be_asked) else { return };
        member.begin_absence();
        self.schedule_absent(members, cx, peer, now.tick);
    }

    /// Asks absent servers whose time has come for their lists.
    pub(in crate::protocol) fn check_absent(
        &mut self,
        members: &mut Members,
        exchanges: &Exchanges,
        cx: &mut Context,
        now: Now,
    ) {
        for peer in self.absent.take_due(now.tick) {
            let is_absent = |member: &Member| member.status == Status::Left && member.absence().is_some();
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

    /// All native servers ask at times of their own: together about as often as one alone would.
    fn schedule_absent(&mut self, members: &Members, cx: &mut Context, peer: &Arc<str>, now: Tick) {
        let natives = if cx.is_native() { members.roster.native_count() + 1 } else { 1 };
        let pause = ASKED_EVERY.mul_f64(natives as f64);
        // All begin at once, so each draws a share of its own. One that is alone has nobody to fall
        // into step with.
        let share = if natives == 1 { 1.0 } else { cx.rng.random_range(0.0..2.0) };
        self.ask_absent_at(cx, peer, now + pause.mul_f64(share));
    }

    fn ask_absent_at(&mut self, cx: &mut Context, peer: &Arc<str>, at: Tick) {
        self.absent.set(peer, at);
        cx.timers.set_earlier(Timer::Absent, at);
    }

    /// The list of an absent server shows it.
    pub(in crate::protocol) fn handle_shown(
        &mut self,
        members: &mut Members,
        cx: &mut Context,
        peer: &Arc<str>,
        id: ExchangeId,
        word: &OwnWord,
        now: Now,
    ) {
        let Some(member) = members.roster.get_mut(peer) else { return };
        // A drain has a stamp of its server's own clock. This tombstone is of a faster clock, and
        // any peer that tells the server of it makes the server answer without itself.
        let was_talked_out = word.stamp < member.stamp;
        let Some(absence) = member.absence_mut() else { return };
        let since = absence.record_shown(now.tick);
        if was_talked_out || now.tick.since(since) >= SHOWN_FOR {
            return answer::mark_alive(members, cx, peer, id, word, now);
        }
        member.close_check();
        // This server goes on asking at its own pace, as the others have not seen the list.
        self.ask_absent_at(cx, peer, (now.tick + ASKED_EVERY).min(since + SHOWN_FOR));
    }
}

/// An offline server has not answered: after a few silences, an absent one counts as dead.
pub(super) fn count_silence(members: &mut Members, peer: &Arc<str>, now: Now) {
    let Some(absence) = members.roster.get_mut(peer).and_then(Member::absence_mut) else { return };
    if absence.count_silence() >= SILENCES {
        members.roster.transition(peer, Status::Dead, now.tick);
    }
}
