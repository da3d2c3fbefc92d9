//! The named timers of the machine, and the next time at which it is to be woken.

use crate::protocol::types::time::Tick;

/// The timers of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Timer {
    /// The end of the wait for peers at a start.
    Bootstrap,
    /// The next gossip round.
    Round,
    /// The second try of a round.
    SecondTry,
    /// News to be pushed at once.
    Push,
    /// The next verification.
    Verify,
    /// The next attempt to reach a server declared dead.
    Reconnect,
    /// The next download after a failed one.
    Download,
    /// The next announcement to the master list.
    Announce,
    /// Tombstones to be dropped.
    Retention,
    /// The next probe of a native server.
    Probe,
    /// The next round of pushes among native servers.
    Rumours,
    /// Investigations of servers that did not answer.
    Investigations,
    /// Suspects to be declared dead.
    Suspicion,
    /// Servers whose answers prove nothing.
    Refusals,
    /// Drained legacy peers that may have returned.
    Absent,
    /// Death notices for legacy peers.
    DeathNotices,
    /// The next request to an unconfirmed entry of the master list.
    Listings,
    /// A look at the clock, which may have been set since it caused a rejection.
    Clock,
    /// The next check of a native server known by hearsay alone.
    Strangers,
    /// The next request to a server that is left out.
    Outsiders,
    /// The end of the wait for peers at a shutdown.
    Farewell,
}

const COUNT: usize = Timer::Farewell as usize + 1;

const ALL: [Timer; COUNT] = [
    Timer::Bootstrap,
    Timer::Round,
    Timer::SecondTry,
    Timer::Push,
    Timer::Verify,
    Timer::Reconnect,
    Timer::Download,
    Timer::Announce,
    Timer::Retention,
    Timer::Probe,
    Timer::Rumours,
    Timer::Investigations,
    Timer::Suspicion,
    Timer::Refusals,
    Timer::Absent,
    Timer::DeathNotices,
    Timer::Listings,
    Timer::Clock,
    Timer::Strangers,
    Timer::Outsiders,
    Timer::Farewell,
];

/// When each timer is due, if it is set.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Timers([Option<Tick>; COUNT]);

impl Timers {
    pub(in crate::protocol) fn set(&mut self, timer: Timer, at: Tick) {
        self.0[timer as usize] = Some(at);
    }

    pub(in crate::protocol) fn set_earlier(&mut self, timer: Timer, at: Tick) {
        let slot = &mut self.0[timer as usize];
        *slot = Some(slot.map_or(at, |held| held.min(at)));
    }

    pub(in crate::protocol) fn get(&self, timer: Timer) -> Option<Tick> {
        self.0[timer as usize]
    }

    pub(in crate::protocol) fn stop(&mut self, timer: Timer) {
        self.0[timer as usize] = None;
    }

    pub(in crate::protocol) fn stop_all(&mut self) {
        self.0 = Default::default();
    }

    pub(in crate::protocol) fn next(&self) -> Option<Tick> {
        self.0.iter().flatten().min().copied()
    }

    /// Stops and returns the timer that has been due longest.
    pub(in crate::protocol) fn expire(&mut self, now: Tick) -> Option<Timer> {
        let due = |timer: &Timer| self.0[*timer as usize].filter(|at| *at <= now);
        let timer = ALL.into_iter().filter(|timer| due(timer).is_some()).min_by_key(due)?;
        self.stop(timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_expire_in_the_order_of_their_times() {
        let mut timers = Timers::default();
        timers.set(Timer::Push, Tick(30));
        timers.set(Timer::Round, Tick(10));
        timers.set(Timer::Farewell, Tick(50));
        timers.set_earlier(Timer::Push, Tick(40));
        assert_eq!(timers.next(), Some(Tick(10)));
        assert_eq!(timers.expire(Tick(9)), None);
        assert_eq!(timers.expire(Tick(45)), Some(Timer::Round));
        assert_eq!(timers.expire(Tick(45)), Some(Timer::Push));
        assert_eq!(timers.expire(Tick(45)), None);
        timers.stop_all();
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn every_timer_has_a_slot_of_its_own() {
        for (index, timer) in ALL.into_iter().enumerate() {
            assert_eq!(timer as usize, index);
        }
    }
}
