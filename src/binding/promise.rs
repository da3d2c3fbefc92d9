//! Promises for work on other threads. They share one type, since each adds ten kilobytes to the
//! addon.

use std::future::Future;
use std::pin::Pin;

use napi::Env;
use napi::bindgen_prelude::PromiseRaw;

use super::errors::{Result, internal};

/// Runs the work on another thread, then `afterwards` on the JavaScript thread.
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
