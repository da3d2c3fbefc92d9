//! The functions with which JavaScript follows the news.

use napi::Env;
use napi::bindgen_prelude::Function;
use napi_derive::napi;

use super::environment::EngineSlot;
use super::errors::Result;
use super::functions::event_loop_caller;
use super::report::text;

/// Sets or removes the function that is called after news, at most once until they have been read.
/// It does not keep the process alive.
#[napi(catch_unwind, ts_args_type = "callback?: () => void")]
pub fn on_news(env: &Env, callback: Option<Function<'_, (), ()>>) -> Result<()> {
    let listener = callback.as_ref().map(event_loop_caller).transpose()?;
    EngineSlot::of(env)?.bell.listen(listener);
    Ok(())
}

/// Returns, as JSON, what a reader has missed who knows the news of this engine up to `view`, and
/// calls the listener after further news. Returns null if no engine runs.
///
/// A negative `view` asks for all servers. An infinite one asks for the state of this server only,
/// and calls nobody. `js/events/report.js` reads the text.
#[napi(catch_unwind)]
pub fn news(env: &Env, engine: u32, view: f64) -> Result<Option<String>> {
    let slot = EngineSlot::of(env)?;
    if view.is_finite() {
        slot.bell.arm();
    }
    if let Some(text) = slot.news_of_ended(engine) {
        return Ok(Some(text));
    }
    let Ok(running) = slot.borrow() else { return Ok(None) };
    // Casts of floats saturate.
    let report = running.news((view >= 0.0).then_some(view as u64));
    Ok(Some(text(slot.number(), &running, &report, false)))
}
