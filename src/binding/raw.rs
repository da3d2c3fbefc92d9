//! The raw path: bytes of a request in, bytes of its answer out.

use std::borrow::Cow;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use napi::bindgen_prelude::{Buffer, BufferSlice, Either, FnArgs, Function, spawn};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;

use super::environment::EngineSlot;
use super::errors::{Result, internal, unauthorized};
use crate::driver::Engine;
use crate::driver::raw::{Form, Shown, Tail};

/// A body up to this size is read faster than the way to another thread takes; an answer, written faster than shared.
const SMALL: usize = 4 * 1024;

/// An answer that is more than one text and status 200.
#[napi(object, object_from_js = false)]
pub struct RawAnswer {
    /// 200; 400 where the body is no gossip message; 500 where something went wrong here.
    pub status: u32,
    /// JSON, or how it begins.
    pub head: String,
    /// How it goes on, which other answers share; missing where the caller has that.
    pub tail: Option<Buffer>,
    /// Of the tail; 0 if none belongs to it.
    pub number: i64,
}

/// A text by itself is given as such, for an object costs more than a small answer.
type Answer = Either<Buffer, RawAnswer>;

/// A request and what it is answered with.
type Answered = FnArgs<(u32, Answer)>;

struct Done {
    id: u32,
    answer: Answer,
    /// Dropped in the thread that it came from.
    _body: Vec<Buffer>,
}

/// Answers requests as bytes. One function takes all answers that come later: a promise for each costs more than the rest.
#[napi]
pub struct RawPath {
    answered: Arc<ThreadsafeFunction<Done, (), Answered, Status, false, true>>,
}

#[napi]
impl RawPath {
    /// `answered` is given what was not answered at once, by the number of the request.
    #[napi(constructor, ts_args_type = "answered: (request: number, answer: Buffer | RawAnswer) => void")]
    pub fn new(answered: Function<'_, Answered, ()>) -> Result<Self> {
        let answered = answered
            .build_threadsafe_function::<Done>()
            .weak::<true>()
            .build_callback(|done| Ok((done.value.id, done.value.answer).into()))
            .map_err(internal)?;
        Ok(Self { answered: Arc::new(answered) })
    }

    /// Answers the body of a gossip request; a large one, or one whose answer is large, on another thread, which reads it
    /// where it lies: nobody may change it meanwhile. `has` is the number of a tail that the caller has. Throws unless the
    /// header holds `SHAZBOT_SECRET`.
    #[napi(
        catch_unwind,
        ts_args_type = "id: number, has: number, authorizationHeader: string, body: Array<Uint8Array>"
    )]
    pub fn gossip(
        &self,
        env: &Env,
        id: u32,
        has: i64,
        authorization_header: String,
        body: Vec<BufferSlice<'_>>,
    ) -> Result<Option<Answer>> {
        let slot = EngineSlot::of(env)?;
        let engine = slot.engine()?;
        if !engine.is_secret(&authorization_header) {
            return Err(unauthorized("SHAZBOT_SECRET"));
        }
        let size: usize = body.iter().map(|part| part.len()).sum();
        if size > SMALL {
            let kept = body.into_iter().map(|part| part.into_buffer(env)).collect::<napi::Result<_>>();
            let lent = slot.lend(kept.map_err(internal)?);
            self.later(id, move || {
                let answer =
                    answer(engine.gossip_raw(&joined(lent.parts())), || shown(&engine, Form::Gossip, has));
                (answer, lent.give_back())
            });
            return Ok(None);
        }
        match engine.gossip_raw(&joined(&body)) {
            Ok(None) if !engine.shows_few() => {
                self.later(id, move || (shown(&engine, Form::Gossip, has), Vec::new()));
                Ok(None)
            }
            answered => Ok(Some(answer(answered, || shown(&engine, Form::Gossip, has)))),
        }
    }

    /// Answers a list request: with the offline servers only where the header holds `SHAZBOT_CONTROL_SECRET`.
    #[napi(catch_unwind)]
    pub fn list(&self, env: &Env, id: u32, has: i64, authorization_header: String) -> Result<Option<Answer>> {
        let engine = EngineSlot::of(env)?.engine()?;
        let form = if engine.is_control_secret(&authorization_header) { Form::All } else { Form::Online };
        if engine.shows_few() {
            return Ok(Some(shown(&engine, form, has)));
        }
        self.later(id, move || (shown(&engine, form, has), Vec::new()));
        Ok(None)
    }

    /// Whoever waits is answered even where the work panics.
    fn later(&self, id: u32, work: impl FnOnce() -> (Answer, Vec<Buffer>) + Send + 'static) {
        let answered = Arc::clone(&self.answered);
        spawn(async move {
            let (answer, body) = catch_unwind(AssertUnwindSafe(work))
                .unwrap_or_else(|_| (error(500, "Internal error"), Vec::new()));
            answered.call(Done { id, answer, _body: body }, ThreadsafeFunctionCallMode::NonBlocking);
        });
    }
}

fn joined(parts: &[impl Deref<Target = [u8]>]) -> Cow<'_, [u8]> {
    match parts {
        [part] => Cow::Borrowed(part),
        parts => Cow::Owned(parts.iter().map(Deref::deref).collect::<Vec<_>>().concat()),
    }
}

fn answer(
    answered: std::result::Result<Option<Vec<u8>>, &'static str>,
    show: impl FnOnce() -> Answer,
) -> Answer {
    match answered {
        Ok(None) => show(),
        Ok(Some(text)) => Either::A(text.into()),
        Err(fault) => error(400, &format!("Invalid gossip message: {fault}")),
    }
}

/// Nothing in the message may have to be escaped.
fn error(status: u32, message: &str) -> Answer {
    let head = format!(r#"{{"error":"{message}"}}"#);
    Either::B(RawAnswer { status, head, tail: None, number: 0 })
}

fn shown(engine: &Engine, form: Form, has: i64) -> Answer {
    let Shown { mut head, tail } = engine.show(form);
    match tail {
        Tail::Shared(written) if written.text().len() > SMALL => Either::B(RawAnswer {
            status: 200,
            head: String::from_utf8_lossy(&head).into_owned(),
            tail: (written.number() != has).then(|| written.text().to_vec().into()),
            number: written.number(),
        }),
        tail => {
            head.extend_from_slice(tail.text());
            Either::A(head.into())
        }
    }
}
