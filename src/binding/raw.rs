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
use crate::driver::raw::{Form, Shown};

/// A body up to this size is read faster than the way to another thread takes; an answer, written faster than shared.
const SMALL: usize = 4 * 1024;

/// An answer that is more than one text and status 200.
#[napi(object, object_from_js = false)]
pub struct RawAnswer {
    /// 200; 400 if the body is no gossip message; 429 if there is no room; 500 if something went wrong here.
    pub status: u32,
    /// JSON, or its beginning, to the entries of others that are online.
    pub head: String,
    /// What follows these entries.
    pub middle: String,
    /// Whether the entries of others that are offline come last.
    pub has_offline: bool,
    /// The number of the shared text that holds the entries of others; 0 if the head is everything.
    pub number: i64,
    /// The first part of that text; missing if the caller has it.
    pub online: Option<Buffer>,
    /// The second part; missing if the caller has it.
    pub offline: Option<Buffer>,
}

/// What the caller has of shared texts.
#[derive(Clone, Copy)]
struct Caller {
    /// The number of the text that it has.
    has: i64,
    /// The size in bytes of another text that it can take.
    room: i64,
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
    /// where it lies: nobody may change it meanwhile. `has` is the number of the shared text that the caller has, `room`
    /// the size of one that it can take; without room, the answer holds the own entry. Throws unless the header holds
    /// `SHAZBOT_SECRET`.
    #[napi(
        catch_unwind,
        ts_args_type = "id: number, has: number, room: number, authorizationHeader: string, body: Array<Uint8Array>"
    )]
    pub fn gossip(
        &self,
        env: &Env,
        id: u32,
        has: i64,
        room: i64,
        authorization_header: String,
        body: Vec<BufferSlice<'_>>,
    ) -> Result<Option<Answer>> {
        let caller = Caller { has, room };
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
                    answer(engine.gossip_raw(&joined(lent.parts())), || shown(&engine, Form::Gossip, caller));
                (answer, lent.give_back())
            });
            return Ok(None);
        }
        match engine.gossip_raw(&joined(&body)) {
            Ok(None) if !engine.shows_quickly(Form::Gossip) => {
                self.later(id, move || (shown(&engine, Form::Gossip, caller), Vec::new()));
                Ok(None)
            }
            answered => Ok(Some(answer(answered, || shown(&engine, Form::Gossip, caller)))),
        }
    }

    /// Answers a list request, with the offline servers if it is for those who hold `SHAZBOT_CONTROL_SECRET`. `has` and
    /// `room` are as for gossip requests; without room, the answer is a 429.
    #[napi(catch_unwind)]
    pub fn list(
        &self,
        env: &Env,
        id: u32,
        has: i64,
        room: i64,
        includes_offline: bool,
    ) -> Result<Option<Answer>> {
        let engine = EngineSlot::of(env)?.engine()?;
        let form = if includes_offline { Form::All } else { Form::Online };
        let caller = Caller { has, room };
        if engine.shows_quickly(form) {
            return Ok(Some(shown(&engine, form, caller)));
        }
        self.later(id, move || (shown(&engine, form, caller), Vec::new()));
        Ok(None)
    }

    /// Answers on another thread, also where the work panics.
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

/// The message must need no escaping.
fn error(status: u32, message: &str) -> Answer {
    let head = format!(r#"{{"error":"{message}"}}"#);
    let (online, offline) = (None, None);
    Either::B(RawAnswer {
        status,
        head,
        middle: String::new(),
        has_offline: false,
        number: 0,
        online,
        offline,
    })
}

fn shown(engine: &Engine, form: Form, caller: Caller) -> Answer {
    let shown = engine.show(form);
    let Shown { head, others, middle, has_offline } = &shown;
    let (size, is_new) = (others.size(), others.number() != caller.has);
    if size <= SMALL {
        return Either::A(shown.text().into());
    }
    if is_new && i64::try_from(size).unwrap_or(i64::MAX) > caller.room {
        return match form {
            Form::Gossip => Either::A(engine.show_itself(form).into()),
            Form::All | Form::Online => {
                error(429, "The lists that others are reading leave no room for another")
            }
        };
    }
    let copy = |text: &[u8]| is_new.then(|| text.to_vec().into());
    Either::B(RawAnswer {
        status: 200,
        head: String::from_utf8_lossy(head).into_owned(),
        middle: String::from_utf8_lossy(middle).into_owned(),
        has_offline: *has_offline,
        number: others.number(),
        online: copy(others.online()),
        offline: copy(others.offline()),
    })
}
