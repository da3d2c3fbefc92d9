//! Watches record which of the running servers learn a piece of news, and when.

use std::sync::Arc;

use super::clock::Millis;
use super::process::{Engine, Process};
use super::wire::ProcessId;

/// The news that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// This server is online.
    Online(Arc<str>),
    /// This server is not online.
    Offline(Arc<str>),
    /// This many servers are living, including the watching one.
    Living(u32),
}

/// The record of one piece of news.
#[derive(Debug, Clone)]
pub struct Watch {
    /// The news.
    pub news: News,
    /// When it became true.
    pub since: Millis,
    /// The number of servers that should learn it.
    pub audience: u32,
    /// The number of servers that know it.
    pub informed: u32,
    /// How many knew at which time; grows with each change.
    pub curve: Vec<(Millis, u32)>,
    /// Since when all know.
    pub complete_since: Option<Millis>,
    members: Vec<Member>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Outside,
    Unaware,
    Informed,
}

/// Identifies a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchId(usize);

/// All open watches.
#[derive(Debug, Default)]
pub struct Watches {
    open: Vec<Option<Watch>>,
    changes: u64,
}

impl Watch {
    /// Creates a completed record.
    pub(super) fn from_curve(audience: u32, curve: Vec<(Millis, u32)>) -> Self {
        let (last, informed) = curve.last().copied().unwrap_or_default();
        let complete_since = (informed == audience).then_some(last);
        let news = News::Living(audience);
        Self { news, since: 0, audience, informed, curve, complete_since, members: Vec::new() }
    }

    /// Whether all know.
    pub fn is_complete(&self) -> bool {
        self.informed == self.audience
    }

    /// Returns the time until all knew for good; `None` if some do not know.
    pub fn duration(&self) -> Option<Millis> {
        self.complete_since.map(|at| at - self.since)
    }

    /// Returns the time until this share first knew.
    pub fn duration_of(&self, share: f64) -> Option<Millis> {
        let is_wanted = (share * f64::from(self.audience)).ceil();
        let reached = self.curve.iter().find(|(_, informed)| f64::from(*informed) >= is_wanted);
        reached.map(|(at, _)| at - self.since)
    }

    fn update(&mut self, now: Millis, id: ProcessId, process: &Process) -> bool {
        let Some(member) = self.members.get_mut(id.index()) else { return false };
        let knows = match (&self.news, *member) {
            (_, Member::Outside) => return false,
            (News::Online(url), _) => process.sees_online(url),
            (News::Offline(url), _) => !process.sees_online(url),
            (News::Living(is_wanted), _) => match &process.engine {
                Some(Engine::Native(machine)) => machine.living() == *is_wanted as usize,
                Some(Engine::Legacy(legacy)) => legacy.online_count() == *is_wanted as usize,
                None => false,
            },
        };
        let state = if knows { Member::Informed } else { Member::Unaware };
        if std::mem::replace(member, state) == state {
            return false;
        }
        self.informed = if knows { self.informed + 1 } else { self.informed - 1 };
        self.record(now);
        true
    }

    fn record(&mut self, now: Millis) {
        self.curve.push((now, self.informed));
        self.complete_since =
            if self.is_complete() { Some(self.complete_since.unwrap_or(now)) } else { None };
    }

    /// The number of times that a server forgot the news.
    pub fn forgotten(&self) -> usize {
        self.curve
            .windows(2)
            .filter(|pair| matches!(pair, [(_, before), (_, after)] if after < before))
            .count()
    }

    fn forget(&mut self, now: Millis, id: ProcessId) {
        let Some(member) = self.members.get_mut(id.index()) else { return };
        match std::mem::replace(member, Member::Outside) {
            Member::Outside => return,
            Member::Unaware => {}
            Member::Informed => self.informed -= 1,
        }
        self.audience -= 1;
        self.record(now);
    }
}

impl Watches {
    /// Starts to watch the processes that are `is_wanted`.
    pub fn open(
        &mut self,
        now: Millis,
        news: News,
        processes: &[Process],
        is_wanted: impl Fn(&Process) -> bool,
    ) -> WatchId {
        let member = |process: &Process| if is_wanted(process) { Member::Unaware } else { Member::Outside };
        let members: Vec<Member> = processes.iter().map(member).collect();
        let audience = members.iter().filter(|member| **member == Member::Unaware).count();
        let mut watch = Watch {
            news,
            since: now,
            audience: u32::try_from(audience).unwrap_or(u32::MAX),
            informed: 0,
            curve: vec![(now, 0)],
            complete_since: None,
            members,
        };
        for (process, id) in processes.iter().zip(0..) {
            watch.update(now, ProcessId(id), process);
        }
        self.open.push(Some(watch));
        WatchId(self.open.len() - 1)
    }

    /// Returns the current record.
    pub fn get(&self, id: WatchId) -> Option<&Watch> {
        self.open.get(id.0)?.as_ref()
    }

    /// Whether all know.
    pub fn is_complete(&self, id: WatchId) -> bool {
        self.get(id).is_some_and(Watch::is_complete)
    }

    /// Ends a watch.
    pub fn close(&mut self, id: WatchId) -> Option<Watch> {
        let watch = self.open.get_mut(id.0)?.take();
        while self.open.last().is_some_and(Option::is_none) {
            self.open.pop();
        }
        watch
    }

    /// Incremented when a server learns or forgets the news.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    pub(super) fn observe(&mut self, now: Millis, id: ProcessId, process: &Process) {
        for watch in self.open.iter_mut().flatten() {
            self.changes += u64::from(watch.update(now, id, process));
        }
    }

    pub(super) fn forget(&mut self, now: Millis, id: ProcessId) {
        self.changes += 1;
        self.open.iter_mut().flatten().for_each(|watch| watch.forget(now, id));
    }
}
