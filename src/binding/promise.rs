//! Promises for work on other threads. They share one type, since each adds ten kilobytes to the
//! addon.

use std::future::Future;
use std::pin::Pin;

use napi::Env;
use napi::bindgen_prelude::PromiseRaw;

use super::errors::{Result, internal};

/// The result of such work: a text that concerns JavaScript, if there is one.
pub(super) type Outcome = Option<String>;

/// Runs the work on another thread, then `afterwards` on the JavaScript thread. The promise
/// resolves with the outcome, since a rejection could not have a code.
pub(super) fn promise<'env>(
    env: &'env Env,
    work: impl Future<Output = Outcome> + Send + 'static,
    afterwards: fn(&Env, &Outcome),
) -> Result<PromiseRaw<'env, Outcome>> {
    let work: Pin<Box<dyn Future<Output = Outcome> + Send>> = Box::pin(work);
    env.spawn_future_with_callback(async move { Ok(work.await) }, move |env, outcome| {
        afterwards(env, &outcome);
        Ok(outcome)
    })
    .map_err(internal)
}
