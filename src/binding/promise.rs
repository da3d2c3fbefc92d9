//! Promises for work on other threads. They share one type and one function, since each further one
//! adds kilobytes to the addon.

use std::future::Future;
use std::pin::Pin;

use napi::bindgen_prelude::PromiseRaw;
use napi::{Env, JsValue};

use super::errors::{Result, internal};
use super::runtime;

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
    let threads = runtime::handle()?;
    let (deferred, promise) = env.create_deferred().map_err(internal)?;
    threads.spawn(async move {
        // Awaiting a task of its own turns a panic into an error.
        match tokio::spawn(work).await {
            Ok(outcome) => deferred.resolve(move |env| {
                afterwards(&env, &outcome);
                Ok(outcome)
            }),
            Err(panic) => deferred.reject(napi::Error::from_reason(panic.to_string())),
        }
    });
    Ok(PromiseRaw::new(env.raw(), promise.raw()))
}
