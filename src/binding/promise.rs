//! Promises of what is done on other threads. All are of one kind, for each kind adds its own ten kilobytes to the addon.

use std::future::Future;
use std::pin::Pin;

use napi::Env;
use napi::bindgen_prelude::{Either, PromiseRaw};

use super::errors::{Result, internal};
use super::raw::RawAnswer;

/// What a promise resolves with.
pub(super) type Outcome = Either<(), RawAnswer>;

/// Does the work on another thread and, once that is done, what comes afterwards in the thread of JavaScript.
pub(super) fn promise<'env>(
    env: &'env Env,
    work: impl Future<Output = Outcome> + Send + 'static,
    afterwards: fn(&Env),
) -> Result<PromiseRaw<'env, Outcome>> {
    let work: Pin<Box<dyn Future<Output = Outcome> + Send>> = Box::pin(work);
    env.spawn_future_with_callback(async move { Ok(work.await) }, move |env, outcome| {
        afterwards(env);
        Ok(outcome)
    })
    .map_err(internal)
}
