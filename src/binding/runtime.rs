//! The threads of all engines in this process. The first start creates them, since creating them
//! while the addon is loaded would double its loading time; the last environment ends them. napi's
//! own runtime would create its threads whenever an environment loads the addon.

use std::num::NonZero;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

use super::errors::{Result, internal};

/// Threads that run tasks; other threads, which come and go, run what blocks. An engine mostly
/// waits for the network, however many processors there are.
const MAX_THREADS: usize = 4;

/// How long the last environment waits for the threads to end.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(100);

static THREADS: Mutex<Threads> = Mutex::new(Threads { environments: 0, runtime: None });

struct Threads {
    environments: usize,
    runtime: Option<Runtime>,
}

/// Keeps the addon in memory for ever: its code may still run on some thread when Node.js would
/// unload it.
#[napi_derive::module_init]
fn stay_in_memory() {
    napi::bindgen_prelude::retain_current_module_for_unload_safety();
}

/// Counts an environment that has loaded the addon.
pub(super) fn enter_environment() {
    threads().environments += 1;
}

/// Ends the threads if this was the last environment.
pub(super) fn leave_environment() {
    let mut threads = threads();
    threads.environments = threads.environments.saturating_sub(1);
    let runtime = if threads.environments == 0 { threads.runtime.take() } else { None };
    drop(threads);
    if let Some(runtime) = runtime {
        runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    }
}

/// Returns what runs tasks on the threads.
///
/// # Errors
/// Fails if the threads do not exist yet and cannot be created.
pub(super) fn handle() -> Result<Handle> {
    let mut threads = threads();
    let runtime = match threads.runtime.take() {
        Some(runtime) => runtime,
        None => create().map_err(|error| internal(error.into()))?,
    };
    Ok(threads.runtime.insert(runtime).handle().clone())
}

fn create() -> std::io::Result<Runtime> {
    let processors = available_parallelism().map_or(1, NonZero::get);
    Builder::new_multi_thread().worker_threads(processors.min(MAX_THREADS)).enable_all().build()
}

fn threads() -> MutexGuard<'static, Threads> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}
