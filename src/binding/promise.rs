//! Promises for work on other threads. They share one type and one function, since each further one
//! adds kilobytes to the addon.

use std::future::Future;
use std::pin::Pin;

use napi::Env;
use napi::bindgen_prelude::PromiseRaw;

use super::errors::{Result, internal};

/// The result of such work: a text that concerns JavaScript, if there is one.
pub(super) type Outcome = Option<String>;

/// Such work.
pub(super) type Work = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Runs the work on another thread, then `afterwards` on the JavaScript thread. The promise
/// resolves with the outcome, since a rejection could not have a code.
#[inline(never)]
pub(super) fn promise<'env>(
    env: &'env Env,
    work: Work,
    afterwards: fn(&Env, &Outcome),
) -> Result<PromiseRaw<'env, Outcome>> {
    env.spawn_future_with_callback(async move { Ok(work.await) }, move |env, outcome| {
        afterwards(env, &outcome);
        Ok(outcome)
    })
    .map_err(internal)
}
