//! The engine of one JavaScript environment (the main thread or a worker).

use std::cell::{Cell, Ref, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{Buffer, Object};
use napi_derive::napi;

use super::errors::{Result, internal, not_started};
use super::{report, runtime};
use crate::driver::{Engine, NewsBell};
use crate::protocol::config::Config;
use crate::protocol::news::MAX_NEWS;

/// How long an environment that ends waits for its engine to stop.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(500);

/// Owned by the environment itself, so garbage collection cannot drop it, and no other environment
/// sees it.
#[derive(Default)]
pub(super) struct EngineSlot {
    engine: RefCell<Option<Engine>>,
    /// Engines started here so far, which numbers them uniquely.
    number: Cell<u32>,
    /// Its reference count is the number of live `LentBuffers` values.
    loans: Arc<()>,
    /// The signed header that was checked last, for the request that brings its body.
    checked: RefCell<CheckedHeader>,
    /// The warnings about secrets of the last start.
    secret_warnings: RefCell<Vec<String>>,
    /// Wakes this thread after news of any of its engines.
    pub(super) bell: Arc<NewsBell>,
    /// The number of the engine that has ended last, and all of its news that were kept; with all
    /// servers, if some news were not.
    ended: RefCell<Option<(u32, String)>>,
}

/// A header with its ticket, for which JavaScript gets the header back: a number is passed faster
/// than a text.
#[derive(Default)]
struct CheckedHeader {
    ticket: u32,
    text: String,
}

/// JavaScript memory that another thread reads. The environment waits for it before it ends.
pub(super) struct LentBuffers {
    parts: Vec<Buffer>,
    loans: Arc<()>,
}

impl LentBuffers {
    pub(super) fn parts(&self) -> &[Buffer] {
        &self.parts
    }

    /// Releases the environment. Returns the buffers, which are cheaper to drop on its own thread.
    pub(super) fn release(self) -> Vec<Buffer> {
        drop(self.loans);
        self.parts
    }
}

impl EngineSlot {
    pub(super) fn of(env: &Env) -> Result<&'static Rc<Self>> {
        let slot = env.get_instance_data::<Rc<Self>>().map_err(internal)?;
        slot.map(|slot| &*slot).ok_or_else(not_started)
    }

    pub(super) fn engine(&self) -> Result<Engine> {
        self.engine.borrow().clone().ok_or_else(not_started)
    }

    /// Borrows the engine for one call, which saves the reference counting of a clone.
    pub(super) fn borrow(&self) -> Result<Ref<'_, Engine>> {
        Ref::filter_map(self.engine.borrow(), Option::as_ref).map_err(|_| not_started())
    }

    /// Keeps a signed header, instead of the one before. Returns its ticket, which is not 0.
    pub(super) fn keep_header(&self, text: String) -> u32 {
        let mut checked = self.checked.borrow_mut();
        let ticket = checked.ticket.checked_add(1).unwrap_or(1);
        *checked = CheckedHeader { ticket, text };
        ticket
    }

    /// Returns the header with this ticket, once; `None` if another one was checked since.
    pub(super) fn take_header(&self, ticket: u32) -> Option<String> {
        let mut checked = self.checked.borrow_mut();
        let is_kept = ticket != 0 && checked.ticket == ticket && !checked.text.is_empty();
        is_kept.then(|| std::mem::take(&mut checked.text))
    }

    pub(super) fn set_engine(&self, engine: Engine) {
        self.number.set(self.number.get().wrapping_add(1));
        if let Some(previous) = self.engine.replace(Some(engine)) {
            previous.stop();
        }
    }

    /// The number of the latest engine; 0 before the first.
    pub(super) fn number(&self) -> u32 {
        self.number.get()
    }

    /// Returns the warnings about secrets that this environment has not logged yet, because
    /// programs may start their engine many times.
    pub(super) fn new_secret_warnings(&self, config: &Config) -> Vec<String> {
        let warnings = config.secrets.warnings();
        let logged = self.secret_warnings.replace(warnings.clone());
        warnings.into_iter().filter(|warning| !logged.contains(warning)).collect()
    }

    /// Drops the engine, which has ended. Keeps its last news if somebody may want to read them.
    pub(super) fn clear(&self) {
        let Some(engine) = self.engine.take() else { return };
        // It may have ended before it could leave, because it did not start.
        engine.leave();
        if self.bell.was_armed() {
            let view = engine.news(Some(u64::MAX)).summary.view;
            let report = engine.news((view <= MAX_NEWS as u64).then_some(0));
            self.ended.replace(Some((self.number(), report::text(self.number(), &engine, &report, true))));
            self.bell.ring();
        }
    }

    /// Returns the last news of the engine with this number, if it has ended.
    pub(super) fn news_of_ended(&self, number: u32) -> Option<String> {
        let ended = self.ended.borrow();
        ended.as_ref().filter(|(ended, _)| *ended == number).map(|(_, news)| news.clone())
    }

    /// Lends bytes to another thread.
    pub(super) fn lend(&self, parts: Vec<Buffer>) -> LentBuffers {
        LentBuffers { parts, loans: Arc::clone(&self.loans) }
    }

    /// Takes milliseconds, because threads that read lent bytes never wait.
    fn wait_for_loans(&self) {
        while Arc::strong_count(&self.loans) > 1 {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Creates the slot of an environment that loads the addon, and stops its engine when it ends.
#[napi(module_exports)]
pub fn attach(_exports: Object<'_>, env: Env) -> napi::Result<()> {
    let slot = Rc::new(EngineSlot::default());
    env.add_env_cleanup_hook(Rc::clone(&slot), |slot| {
        if let Some(engine) = slot.engine.take() {
            engine.stop();
            engine.wait_until_ended(SHUTDOWN_TIMEOUT);
        }
        slot.wait_for_loans();
        runtime::leave_environment();
    })?;
    runtime::enter_environment();
    env.set_instance_data(slot, (), |_| {})
}
