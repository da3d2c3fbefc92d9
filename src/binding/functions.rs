//! The functions for JavaScript. They run on the calling thread, so their effect is visible in the
//! same tick.

use std::sync::Arc;

use crate::protocol::status::Control;
use napi::Env;
use napi::bindgen_prelude::{Buffer, BufferSlice, FnArgs, Function, Object, PromiseRaw};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;

use super::environment::EngineSlot;
use super::errors::{Result, internal, misconfigured, unauthorized};
use super::header::AuthorizationHeader;
use super::promise::{Outcome, promise};
use super::received::ReceivedEntries;
use super::runtime;
use super::snapshot::{NewUrls, RosterSnapshot};
use crate::driver::raw::ResponseKind;
use crate::driver::secret_files::read_file;
use crate::driver::transport::HttpSettings;
use crate::driver::{Authorization, Engine, EventLoopProbe, LogSink, ProbeReply};
use crate::protocol::config::{Config, ConfigError};
use crate::protocol::output::Severity;

/// Log lines that wait for JavaScript; more are dropped.
const MAX_QUEUED_LINES: usize = 256;

/// The arguments of JavaScript's log callback: severity, message, reason.
type LogLine = FnArgs<(String, String, Option<String>)>;

/// Starts the engine of this environment. Calls `noOp`, which does nothing, to measure whether the
/// event loop is blocked; a function of this addon would cost the main thread more. Throws if the
/// configuration is invalid. Resolves with the reason if a file that it names cannot be used: no
/// engine runs then. Network failures do not matter.
#[napi(
    catch_unwind,
    ts_args_type = "environment: Record<string, string>, onLog: (severity: 'log' | 'warn' | 'error', message: string, reason?: string | null) => void, noOp: () => void",
    ts_return_type = "Promise<string | null>"
)]
pub fn start<'env>(
    env: &'env Env,
    environment: Object<'_>,
    on_log: Function<'_, LogLine, ()>,
    no_op: Function<'_, (), ()>,
) -> Result<PromiseRaw<'env, Outcome>> {
    let slot = EngineSlot::of(env)?;
    let variable = |name: &str| variable(&environment, name);
    let (config, warnings) = Config::read(variable, read_file).map_err(|error| misconfigured(&error))?;
    let log = log_sink(&on_log)?;
    // Only the native extension uses the measured lag.
    let probe = config.probe_interval.map(|_| event_loop_caller(&no_op)).transpose()?;
    for warning in warnings.into_iter().chain(slot.new_secret_warnings(&config)) {
        log(Severity::Warning, warning, None);
    }
    let (engine, task) =
        Engine::start(config, HttpSettings::from_environment(variable), log, probe, Arc::clone(&slot.bell));
    runtime::handle()?.spawn(task);
    slot.set_engine(engine.clone());
    let started = async move { engine.started().await.err().map(|error| error.to_string()) };
    promise(env, Box::pin(started), |env, refusal| {
        if refusal.is_some() {
            clear_slot(env);
        }
    })
}

/// Returns all required variables that are missing, in the documented order; the error of a start
/// names only the first.
#[napi(catch_unwind, ts_args_type = "environment: Record<string, string>")]
pub fn missing_variables(environment: Object<'_>) -> Vec<&'static str> {
    match Config::from_variables(|name| variable(&environment, name)) {
        Err(ConfigError::Missing { variables }) => variables,
        _ => Vec::new(),
    }
}

/// Returns the error that would reject a start with these variables, or an empty text, and then the
/// warnings that a start would log. Reads the files that the variables name, but those for TLS.
#[napi(catch_unwind, ts_args_type = "environment: Record<string, string>")]
pub fn check_configuration(environment: Object<'_>) -> Vec<String> {
    match Config::read(|name| variable(&environment, name), read_file) {
        Ok((config, warnings)) => {
            [String::new()].into_iter().chain(warnings).chain(config.secrets.warnings()).collect()
        }
        Err(error) => vec![error.to_string()],
    }
}

fn variable(environment: &Object<'_>, name: &str) -> Option<String> {
    environment.get(name).ok().flatten()
}

/// Takes the server offline at once; resolves when that is announced and the engine has fully
/// stopped.
#[napi(catch_unwind, js_name = "shutDown", ts_return_type = "Promise<void>")]
pub fn shut_down(env: &Env) -> Result<PromiseRaw<'_, Outcome>> {
    let engine = EngineSlot::of(env)?.engine()?;
    engine.leave();
    let ended = async move {
        engine.ended().await;
        None
    };
    promise(env, Box::pin(ended), |env, _| clear_slot(env))
}

fn clear_slot(env: &Env) {
    if let Ok(slot) = EngineSlot::of(env) {
        slot.clear();
    }
}

/// Returns 0 for a header that contains `SHAZBOT_SECRET`, and a ticket for that of a signed
/// request. Throws for any other.
#[napi(catch_unwind)]
pub fn authorize_gossip(env: &Env, authorization_header: String) -> Result<u32> {
    let header = AuthorizationHeader::new(authorization_header);
    let slot = EngineSlot::of(env)?;
    let kind = slot.borrow()?.authorize_gossip(&header).map_err(unauthorized)?;
    Ok(if kind == Authorization::Signed { slot.keep_header(header.into_signed()) } else { 0 })
}

/// Merges entries of a gossip request while their slots are valid, and updates the snapshot. `urls`
/// are those of the entries without a slot. The caller has checked the secret.
#[napi(catch_unwind, ts_args_type = "received: Uint8Array, urls: string | undefined, snapshot: Uint8Array")]
pub fn gossip(
    env: &Env,
    mut received: BufferSlice<'_>,
    urls: Option<String>,
    mut snapshot: BufferSlice<'_>,
) -> Result<Option<NewUrls>> {
    let slot = EngineSlot::of(env)?;
    let engine = slot.borrow()?;
    let mut snapshot = RosterSnapshot::new(&mut snapshot, slot.number());
    let mut received = ReceivedEntries(&mut received);
    let entries = received.entries(urls.as_deref().unwrap_or_default());
    let changes = snapshot.slot_changes();
    let (merged, new_urls) =
        engine.merge_slot_entries(changes, received.start(), entries, |machine| snapshot.update(machine));
    received.set_merged(merged);
    Ok(new_urls)
}

/// Merges the entries of a gossip request, all of which have URLs, on another thread. Copies them
/// first, and resolves after the merge. The caller has checked the secret.
#[napi(catch_unwind, ts_args_type = "received: Uint8Array, urls: string", ts_return_type = "Promise<void>")]
pub fn gossip_in_background<'env>(
    env: &'env Env,
    mut received: BufferSlice<'_>,
    urls: String,
) -> Result<PromiseRaw<'env, Outcome>> {
    let engine = EngineSlot::of(env)?.engine()?;
    let mut received = ReceivedEntries(&mut received).copy();
    let merge = async move {
        let received = ReceivedEntries(&mut received);
        // URLs stay valid whatever happens to slots.
        engine.merge_slot_entries(0, received.start(), received.entries(&urls), |_| {});
        None
    };
    promise(env, Box::pin(merge), |_, _| {})
}

/// Updates the snapshot.
#[napi(catch_unwind, ts_args_type = "snapshot: Uint8Array")]
pub fn update_snapshot(env: &Env, mut snapshot: BufferSlice<'_>) -> Result<Option<NewUrls>> {
    let slot = EngineSlot::of(env)?;
    let engine = slot.borrow()?;
    let mut snapshot = RosterSnapshot::new(&mut snapshot, slot.number());
    Ok(engine.read(|machine| snapshot.update(machine)))
}

/// Merges the payload of a signed gossip request. Returns the `v2` field of the response. Throws
/// unless the header has signed the payload.
#[napi(catch_unwind)]
pub fn gossip_signed(env: &Env, authorization_header: String, payload: String) -> Result<String> {
    let engine = EngineSlot::of(env)?.borrow()?;
    engine.gossip_signed(&authorization_header, &payload).map_err(unauthorized)
}

/// Returns the JSON that answers a signed gossip request whose body was not read; null for any
/// other request.
#[napi(catch_unwind)]
pub fn answer_unread(env: &Env, authorization_header: String) -> Result<Option<Buffer>> {
    let header = AuthorizationHeader::new(authorization_header);
    Ok(EngineSlot::of(env)?.borrow()?.answer_unread(&header).map(Buffer::from))
}

/// Merges the native extension of a message with the raw secret, given as JSON. Returns the
/// response's extension; null if the request is to be treated as a plain one.
#[napi(catch_unwind)]
pub fn gossip_native(env: &Env, v2: String) -> Result<Option<String>> {
    Ok(EngineSlot::of(env)?.borrow()?.merge_native(&v2))
}

/// Returns the proof that answers the nonce of a message with the raw secret; null if there is
/// none.
#[napi(catch_unwind)]
pub fn prove(env: &Env, nonce: String) -> Result<Option<String>> {
    Ok(EngineSlot::of(env)?.borrow()?.prove(&nonce))
}

/// Resolves when the server can answer challenges, about 50 ms after its start.
#[napi(catch_unwind, ts_return_type = "Promise<void>")]
pub fn keys_ready(env: &Env) -> Result<PromiseRaw<'_, Outcome>> {
    let engine = EngineSlot::of(env)?.engine()?;
    let ready = async move {
        engine.keys_ready().await;
        None
    };
    promise(env, Box::pin(ready), |_, _| {})
}

/// Returns the JSON of a list that answers the challenge in a header; null if it has none.
#[napi(catch_unwind)]
pub fn answer_challenge(env: &Env, authorization_header: String) -> Result<Option<String>> {
    Ok(EngineSlot::of(env)?.borrow()?.answer_challenge(&authorization_header))
}

/// Returns whether the header is that of a signed control request. Throws unless it is, or contains
/// `SHAZBOT_CONTROL_SECRET`.
#[napi(catch_unwind)]
pub fn authorize_control(env: &Env, authorization_header: String) -> Result<bool> {
    let header = AuthorizationHeader::new(authorization_header);
    let engine = EngineSlot::of(env)?.borrow()?;
    Ok(engine.authorize_control(&header).map_err(unauthorized)? == Authorization::Signed)
}

/// Accepts a signed control request, once. Throws unless the header has signed the payload.
#[napi(catch_unwind)]
pub fn accept_control(env: &Env, authorization_header: String, payload: String) -> Result<()> {
    let engine = EngineSlot::of(env)?.borrow()?;
    engine.accept_control(&authorization_header, &payload).map_err(unauthorized)
}

/// Returns whether a list request with this header shows the offline servers too. Accepts a signed
/// request once. Throws if its signature is invalid, or if the list is private and the header
/// contains no secret.
#[napi(catch_unwind)]
pub fn authorize_list(env: &Env, authorization_header: String) -> Result<bool> {
    let header = AuthorizationHeader::new(authorization_header);
    let kind = EngineSlot::of(env)?.borrow()?.authorize_list(&header).map_err(unauthorized)?;
    Ok(kind == ResponseKind::All)
}

/// Drains this server or brings it back.
#[napi(catch_unwind)]
pub fn control(env: &Env, online: bool) -> Result<()> {
    EngineSlot::of(env)?.borrow()?.control(Control::of(online));
    Ok(())
}

/// Sends log lines to JavaScript. Keeps the process alive until the engine drops it.
fn log_sink(on_log: &Function<'_, LogLine, ()>) -> Result<LogSink> {
    let callback = on_log
        .build_threadsafe_function::<LogLine>()
        .max_queue_size::<MAX_QUEUED_LINES>()
        .build_callback(|line| Ok(line.value))
        .map_err(internal)?;
    Ok(Box::new(move |severity, message, reason| {
        let severity = match severity {
            Severity::Info => "log",
            Severity::Warning => "warn",
            Severity::Error => "error",
        };
        callback.call((severity.to_owned(), message, reason).into(), ThreadsafeFunctionCallMode::NonBlocking);
    }))
}

/// Calls a JavaScript function on this thread, from any other one. It does not keep the process
/// alive. All such functions share one type, since each adds kilobytes to the addon.
pub(super) fn event_loop_caller(function: &Function<'_, (), ()>) -> Result<EventLoopProbe> {
    let calls = function
        .build_threadsafe_function::<ProbeReply>()
        .weak::<true>()
        .build_callback(|reply| {
            reply.value.send();
            Ok(())
        })
        .map_err(internal)?;
    Ok(Box::new(move |reply| {
        calls.call(reply, ThreadsafeFunctionCallMode::NonBlocking);
    }))
}
