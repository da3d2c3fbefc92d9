//! The engine of one JavaScript environment: the main thread's, or a worker's.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;

use super::errors::{Result, internal, not_started};
use crate::driver::Engine;

/// So long an environment that ends waits for its engine to let go of everything.
const LAST_WAIT: Duration = Duration::from_millis(500);

/// Held by the environment itself: no garbage collection can end it, and no other environment sees it.
#[derive(Default)]
pub(super) struct EngineSlot(RefCell<Option<Engine>>);

impl EngineSlot {
    pub(super) fn of(env: &Env) -> Result<&'static Rc<Self>> {
        let slot = env.get_instance_data::<Rc<Self>>().map_err(internal)?;
        slot.map(|slot| &*slot).ok_or_else(not_started)
    }

    pub(super) fn engine(&self) -> Result<Engine> {
        self.0.borrow().clone().ok_or_else(not_started)
    }

    pub(super) fn fill(&self, engine: Engine) {
        if let Some(previous) = self.0.replace(Some(engine)) {
            previous.stop();
        }
    }

    pub(super) fn clear(&self) {
        self.0.take();
    }
}

/// Gives the environment that loads the addon its slot, and sees to it that no engine outlives it.
#[napi(module_exports)]
pub fn attach(_exports: Object<'_>, env: Env) -> napi::Result<()> {
    let slot = Rc::new(EngineSlot::default());
    env.add_env_cleanup_hook(Rc::clone(&slot), |slot| {
        if let Some(engine) = slot.0.take() {
            engine.stop();
            engine.wait_until_ended(LAST_WAIT);
        }
    })?;
    env.set_instance_data(slot, (), |_| {})
}
