//! The raw path: requests and responses as bytes.

use std::borrow::Cow;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use napi::bindgen_prelude::{Buffer, BufferSlice, Either3, FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, JsString, Status};
use napi_derive::napi;

use super::environment::EngineSlot;
use super::errors::{Result, internal, reason_of, unauthorized};
use super::header::AuthorizationHeader;
use super::runtime;
use crate::driver::gossip::{GossipRejection, GossipResponse};
use crate::driver::raw::{self, CachedBody, RenderedLists, ResponseKind};
use crate::driver::{Authorization, Engine};

/// The size in bytes up to which reading a body here is faster than on another thread, and copying
/// a response is faster than sharing it.
const MAX_INLINE_BYTES: usize = 4 * 1024;

/// The size in bytes up to which reading plain lists here is faster than on another thread. Lists
/// of 128 servers take about 5 µs, and a switch to another thread about 25 µs.
const MAX_INLINE_LIST_BYTES: usize = 16 * 1024;

/// The size in bytes up to which copying a text that the caller has not cached is faster here than
/// on another thread.
const MAX_INLINE_COPY_BYTES: usize = 64 * 1024;

/// The size in bytes up to which copying the offline entries of others is faster than sharing them.
const MAX_COPIED_BYTES: usize = 1024;

/// A response that is not just one text with status 200.
#[napi(object, object_from_js = false)]
pub struct RawResponse {
    /// 200; 400 for a malformed gossip message; 429 if memory is exhausted; 500 for an internal
    /// error.
    pub status: u32,
    /// The JSON, or its part before the online entries of others.
    pub head: String,
    /// The part after these entries.
    pub middle: String,
    /// Whether the offline entries of others follow.
    pub has_offline: bool,
    /// The number of the shared text with the entries of others; 0 if the head is the whole
    /// response.
    pub number: i64,
    /// The first part of the shared text; missing if the caller has it.
    pub online: Option<Buffer>,
    /// The second part of the shared text; missing if the caller has it, or if it is short, so that
    /// no response shares it.
    pub offline: Option<Buffer>,
    /// Why the request is rejected, for audits, if the status does not tell it.
    pub audited: Option<String>,
}

/// The caller's cache of shared texts.
#[derive(Clone, Copy)]
struct Caller {
    /// The number of the cached text.
    cached_number: i64,
    /// The size in bytes of the largest text that the caller can accept.
    room: i64,
}

/// A single text is returned as such, as an object costs more than a small response. So does a
/// buffer of Rust's memory, but a string has a byte per character only if the text is ASCII, is
/// copied more often, and cannot be sent in slices.
type Reply = Either3<String, Buffer, RawResponse>;

/// The number of a request and its response. If that shares a text, its fields from `head` to
/// `offline` are given one by one, because an object costs more.
type CallbackArgs = FnArgs<(u32, Reply, Option<String>, bool, i64, Option<Buffer>, Option<Buffer>)>;

struct Finished {
    id: u32,
    response: Reply,
    /// Dropped on the JavaScript thread.
    _body: Vec<Buffer>,
}

impl Finished {
    fn into_args(self) -> CallbackArgs {
        let Self { id, response, .. } = self;
        match response {
            Either3::C(RawResponse {
                number: number @ 1..,
                head,
                middle,
                has_offline,
                online,
                offline,
                ..
            }) => (id, Either3::A(head), Some(middle), has_offline, number, online, offline).into(),
            response => (id, response, None, false, 0, None, None).into(),
        }
    }
}

/// Answers requests as bytes. One callback receives all later responses, because a promise for each
/// would cost more than everything else.
#[napi]
pub struct RawPath {
    callback: Arc<ThreadsafeFunction<Finished, (), CallbackArgs, Status, false, true>>,
}

#[napi]
#[expect(clippy::too_many_arguments, reason = "an object would cost more than a whole call")]
impl RawPath {
    /// The callback receives later responses, with the number of the request.
    #[napi(
        constructor,
        ts_args_type = "callback: (request: number, response: string | Buffer | RawResponse, middle: string | null, hasOffline: boolean, number: number, online: Buffer | null, offline: Buffer | null) => void"
    )]
    pub fn new(callback: Function<'_, CallbackArgs, ()>) -> Result<Self> {
        let callback = callback
            .build_threadsafe_function::<Finished>()
            .weak::<true>()
            .build_callback(|done| Ok(done.value.into_args()))
            .map_err(internal)?;
        Ok(Self { callback: Arc::new(callback) })
    }

    /// Answers the body of a gossip request. A large body, or one with a large response, is handled
    /// on another thread, which reads the body in place; nothing may change it meanwhile.
    /// `cached_number` is the number of the shared text that the caller has cached. `room` is the
    /// size of the largest one that it can accept; a larger response shows only its own entry.
    /// `ticket` is that of the header if it was checked before, and 0 if not.
    /// Throws unless the header is signed or contains `SHAZBOT_SECRET`.
    #[napi(
        catch_unwind,
        ts_args_type = "id: number, cachedNumber: number, room: number, ticket: number, authorizationHeader: string, body: Array<Uint8Array>"
    )]
    pub fn gossip(
        &self,
        env: &Env,
        id: u32,
        cached_number: i64,
        room: i64,
        ticket: u32,
        authorization_header: JsString<'_>,
        body: Vec<BufferSlice<'_>>,
    ) -> Result<Option<Reply>> {
        let caller = Caller { cached_number, room };
        let slot = EngineSlot::of(env)?;
        let engine = slot.borrow()?;
        let header = slot.take_header(ticket).map_or_else(|| text_in(authorization_header), Ok)?;
        let authorization_header = AuthorizationHeader::new(header);
        let kind = engine.authorization(&authorization_header).map_err(unauthorized)?;
        let size: usize = body.iter().map(|part| part.len()).sum();
        let outcome = if size <= MAX_INLINE_BYTES {
            Some(engine.gossip_raw(kind, &authorization_header, &join(&body)))
        } else if size <= MAX_INLINE_LIST_BYTES && kind == Authorization::Raw {
            engine.gossip_quickly(&join(&body)).map(Ok)
        } else {
            None
        };
        let Some(outcome) = outcome else {
            let engine = engine.clone();
            let buffers = body.into_iter().map(|part| part.into_buffer(env)).collect::<napi::Result<_>>();
            let lent = slot.lend(buffers.map_err(internal)?);
            self.answer_later(id, move || {
                let outcome = engine.gossip_raw(kind, &authorization_header, &join(lent.parts()));
                (gossip_response(&engine, outcome, caller), lent.release())
            })?;
            return Ok(None);
        };
        if let Ok(GossipResponse::Lists(proof)) = &outcome {
            if let Some(rendered) = render_inline(&engine, ResponseKind::Gossip, caller) {
                let rendered = rendered.with_proof(proof.as_deref());
                return Ok(Some(lists_reply(&engine, ResponseKind::Gossip, rendered, caller)));
            }
            let engine = engine.clone();
            self.answer_later(id, move || (gossip_response(&engine, outcome, caller), Vec::new()))?;
            return Ok(None);
        }
        Ok(Some(gossip_response(&engine, outcome, caller)))
    }

    /// Answers a list request, with the offline servers for callers with `SHAZBOT_CONTROL_SECRET`.
    /// `cached_number` and `room` are those of gossip requests; a larger response becomes a 429.
    #[napi(catch_unwind)]
    pub fn list(
        &self,
        env: &Env,
        id: u32,
        cached_number: i64,
        room: i64,
        includes_offline: bool,
    ) -> Result<Option<Reply>> {
        let engine = EngineSlot::of(env)?.borrow()?;
        let kind = if includes_offline { ResponseKind::All } else { ResponseKind::Online };
        let caller = Caller { cached_number, room };
        if let Some(rendered) = render_inline(&engine, kind, caller) {
            return Ok(Some(lists_reply(&engine, kind, rendered, caller)));
        }
        let engine = engine.clone();
        self.answer_later(id, move || (lists_reply(&engine, kind, engine.render(kind), caller), Vec::new()))?;
        Ok(None)
    }

    /// Answers on another thread, with a 500 if the work panics.
    fn answer_later(
        &self,
        id: u32,
        work: impl FnOnce() -> (Reply, Vec<Buffer>) + Send + 'static,
    ) -> Result<()> {
        // A task of another type would add kilobytes to the addon.
        let work: Box<dyn FnOnce() -> (Reply, Vec<Buffer>) + Send> = Box::new(work);
        let callback = Arc::clone(&self.callback);
        runtime::handle()?.spawn(async move {
            let (response, body) = catch_unwind(AssertUnwindSafe(work))
                .unwrap_or_else(|_| (error_response(500, "Internal error"), Vec::new()));
            callback.call(Finished { id, response, _body: body }, ThreadsafeFunctionCallMode::NonBlocking);
        });
        Ok(())
    }
}

/// Returns the URL of the server that a gossip request names as its sender; null if it names none,
/// as plain requests do, or is malformed.
#[napi(catch_unwind, ts_args_type = "authorizationHeader: string, body: Array<Uint8Array>")]
pub fn gossip_sender(authorization_header: String, body: Vec<BufferSlice<'_>>) -> Option<String> {
    raw::sender(&AuthorizationHeader::new(authorization_header), &join(&body))
}

fn text_in(text: JsString<'_>) -> Result<String> {
    text.into_utf8().and_then(|text| text.into_owned()).map_err(internal)
}

fn join(parts: &[impl Deref<Target = [u8]>]) -> Cow<'_, [u8]> {
    match parts {
        [part] => Cow::Borrowed(part),
        parts => Cow::Owned(parts.iter().map(Deref::deref).collect::<Vec<_>>().concat()),
    }
}

fn gossip_response(
    engine: &Engine,
    outcome: std::result::Result<GossipResponse, GossipRejection>,
    caller: Caller,
) -> Reply {
    match outcome {
        Ok(GossipResponse::Body(text)) => text_reply(text),
        Ok(GossipResponse::Lists(proof)) => {
            let rendered = engine.render(ResponseKind::Gossip).with_proof(proof.as_deref());
            lists_reply(engine, ResponseKind::Gossip, rendered, caller)
        }
        Err(GossipRejection::Malformed(reason)) => {
            error_response(400, &format!("Invalid gossip message: {reason}"))
        }
        Err(GossipRejection::Unauthorized(reason)) => {
            let audited = reason_of(reason).map(str::to_owned);
            Either3::C(RawResponse { audited, ..error_of(401, &unauthorized(reason).reason) })
        }
    }
}

fn text_reply(json: Vec<u8>) -> Reply {
    let is_short = json.len() <= MAX_INLINE_BYTES;
    if is_short && json.is_ascii() { Either3::A(text_of(json)) } else { Either3::B(json.into()) }
}

fn error_response(status: u32, message: &str) -> Reply {
    Either3::C(error_of(status, message))
}

/// The message must not need escaping.
fn error_of(status: u32, message: &str) -> RawResponse {
    RawResponse {
        status,
        head: format!(r#"{{"error":"{message}"}}"#),
        middle: String::new(),
        has_offline: false,
        number: 0,
        online: None,
        offline: None,
        audited: None,
    }
}

/// Renders the lists if that, and copying what the caller has not cached, is faster here than on
/// another thread.
fn render_inline(engine: &Engine, kind: ResponseKind, caller: Caller) -> Option<RenderedLists> {
    let is_small = |others: &CachedBody| {
        others.number() == caller.cached_number || others.size() <= MAX_INLINE_COPY_BYTES
    };
    engine.render_quickly(kind).filter(|rendered| is_small(&rendered.others))
}

fn lists_reply(engine: &Engine, kind: ResponseKind, mut rendered: RenderedLists, caller: Caller) -> Reply {
    let others = &rendered.others;
    let (size, is_new) = (others.size(), others.number() != caller.cached_number);
    if size <= MAX_INLINE_BYTES {
        return text_reply(rendered.text());
    }
    if is_new && i64::try_from(size).unwrap_or(i64::MAX) > caller.room {
        return match kind {
            ResponseKind::Gossip => text_reply(engine.render_own_entry(kind)),
            ResponseKind::All | ResponseKind::Online => error_response(429, "Too many lists are being sent"),
        };
    }
    // Each part of a response is written on its own, which costs more than copying a few bytes.
    let is_short = others.offline().len() <= MAX_COPIED_BYTES;
    if rendered.has_offline && is_short {
        rendered.middle.extend_from_slice(others.offline());
        rendered.has_offline = false;
    }
    let copy = |text: &[u8]| text.to_vec().into();
    Either3::C(RawResponse {
        status: 200,
        has_offline: rendered.has_offline,
        number: others.number(),
        online: is_new.then(|| copy(others.online())),
        offline: (is_new && !is_short).then(|| copy(others.offline())),
        head: text_of(rendered.head),
        middle: text_of(rendered.middle),
        audited: None,
    })
}

/// Our own JSON is valid UTF-8.
fn text_of(json: Vec<u8>) -> String {
    String::from_utf8(json).unwrap_or_default()
}
