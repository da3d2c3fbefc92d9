//! Promises of what is done on other threads. All are of one kind, for each kind adds its own ten kilobytes to the addon.

use std::future::Future;
use std::pin::Pin;

use napi::Env;
use napi::bindgen_prelude::PromiseRaw;

use super::errors::{Result, internal};

/// Does the work on another thread and, once that is done, what comes afterwards in the thread of JavaScript.
pub(super) fn promise<'env>(
    env: &'env Env,
    work: impl Future<Output = ()> + Send + 'static,
    afterwards: fn(&Env),
) -> Result<PromiseRaw<'env, ()>> {
    let work: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(work);
    env.spawn_future_with_callback(
        async move {
            work.await;
            Ok(())
        },
        move |env, ()| {
            afterwards(env);
            Ok(())
        },
    )
    .map_err(internal)
}
