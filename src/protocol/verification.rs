//! Verification: what was heard is asked of the subject itself, by `GET {base_url}clustershazbot/list`.
//!
//! A gossip request would put a drained original back online, so it is sent only where there is no list to be had.
//! Rounds never wait for a verification, and a joiner's begin when its start has resolved.

use std::sync::Arc;

use super::case::{Case, Comeback, Stage};
use super::flights::{ExchangeId, Flight, OwnWord, Purpose};
use super::inquest::MAX_ASKED;
use super::machine::Machine;
use super::member::{Status, Verdict};
use super::message::Reply;
use super::output::Transmit;
use super::time::{Now, Stamp, Tick};
use super::timers::Timer;

impl Machine {
    /// Hearsay that has been taken for true, or an old claim against a tombstone: to be verified some time.
    pub(super) fn question(&mut self, identity: &Arc<str>) {
        self.open_case(identity, false, |_| {});
    }

    /// Hearsay that a member is offline which this server found alive.
    pub(super) fn accuse(&mut self, identity: &Arc<str>, stamp: Stamp) {
        self.open_case(identity, true, |case| case.accuse(stamp));
    }

    /// Hearsay that a member is online which this server found dead.
    pub(super) fn hear_comeback(&mut self, identity: &Arc<str>, comeback: Comeback) {
        self.open_case(identity, true, |case| case.hear_comeback(comeback));
    }

    fn open_case(&mut self, identity: &Arc<str>, is_urgent: bool, add: impl FnOnce(&mut Case)) {
        let Some(member) = self.roster.get_mut(identity) else { return };
        let is_new = member.case.is_none();
        let case = member.case.get_or_insert_with(|| Box::new(Case::new()));
        let news_before = (case.accusation, case.comeback);
        add(case);
        let has_more = (case.accusation, case.comeback) != news_before;
        if is_new || (is_urgent && has_more && case.stage == Stage::Queued) {
            self.inquest.queue(Arc::clone(identity), is_urgent);
        }
    }

    pub(super) fn schedule_verification(&mut self, now: Tick) {
        if !self.phase.is_running() {
            return;
        }
        let can_ask = self.flights.count(Purpose::is_verification) < MAX_ASKED;
        match self.inquest.next_wake(can_ask) {
            Some(at) => self.timers.set(Timer::Verify, at.max(now)),
            None => self.timers.stop(Timer::Verify),
        }
    }

    /// Sends out as many questions as the pace allows.
    pub(super) fn verify(&mut self, now: Now) {
        for identity in self.inquest.take_due(now.tick) {
            let Some(member) = self.roster.get_mut(&identity) else { continue };
            let Some(case) = member.case.as_mut().filter(|case| matches!(case.stage, Stage::Waiting(_)))
            else {
                continue;
            };
            case.stage = Stage::Queued;
            let is_accused = case.standing_accusation(member.stamp).is_some();
            self.inquest.queue(identity, is_accused);
        }
        while self.flights.count(Purpose::is_verification) < MAX_ASKED {
            let Some(identity) = self.inquest.take_next(now.tick, &mut self.rng) else { break };
            self.inquire(identity, now);
        }
        self.schedule_verification(now.tick);
    }

    fn inquire(&mut self, identity: Arc<str>, now: Now) {
        let Some(member) = self.roster.get_mut(&identity) else { return };
        let is_accused_or_back = |case: &Case| case.accusation.is_some() || case.comeback.is_some();
        // An answer to something else may have settled the question meanwhile.
        if member.is_online() && member.is_first_hand(true, now) {
            member.case.take_if(|case| case.stage == Stage::Queued && !is_accused_or_back(case));
        }
        let Some(case) = member.case.as_mut().filter(|case| case.stage == Stage::Queued) else { return };
        case.stage = Stage::Asked;
        let base_url = Arc::clone(&member.spelling);
        self.inquest.spend_slot(now.tick);
        let id = self.flights.begin(identity, Purpose::Inquiry);
        self.transmits.push_back(Transmit::Inquire { id, base_url });
    }

    /// What a verification has found.
    pub(super) fn conclude_verification(&mut self, flight: &Flight, reply: &Reply<'_>, now: Now) {
        let peer = &flight.peer;
        match (reply, &flight.own_word, flight.purpose) {
            (Reply::Lists(_), Some(word), _) => self.heed_own_word(peer, word, now),
            (Reply::Lists(_), None, Purpose::Inquiry) => self.find_absent(peer, None, now),
            (Reply::Lists(_), None, _) => self.close_case(peer),
            (Reply::Refusal(_), ..) => self.find_alive(peer, None, now),
            (Reply::Unclear(_), _, Purpose::Inquiry) if !self.flights.is_talking_to(peer) => {
                self.converse(Arc::clone(peer), Purpose::Trial, now);
            }
            (Reply::Unclear(_) | Reply::Failure(_), ..) => self.find_silent(peer, now),
        }
    }

    /// A member has said itself where it stands.
    pub(super) fn heed_own_word(&mut self, peer: &Arc<str>, word: &OwnWord, now: Now) {
        if word.online {
            self.find_alive(peer, Some(word), now);
        } else {
            self.find_absent(peer, Some(word.stamp), now);
        }
    }

    /// A member has answered. Claims that said otherwise are outdone, for an original does not refute them itself.
    pub(super) fn find_alive(&mut self, peer: &Arc<str>, word: Option<&OwnWord>, now: Now) {
        let Some(member) = self.roster.get_mut(peer) else { return };
        member.verdict = Some(Verdict { alive: true, at: now.tick });
        member.refreshed_at = now.tick;
        if let Some(word) = word {
            member.spelling = Arc::clone(&word.spelling);
            member.monitor = word.monitor;
            member.saw(word.stamp);
        }
        let case = member.case.take();
        let was_offline = !member.is_online();
        let accusation = case.and_then(|case| case.standing_accusation(member.stamp));
        let contested =
            if was_offline { Some(member.stamp.max(accusation.unwrap_or_default())) } else { accusation };
        let answered = word.map_or(Stamp::default(), |word| word.stamp);
        member.stamp = match contested {
            Some(contested) if answered <= contested => member.highest_seen.next(),
            _ => member.stamp.max(answered),
        };
        let stamp = member.stamp;
        member.saw(stamp);
        self.roster.transition(peer, Status::Online, now.tick);
        if let Some(member) = self.roster.get_mut(peer) {
            member.has_answered = true;
        }
        if contested.is_some() {
            self.push_to_few(now.tick);
        }
        if was_offline {
            self.push_to(Arc::clone(peer), now);
        }
    }

    /// A member has answered without showing itself online: it was drained, leaves, or is another server by now.
    pub(super) fn find_absent(&mut self, peer: &Arc<str>, own_stamp: Option<Stamp>, now: Now) {
        let Some(member) = self.roster.get_mut(peer) else { return };
        member.verdict = Some(Verdict { alive: false, at: now.tick });
        let case = member.case.take();
        let has_comeback = case.as_ref().is_some_and(|case| case.comeback.is_some());
        let accusation = case.and_then(|case| case.standing_accusation(member.stamp));
        if let Some(own_stamp) = own_stamp {
            member.saw(own_stamp);
        }
        if member.is_online() || has_comeback {
            // The claim's own stamp where there is one, so that all who hear of it hold the same tombstone.
            member.stamp = own_stamp
                .max(accusation)
                .filter(|stamp| *stamp > member.stamp)
                .unwrap_or_else(|| member.highest_seen.next());
        } else {
            member.stamp = member.stamp.max(own_stamp.unwrap_or_default());
        }
        self.lay_tombstone(peer, Status::Left, now);
    }

    /// A member has not answered. Accused it is offline at once; else it is asked again before it is buried.
    pub(super) fn find_silent(&mut self, peer: &Arc<str>, now: Now) {
        let Some(member) = self.roster.get_mut(peer) else { return };
        let mut case = member.case.take().unwrap_or_else(|| Box::new(Case::new()));
        let accusation = case.standing_accusation(member.stamp);
        let has_tombstone = !member.is_online() && case.comeback.is_none();
        if has_tombstone {
            member.verdict = Some(Verdict { alive: false, at: now.tick });
        } else if let Some(accusation) = accusation.filter(|_| member.is_online()) {
            member.verdict = Some(Verdict { alive: false, at: now.tick });
            member.stamp = accusation;
            self.lay_tombstone(peer, Status::Dead, now);
        } else if let Some(again) = case.fail(member, now) {
            case.stage = Stage::Waiting(again);
            member.case = Some(case);
            self.inquest.wait(Arc::clone(peer), again);
        } else {
            self.bury(peer, now);
        }
    }

    /// This server itself has found a member dead.
    pub(super) fn bury(&mut self, peer: &Arc<str>, now: Now) {
        let Some(member) = self.roster.get_mut(peer) else { return };
        member.verdict = Some(Verdict { alive: false, at: now.tick });
        member.case = None;
        member.stamp = member.tombstone_stamp(now);
        let stamp = member.stamp;
        member.saw(stamp);
        self.lay_tombstone(peer, Status::Dead, now);
        self.push_to_few(now.tick);
    }

    /// Another exchange than a verification has failed: asks again, unless that is under way already.
    pub(super) fn doubt(&mut self, peer: &Arc<str>, now: Now) {
        if self.roster.get(peer).is_some_and(|member| member.is_online() && member.case.is_none()) {
            self.find_silent(peer, now);
        }
    }

    fn lay_tombstone(&mut self, peer: &Arc<str>, status: Status, now: Now) {
        self.roster.transition(peer, status, now.tick);
        if let Some(member) = self.roster.get(peer) {
            self.schedule_drop(member.stamp, now);
        }
    }

    fn close_case(&mut self, peer: &str) {
        if let Some(member) = self.roster.get_mut(peer) {
            member.case = None;
        }
    }

    /// The reply to any exchange, by its purpose.
    pub(super) fn conclude(&mut self, now: Now, id: ExchangeId, flight: &Flight, reply: &Reply<'_>) {
        if flight.purpose.is_verification() {
            self.conclude_verification(flight, reply, now);
            return self.begin_running_when_greeted(id, now);
        }
        match (reply, &flight.own_word) {
            (Reply::Lists(_), Some(word)) => self.heed_own_word(&flight.peer, word, now),
            (Reply::Lists(_), None) => {}
            (Reply::Refusal(_), _) => self.find_alive(&flight.peer, None, now),
            (Reply::Unclear(_) | Reply::Failure(_), _) => match flight.purpose {
                Purpose::Round => self.fail_round(&flight.peer, now),
                Purpose::Farewell => {}
                _ => self.doubt(&flight.peer, now),
            },
        }
        if flight.purpose == Purpose::Round && !matches!(reply, Reply::Unclear(_) | Reply::Failure(_)) {
            self.end_round(now);
        }
        self.begin_running_when_greeted(id, now);
        self.end_farewell_when_told(id, now);
    }
}
