//! A reader of a server's news, who replays them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::protocol::machine::Machine;
use crate::protocol::message::Entry;
use crate::protocol::news::News;
use crate::protocol::status::Status;
use crate::protocol::time::{Now, Stamp, Tick};

/// The time does not matter for what is told.
const NOW: Now = Now { tick: Tick(0), wall: Stamp(0) };

/// What a reader of a server's news has been told.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The number of the news that it was told last; `None` before the first check.
    view: Option<u64>,
    /// By the URLs that programs see.
    states: BTreeMap<Arc<str>, Status>,
}

impl Reader {
    /// Tells the reader the news of one step.
    ///
    /// # Errors
    /// Returns what is wrong with them: they do not follow those before, or do not yield the list.
    pub(super) fn check(&mut self, machine: &Machine) -> Result<(), String> {
        let view = machine.summary(NOW).view;
        let missed = machine.missed(self.view, NOW);
        if !missed.servers.is_empty() {
            self.states.clear();
            missed.servers.iter().try_for_each(|server| self.tell(server))?;
        } else {
            let told = self.view.unwrap_or_default() + missed.news.len() as u64;
            if told != view {
                return Err(format!("was told {told} news of {view}"));
            }
            missed.news.iter().try_for_each(|news| self.tell(news))?;
        }
        self.view = Some(view);
        self.compare(machine)
    }

    fn tell(&mut self, news: &News) -> Result<(), String> {
        let known = match news.state {
            Some(state) => self.states.insert(Arc::clone(&news.base_url), state),
            None => self.states.remove(&news.base_url),
        };
        if known != news.previous || news.previous == news.state {
            return Err(format!("was told {known:?} before {news:?}"));
        }
        Ok(())
    }

    fn compare(&self, machine: &Machine) -> Result<(), String> {
        let mut servers = 0;
        for (Entry { base_url, .. }, status) in machine.servers() {
            servers += 1;
            let told = self.states.get(&*base_url);
            if told != Some(&status) {
                return Err(format!("was told {told:?} of {base_url}, which is {status:?}"));
            }
        }
        if servers != self.states.len() {
            return Err(format!("was told of {} servers, not {servers}", self.states.len()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::spec::{Kind, Spec};
    use crate::sim::world::World;

    #[test]
    fn a_reader_with_wrong_news_is_a_violation() {
        let mut world = World::new(1);
        world.populate(&[Spec::of(Kind::Native); 3]);
        let machine = world.processes[0].machine().unwrap();
        let url = &*world.hosts[1].url;
        let mut told = Reader::default();
        assert_eq!(told.check(machine), Ok(()));
        told.view = Some(0);
        assert!(told.check(machine).unwrap_err().contains("before"), "it was told this before");
        let mut told = Reader::default();
        told.check(machine).unwrap();
        told.states.insert(url.into(), Status::Dead);
        assert!(told.check(machine).unwrap_err().contains("which is Online"));
        told.states.insert(url.into(), Status::Online);
        told.states.insert("http://nobody/".into(), Status::Left);
        assert!(told.check(machine).unwrap_err().contains("4 servers, not 3"));
    }
}
