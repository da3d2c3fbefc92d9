//! The raw path: bytes of a request in, bytes of its answer out.

use std::sync::Arc;

use napi::bindgen_prelude::{Buffer, FnArgs, Function, Uint8Array, spawn};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;

use super::environment::EngineSlot;
use super::errors::{Result, internal, unauthorized};
use crate::driver::Engine;
use crate::driver::raw::{Form, Shown, Tail};

/// A body up to this size is read faster than the way to another thread takes; a text, faster made a string than a buffer.
const SMALL: usize = 4 * 1024;

/// What a request is answered with: one text after the other.
#[napi(object, object_from_js = false)]
pub struct RawAnswer {
    /// 200, or 400 where the body is no gossip message.
    pub status: u32,
    /// JSON, or how it begins.
    pub head: String,
    /// How it goes on. None too if that is `number`, and the caller has it.
    pub tail: Option<Buffer>,
    /// Of a tail that others may have as well.
    pub number: Option<i64>,
}

/// A request and what it is answered with.
type Answered = FnArgs<(u32, RawAnswer)>;

struct Done {
    id: u32,
    answer: RawAnswer,
    /// Dropped in the thread that it came from.
    _body: Vec<Uint8Array>,
}

/// Answers requests as bytes. One function takes all answers that come later: a promise for each costs more than the rest.
#[napi]
pub struct RawPath {
    answered: Arc<ThreadsafeFunction<Done, (), Answered, Status, false, true>>,
}

#[napi]
impl RawPath {
    /// `answered` is given what was not answered at once, by the number of the request.
    #[napi(constructor, ts_args_type = "answered: (request: number, answer: RawAnswer) => void")]
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
    #[napi(catch_unwind)]
    pub fn gossip(
        &self,
        env: &Env,
        id: u32,
        has: i64,
        authorization_header: String,
        body: Vec<Uint8Array>,
    ) -> Result<Option<RawAnswer>> {
        let slot = EngineSlot::of(env)?;
        let engine = slot.engine()?;
        if !engine.is_secret(&authorization_header) {
            return Err(unauthorized("SHAZBOT_SECRET"));
        }
        let size: usize = body.iter().map(|part| part.len()).sum();
        let lent = slot.lend(body);
        if size > SMALL {
            self.later(id, move || {
                let answer = answer(engine.gossip_raw(&lent.joined()), || shown(&engine, Form::Gossip, has));
                (answer, lent.give_back())
            });
            return Ok(None);
        }
        match engine.gossip_raw(&lent.joined()) {
            Ok(None) if !engine.shows_few() => {
                self.later(id, move || (shown(&engine, Form::Gossip, has), Vec::new()));
                Ok(None)
            }
            answered => Ok(Some(answer(answered, || shown(&engine, Form::Gossip, has)))),
        }
    }

    /// Answers a list request: with the offline servers only where the header holds `SHAZBOT_CONTROL_SECRET`.
    #[napi(catch_unwind)]
    pub fn list(
        &self,
        env: &Env,
        id: u32,
        has: i64,
        authorization_header: String,
    ) -> Result<Option<RawAnswer>> {
        let engine = EngineSlot::of(env)?.engine()?;
        let form = if engine.is_control_secret(&authorization_header) { Form::All } else { Form::Online };
        if engine.shows_few() {
            return Ok(Some(shown(&engine, form, has)));
        }
        self.later(id, move || (shown(&engine, form, has), Vec::new()));
        Ok(None)
    }

    fn later(&self, id: u32, work: impl FnOnce() -> (RawAnswer, Vec<Uint8Array>) + Send + 'static) {
        let answered = Arc::clone(&self.answered);
        spawn(async move {
            let (answer, body) = work();
            answered.call(Done { id, answer, _body: body }, ThreadsafeFunctionCallMode::NonBlocking);
        });
    }
}

fn answer(
    answered: std::result::Result<Option<Vec<u8>>, &'static str>,
    show: impl FnOnce() -> RawAnswer,
) -> RawAnswer {
    match answered {
        Ok(None) => show(),
        Ok(Some(text)) => RawAnswer::new(200, text, None),
        // Nothing in a fault has to be escaped.
        Err(fault) => {
            let text = format!(r#"{{"error":"Invalid gossip message: {fault}"}}"#);
            RawAnswer::new(400, text.into_bytes(), None)
        }
    }
}

fn shown(engine: &Engine, form: Form, has: i64) -> RawAnswer {
    let Shown { head, tail } = engine.show(form);
    match tail {
        Tail::Own(tail) => RawAnswer::new(200, head, Some(tail)),
        Tail::Shared(written) => RawAnswer {
            number: Some(written.number()),
            ..RawAnswer::new(200, head, (written.number() != has).then(|| written.text().to_vec()))
        },
    }
}

impl RawAnswer {
    fn new(status: u32, head: Vec<u8>, tail: Option<Vec<u8>>) -> Self {
        let (head, tail) =
            if head.len() > SMALL && tail.is_none() { (Vec::new(), Some(head)) } else { (head, tail) };
        Self {
            status,
            head: String::from_utf8_lossy(&head).into_owned(),
            tail: tail.map(Buffer::from),
            number: None,
        }
    }
}
