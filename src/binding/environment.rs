//! The engine of one JavaScript environment: the main thread's, or a worker's.

use std::cell::{Cell, Ref, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{Buffer, Object};
use napi_derive::napi;

use super::errors::{Result, internal, not_started};
use crate::driver::Engine;
use crate::protocol::config::Config;

/// So long an environment that ends waits for its engine to let go of everything.
const LAST_WAIT: Duration = Duration::from_millis(500);

/// Held by the environment itself: no garbage collection can end it, and no other environment sees it.
#[derive(Default)]
pub(super) struct EngineSlot {
    engine: RefCell<Option<Engine>>,
    /// How many engines there were: no two of them have the same number.
    number: Cell<u32>,
    /// Counted in all that is lent.
    lender: Arc<()>,
    /// The last warnings about secrets.
    secret_warnings: RefCell<Vec<String>>,
}

/// Memory of the environment that another thread reads: the environment waits for it before it goes.
pub(super) struct Lent {
    parts: Vec<Buffer>,
    lender: Arc<()>,
}

impl Lent {
    pub(super) fn parts(&self) -> &[Buffer] {
        &self.parts
    }

    /// Lets the environment go, and gives back what its own thread drops at less cost.
    pub(super) fn give_back(self) -> Vec<Buffer> {
        drop(self.lender);
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

    /// The engine for the length of one call, without the counting that a handle of one's own takes.
    pub(super) fn borrow(&self) -> Result<Ref<'_, Engine>> {
        Ref::filter_map(self.engine.borrow(), Option::as_ref).map_err(|_| not_started())
    }

    pub(super) fn fill(&self, engine: Engine) {
        self.number.set(self.number.get().wrapping_add(1));
        if let Some(previous) = self.engine.replace(Some(engine)) {
            previous.stop();
        }
    }

    /// Of the engine that was put here last; 0 while there was none.
    pub(super) fn number(&self) -> u32 {
        self.number.get()
    }

    /// Warnings about secrets that this environment has not been told yet: programs may start their engine many times.
    pub(super) fn new_secret_warnings(&self, config: &Config) -> Vec<String> {
        let warnings = config.secret_warnings();
        let told = self.secret_warnings.replace(warnings.clone());
        warnings.into_iter().filter(|warning| !told.contains(warning)).collect()
    }

    pub(super) fn clear(&self) {
        self.engine.take();
    }

    /// Bytes for another thread.
    pub(super) fn lend(&self, parts: Vec<Buffer>) -> Lent {
        Lent { parts, lender: Arc::clone(&self.lender) }
    }

    /// Threads that read what is lent wait for nothing, so that this takes milliseconds.
    fn wait_for_what_is_lent(&self) {
        while Arc::strong_count(&self.lender) > 1 {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Gives the environment that loads the addon its slot, and sees to it that no engine outlives it.
#[napi(module_exports)]
pub fn attach(_exports: Object<'_>, env: Env) -> napi::Result<()> {
    let slot = Rc::new(EngineSlot::default());
    env.add_env_cleanup_hook(Rc::clone(&slot), |slot| {
        if let Some(engine) = slot.engine.take() {
            engine.stop();
            engine.wait_until_ended(LAST_WAIT);
        }
        slot.wait_for_what_is_lent();
    })?;
    env.set_instance_data(slot, (), |_| {})
}
