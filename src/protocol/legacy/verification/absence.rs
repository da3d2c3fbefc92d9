//! Drained originals: they answer, but their own list does not show them.
//!
//! An original tells nobody that it was brought back. So those that were found absent are asked for
//! their list, by all native servers together about every ten seconds each. A list that shows its
//! server for a minute without a break ends the drain. From outside, a drain of version 1 that does
//! not stick looks the same; losing a healthy server for good would be worse.
//!
//! An original whose clock is slow believes the tombstone that a faster clock has stamped, until its
//! next round. Its list shows it with an older stamp than that of the tombstone, which ends the drain
//! at once.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;

use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::in_flight::OwnWord;
use crate::protocol::machine::Machine;
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
/// Pause before a server is asked for which there was no room.
const HELD_BACK: Duration = Duration::from_secs(1);

impl Machine {
    /// A legacy peer was found absent, by this server or by another native one.
    pub(in crate::protocol) fn watch_absence(&mut self, peer: &Arc<str>, now: Now) {
        let is_to_be_asked = |member: &Member| member.status == Status::Left && member.is_met_as_legacy();
        if !self.members.roster.get(peer).is_some_and(is_to_be_asked) {
            return;
        }
        if let Some(member) = self.members.roster.get_mut(peer) {
            member.begin_absence();
        }
        self.ask_absent_sometime(peer, now.tick);
    }

    /// All native servers ask in their own time: together about as often as one alone would.
    fn ask_absent_sometime(&mut self, peer: &Arc<str>, now: Tick) {
        let natives = if self.is_native() { self.members.roster.native_count() + 1 } else { 1 };
        let pause = ASKED_EVERY.mul_f64(natives as f64);
        // LegacyPush around that, as all begin at once; alone there is nobody to fall into step with.
        let share = if natives == 1 { 1.0 } else { self.cx.rng.random_range(0.0..2.0) };
        self.ask_absent_at(peer, now + pause.mul_f64(share));
    }

    fn ask_absent_at(&mut self, peer: &Arc<str>, at: Tick) {
        self.legacy.absent.set(peer, at);
        self.cx.timers.set_earlier(Timer::Absent, at);
    }

    /// The time has come to ask some absent servers for their lists.
    pub(in crate::protocol) fn ask_absent(&mut self, now: Now) {
        for peer in self.legacy.absent.take_due(now.tick) {
            let is_absent = |member: &Member| member.status == Status::Left && member.absence().is_some();
            if !self.members.roster.get(&peer).is_some_and(is_absent) {
                continue;
            }
            if self.cx.is_running() {
                self.request_check(&peer);
                self.ask_absent_sometime(&peer, now.tick);
            } else {
                self.ask_absent_at(&peer, now.tick + HELD_BACK);
            }
        }
        self.schedule_verification(now.tick);
        if let Some(next) = self.legacy.absent.next() {
            self.cx.timers.set(Timer::Absent, next);
        }
    }

    /// Whether only its own list says that this server is back, and no news.
    pub(in crate::protocol) fn is_only_shown(&self, peer: &str) -> bool {
        self.members.roster.get(peer).is_some_and(|member| {
            member.status == Status::Left && member.absence().is_some() && !member.has_comeback()
        })
    }

    /// The list of an absent server shows it.
    pub(in crate::protocol) fn hear_shown(
        &mut self,
        peer: &Arc<str>,
        id: ExchangeId,
        word: &OwnWord,
        now: Now,
    ) {
        let Some(member) = self.members.roster.get_mut(peer) else { return };
        // A drain has a stamp of its own clock. This tombstone is of a faster one, and whoever tells the
        // server makes it answer without itself.
        let is_talked_out = word.stamp < member.stamp;
        let Some(absence) = member.absence_mut() else { return };
        let since = absence.show(now.tick);
        if is_talked_out || now.tick.since(since) >= SHOWN_FOR {
            return self.mark_alive(peer, id, word, now);
        }
        member.close_check();
        // Whoever has seen it goes on asking, as the others have not.
        self.ask_absent_at(peer, (now.tick + ASKED_EVERY).min(since + SHOWN_FOR));
    }

    /// An absent server has not answered.
    pub(in crate::protocol) fn count_silence(&mut self, peer: &Arc<str>, now: Now) {
        let Some(absence) = self.members.roster.get_mut(peer).and_then(Member::absence_mut) else { return };
        if absence.count_silence() >= SILENCES {
            self.members.roster.transition(peer, Status::Dead, now.tick);
        }
    }
}
