//! Start and leave, and the clock check at each entry point.

use rand::RngExt;

use crate::protocol::context::RunState;
use crate::protocol::context::output::{Event, Transmit};
use crate::protocol::context::timers::Timer;
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::lifecycle::own_url::{self, SIBLING_TIMEOUT, SIBLING_TRIES};
use crate::protocol::lifecycle::phase::{FULL_ROSTER_TRIES, Phase};
use crate::protocol::lifecycle::{master_list, reconnect, retention};
use crate::protocol::machine::Machine;
use crate::protocol::merging::clocks;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::time::Now;
use crate::protocol::wire::extension::Extension;

impl Machine {
    /// Checks the clock at an entry point. Cheap.
    pub(in crate::protocol::machine) fn check_clock(&mut self, now: Now) {
        clocks::restart_below(&mut self.members, &mut self.cx, now);
        self.apply(now);
        if self.cx.is_running() && self.merging.rejected.take_jump(now) {
            self.request_again(now);
        }
    }

    /// Requests again the claims that were rejected before the clock was set forward.
    fn request_again(&mut self, now: Now) {
        self.lifecycle.master_list.greet_again();
        self.merging.rejected.want_list();
        self.cx.timers.set(Timer::Download, now.tick);
        self.ask_again_for_full_roster(now);
        self.push_to_many(now.tick);
    }

    /// Drops expired tombstones, and checks servers without recent news.
    pub(in crate::protocol) fn drop_expired(&mut self, now: Now) {
        let due = retention::find_due(&mut self.members, &mut self.cx, now);
        for key in due.expired {
            let Some(identity) = self.members.roster.name_of(key) else { continue };
            self.members.forget(&mut self.cx, &identity, now);
            self.apply(now);
        }
        for key in due.stale {
            let Some(identity) = self.members.roster.name_of(key) else { continue };
            self.request_check(&identity);
        }
        self.schedule_verification(now.tick);
    }

    /// Tries to reach a server that was declared dead.
    pub(in crate::protocol::machine) fn reconnect(&mut self, now: Now) {
        if let Some(peer) = reconnect::pick(&self.members, &mut self.cx, now.tick) {
            if self.is_contacted_natively(&peer) {
                self.notify_dead(&peer, now);
            } else {
                self.request_check(&peer);
                self.schedule_verification(now.tick);
            }
        }
        reconnect::schedule(&mut self.cx, now.tick);
    }

    /// Announces this server to the master list.
    pub(in crate::protocol) fn announce_to_master_list(&mut self, now: Now) {
        let Self { lifecycle, exchanges, merging, cx, .. } = self;
        lifecycle.master_list.announce(exchanges, &mut merging.rejected, cx, now);
    }

    pub(in crate::protocol::machine) fn download_master_list(&mut self) {
        let Self { lifecycle, exchanges, merging, cx, .. } = self;
        lifecycle.master_list.download(exchanges, &mut merging.rejected, cx);
    }

    /// Downloads the master list again, if there is still a reason.
    pub(in crate::protocol::machine) fn download_again(&mut self) {
        let Self { lifecycle, members, exchanges, merging, cx, .. } = self;
        lifecycle.master_list.download_again(members, exchanges, &mut merging.rejected, cx);
    }

    /// Greets other servers.
    pub(in crate::protocol::machine) fn greet(&mut self, now: Now) {
        let mut peers = self.members.roster.sample_many(&mut self.cx);
        // A random one: the monitors come last, and every newcomer would ask them.
        let first = (!peers.is_empty()).then(|| peers.swap_remove(self.cx.rng.random_range(0..peers.len())));
        self.native.anti_entropy.allow_full_roster_tries(FULL_ROSTER_TRIES);
        let mut greetings = self.send_gossip(first.into_iter().collect(), Purpose::Introduction, now);
        greetings.append(&mut self.send_gossip(peers, Purpose::Greeting, now));
        if greetings.is_empty() {
            return self.begin_running(now);
        }
        let Self { lifecycle, members, exchanges, cx, .. } = self;
        lifecycle.begin_greeting(members, exchanges, cx, greetings, now);
        // Peers that hang must not keep this server silent. Its probes show those that cannot reach
        // it yet that it is alive.
        self.schedule_probe(now.tick);
    }

    /// Stops waiting for unanswered greetings, first for those to servers that are most likely
    /// dead.
    pub(in crate::protocol::machine) fn end_greeting(&mut self, now: Now) {
        let overdue = self.lifecycle.take_overdue(&self.members, &self.exchanges, now);
        let Some(overdue) = overdue else { return self.begin_running(now) };
        let is_introduction = |id: &ExchangeId| {
            let exchange = self.exchanges.in_flight.get(*id);
            exchange.is_some_and(|exchange| exchange.purpose == Purpose::Introduction)
        };
        if overdue.iter().any(is_introduction) {
            self.ask_for_full_roster("", &[], now);
        }
        if self.lifecycle.end_greetings(&overdue) {
            return self.begin_running(now);
        }
        self.lifecycle.await_others(&mut self.cx, now);
    }

    pub(in crate::protocol::machine) fn begin_running_when_greeted(&mut self, id: ExchangeId, now: Now) {
        if self.lifecycle.end_greetings(&[id]) {
            self.begin_running(now);
        }
    }

    /// Ends the start, with [`Event::Started`].
    pub(in crate::protocol::machine) fn begin_running(&mut self, now: Now) {
        if self.cx.run_state != RunState::Starting {
            return;
        }
        self.lifecycle.enter(&mut self.cx, Phase::Running);
        self.cx.events.push_back(Event::Started);
        self.members.roster.journal.begin(now.tick);
        self.merging.newcomers.record_start(now.tick);
        self.cx.timers.stop(Timer::Bootstrap);
        self.legacy.rounds.schedule(&mut self.cx, now.tick);
        reconnect::schedule_first(&mut self.cx, now.tick);
        master_list::schedule_announcement(&mut self.cx, now.tick);
        self.cx.timers.set(Timer::Retention, now.tick);
        self.legacy.push.schedule(&mut self.cx, now.tick);
        self.schedule_verification(now.tick);
        if self.is_native() {
            self.schedule_probe(now.tick);
            self.spread_own_claim(now);
            self.cx.timers.set(Timer::DeathNotices, now.tick);
            if self.members.roster.review_count() > 0 {
                self.cx.timers.set(Timer::Suspicion, now.tick);
            }
        }
    }

    /// Takes this server offline now, notifies the others, and ends. [`Event::ShutDown`] marks the
    /// end.
    pub fn handle_leave(&mut self, now: Now) {
        if self.members.local.is_leaving() {
            return;
        }
        self.check_clock(now);
        let may_have_sibling = self.lifecycle.own_url.may_have_sibling(&self.members, &self.cx);
        self.members.leave_quietly(now);
        self.exchanges.rumours.clear();
        if self.cx.run_state == RunState::Starting {
            self.cx.events.push_back(Event::Started);
        }
        self.exchanges.in_flight.abandon_all();
        self.lifecycle.master_list.give_up();
        self.cx.timers.stop_all();
        self.cx.transmits.clear();
        self.cx.transmits.push_back(Transmit::AbandonAll);
        if may_have_sibling {
            self.cx.timers.set(Timer::Farewell, now.tick + SIBLING_TIMEOUT);
            return self.ask_for_sibling(SIBLING_TRIES, now);
        }
        self.say_farewell(now);
    }

    pub(in crate::protocol::machine) fn ask_for_sibling(&mut self, tries: u8, now: Now) {
        let Self { lifecycle, members, exchanges, cx, .. } = self;
        let asked = own_url::ask(members, exchanges, cx, SIBLING_TIMEOUT, now);
        lifecycle.enter(cx, Phase::Siblings { asked, tries_left: tries - 1 });
    }

    /// Notifies the others that this URL goes offline.
    pub(in crate::protocol::machine) fn say_farewell(&mut self, now: Now) {
        self.members.local.leave(now);
        // A request to its own URL may still be in flight.
        self.exchanges.in_flight.abandon_all();
        let peers = self.members.roster.sample_many(&mut self.cx);
        let farewells = self.send_gossip(peers, Purpose::Farewell, now);
        let is_alone = farewells.is_empty();
        self.lifecycle.begin_farewell(&mut self.cx, farewells, now);
        if is_alone {
            self.end_farewell_stage(now);
        }
    }

    pub(in crate::protocol::machine) fn end_farewell_when_answered(&mut self, id: ExchangeId, now: Now) {
        if self.lifecycle.end_farewell(id) {
            self.end_farewell_stage(now);
        }
    }

    /// Continues the leave once the others know, or hang: with the upload of the master list if
    /// configured, then with the end.
    pub(in crate::protocol::machine) fn end_farewell_stage(&mut self, now: Now) {
        if matches!(self.lifecycle.phase(), Phase::Siblings { .. }) {
            return self.say_farewell(now);
        }
        let Self { lifecycle, exchanges, merging, cx, .. } = self;
        if !lifecycle.begin_last_upload(exchanges, &mut merging.rejected, cx, now) {
            lifecycle.end(exchanges, cx);
        }
    }

    /// Records a request of another process: this server is reachable.
    pub(in crate::protocol::machine) fn record_request(&mut self, now: Now) {
        let Self { lifecycle, members, exchanges, cx, .. } = self;
        lifecycle.own_url.record_request(members, exchanges, cx, now);
        self.apply(now);
    }

    /// Records that this server counts as reachable again.
    pub(in crate::protocol::machine) fn record_reached_again(&mut self, now: Now) {
        let Self { lifecycle, members, exchanges, cx, .. } = self;
        lifecycle.own_url.record_reached(members, exchanges, cx, now);
        self.apply(now);
    }

    /// Excuses the check of its own URL, which does not answer because the event loop is blocked.
    pub(in crate::protocol::machine) fn excuse_check(&mut self, now: Now) {
        let Self { lifecycle, members, exchanges, cx, .. } = self;
        lifecycle.own_url.excuse_check(members, exchanges, cx, now);
        self.apply(now);
    }

    pub(in crate::protocol::machine) fn review_own_url(&mut self, now: Now) {
        self.lifecycle.own_url.give_up_if_due(&self.members, &mut self.cx, now);
    }

    /// Records a message of another process. Returns whether that process is a sibling.
    pub(in crate::protocol::machine) fn record_process(&mut self, message: &Extension) -> bool {
        self.lifecycle.own_url.record_process(&self.members, &self.exchanges, &self.cx, message)
    }
}
