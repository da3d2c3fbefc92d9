//! The raw path: bytes of a request in, bytes of its answer out.

use napi::Env;
use napi::bindgen_prelude::{Buffer, Either, PromiseRaw, Uint8Array};
use napi_derive::napi;

use super::environment::EngineSlot;
use super::errors::{Result, unauthorized};
use super::promise::{Outcome, promise};
use crate::driver::Engine;
use crate::driver::raw::Form;

/// A body up to this size is read faster than the way to another thread takes.
const SMALL_BODY: usize = 4 * 1024;

/// What a request is answered with.
#[napi(object, object_from_js = false)]
pub struct RawAnswer {
    /// 200, or 400 where the body is no gossip message.
    pub status: u32,
    /// JSON.
    pub bytes: Buffer,
}

type Answered<'env> = Either<RawAnswer, PromiseRaw<'env, Outcome>>;

/// Answers the body of a gossip request; a large one, or one whose answer is large, on another thread, which reads it
/// where it lies: nobody may change it meanwhile. Throws unless the header holds `SHAZBOT_SECRET`.
#[napi(catch_unwind, ts_return_type = "RawAnswer | Promise<RawAnswer>")]
pub fn gossip_raw(env: &Env, authorization_header: String, body: Uint8Array) -> Result<Answered<'_>> {
    let slot = EngineSlot::of(env)?;
    let engine = slot.engine()?;
    if !engine.is_secret(&authorization_header) {
        return Err(unauthorized("SHAZBOT_SECRET"));
    }
    if body.len() > SMALL_BODY {
        let lent = slot.lend(body);
        return later(env, move || {
            let answered = engine.gossip_raw(&lent);
            answer(answered, || engine.show(Form::Gossip))
        });
    }
    match engine.gossip_raw(&body) {
        Ok(None) if !engine.shows_few() => later(env, move || shown(&engine, Form::Gossip)),
        answered => Ok(Either::A(answer(answered, || engine.show(Form::Gossip)))),
    }
}

/// Answers a list request: with the offline servers only where the header holds `SHAZBOT_CONTROL_SECRET`.
#[napi(catch_unwind, ts_return_type = "RawAnswer | Promise<RawAnswer>")]
pub fn list_raw(env: &Env, authorization_header: String) -> Result<Answered<'_>> {
    let engine = EngineSlot::of(env)?.engine()?;
    let form = if engine.is_control_secret(&authorization_header) { Form::All } else { Form::Online };
    if engine.shows_few() {
        return Ok(Either::A(shown(&engine, form)));
    }
    later(env, move || shown(&engine, form))
}

fn answer(
    answered: std::result::Result<Option<Vec<u8>>, &'static str>,
    show: impl FnOnce() -> Vec<u8>,
) -> RawAnswer {
    match answered {
        Ok(answer) => RawAnswer { status: 200, bytes: answer.unwrap_or_else(show).into() },
        // Nothing in a fault has to be escaped.
        Err(fault) => RawAnswer {
            status: 400,
            bytes: format!(r#"{{"error":"Invalid gossip message: {fault}"}}"#).into_bytes().into(),
        },
    }
}

fn shown(engine: &Engine, form: Form) -> RawAnswer {
    RawAnswer { status: 200, bytes: engine.show(form).into() }
}

fn later(env: &Env, work: impl FnOnce() -> RawAnswer + Send + 'static) -> Result<Answered<'_>> {
    promise(env, async move { Outcome::B(work()) }, |_| {}).map(Either::B)
}
