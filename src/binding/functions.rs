//! What JavaScript calls. Each call acts in the calling thread, so that its effect is seen in the same tick.

use napi::Env;
use napi::bindgen_prelude::{BufferSlice, FnArgs, Function, Object, PromiseRaw, spawn};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;

use super::environment::EngineSlot;
use super::errors::{Result, internal, misconfigured, unauthorized};
use super::promise::promise;
use super::received::ReceivedEntries;
use super::snapshot::{NewUrls, RosterSnapshot};
use crate::driver::transport::HttpSettings;
use crate::driver::{Engine, EventLoopProbe, LogSink, ProbeReply};
use crate::protocol::config::{Config, ConfigError};
use crate::protocol::output::Severity;

/// Log lines that JavaScript has not taken yet; more are dropped.
const MAX_WAITING_LINES: usize = 256;

/// A line of the log, as JavaScript takes it: severity, message, reason.
type Line = FnArgs<(String, String, Option<String>)>;

/// Starts the engine of this environment. Throws on bad configuration; trouble on the network never rejects.
#[napi(
    catch_unwind,
    ts_args_type = "environment: Record<string, string>, onLog: (severity: 'log' | 'warn' | 'error', message: string, reason?: string | null) => void",
    ts_return_type = "Promise<void>"
)]
pub fn start<'env>(
    env: &'env Env,
    environment: Object<'_>,
    on_log: Function<'_, Line, ()>,
) -> Result<PromiseRaw<'env, ()>> {
    let slot = EngineSlot::of(env)?;
    let variable = |name: &str| environment.get::<String>(name).ok().flatten();
    let (config, warnings) = Config::from_variables(variable).map_err(|error| misconfigured(&error))?;
    let log = log_sink(&on_log)?;
    // Without the native extension nothing would come of it.
    let probe = config.probe_interval.map(|_| event_loop_probe(env)).transpose()?;
    for warning in warnings.into_iter().chain(slot.new_secret_warnings(&config)) {
        log(Severity::Warning, warning, None);
    }
    let (engine, task) = Engine::start(config, HttpSettings::from_environment(variable), log, probe);
    slot.fill(engine.clone());
    spawn(task);
    promise(env, async move { engine.started().await }, |_| {})
}

/// All required variables that are missing, in the order of the documentation; a start names only the first.
#[napi(catch_unwind, ts_args_type = "environment: Record<string, string>")]
pub fn missing_variables(environment: Object<'_>) -> Vec<&'static str> {
    match Config::from_variables(|name| environment.get::<String>(name).ok().flatten()) {
        Err(ConfigError::Missing { variables }) => variables,
        _ => Vec::new(),
    }
}

/// Takes the server offline at once; resolves when the others know and nothing of the engine is left.
#[napi(catch_unwind, js_name = "shutDown", ts_return_type = "Promise<void>")]
pub fn shut_down(env: &Env) -> Result<PromiseRaw<'_, ()>> {
    let engine = EngineSlot::of(env)?.engine()?;
    engine.leave();
    promise(env, async move { engine.ended().await }, |env| {
        if let Ok(slot) = EngineSlot::of(env) {
            slot.clear();
        }
    })
}

/// Throws unless the header holds `SHAZBOT_SECRET`.
#[napi(catch_unwind)]
pub fn authorize_gossip(env: &Env, authorization_header: String) -> Result<()> {
    let engine = EngineSlot::of(env)?.borrow()?;
    if engine.is_secret(&authorization_header) { Ok(()) } else { Err(unauthorized("SHAZBOT_SECRET")) }
}

/// Merges entries of a gossip request, as long as their slots hold, and brings the snapshot up to date; `urls` are those of
/// the entries that have no slot. The caller has checked the secret.
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
        engine.gossip_placed(changes, received.beginning(), entries, |machine| snapshot.update(machine));
    received.set_merged(merged);
    Ok(new_urls)
}

/// Merges the entries of a gossip request, all of which have URLs, on another thread; resolves when that is done. The
/// entries are copied. The caller has checked the secret.
#[napi(catch_unwind, ts_args_type = "received: Uint8Array, urls: string", ts_return_type = "Promise<void>")]
pub fn gossip_later<'env>(
    env: &'env Env,
    mut received: BufferSlice<'_>,
    urls: String,
) -> Result<PromiseRaw<'env, ()>> {
    let engine = EngineSlot::of(env)?.engine()?;
    let mut received = ReceivedEntries(&mut received).copy();
    let merge = async move {
        let received = ReceivedEntries(&mut received);
        // URLs hold after any changes of slots.
        engine.gossip_placed(0, received.beginning(), received.entries(&urls), |_| {});
    };
    promise(env, merge, |_| {})
}

/// Brings the snapshot up to date.
#[napi(catch_unwind, ts_args_type = "snapshot: Uint8Array")]
pub fn show(env: &Env, mut snapshot: BufferSlice<'_>) -> Result<Option<NewUrls>> {
    let slot = EngineSlot::of(env)?;
    let engine = slot.borrow()?;
    let mut snapshot = RosterSnapshot::new(&mut snapshot, slot.number());
    Ok(engine.look(|machine| snapshot.update(machine)))
}

/// Merges what a gossip request says in the native extension, given as JSON, and answers in kind; null where the request is
/// to be taken as a plain one.
#[napi(catch_unwind)]
pub fn gossip_native(env: &Env, v2: String) -> Result<Option<String>> {
    Ok(EngineSlot::of(env)?.borrow()?.gossip_native(&v2))
}

/// Throws unless the header holds `SHAZBOT_CONTROL_SECRET`.
#[napi(catch_unwind)]
pub fn authorize_control(env: &Env, authorization_header: String) -> Result<()> {
    if may_control(env, authorization_header)? { Ok(()) } else { Err(unauthorized("SHAZBOT_CONTROL_SECRET")) }
}

/// Whether the header holds `SHAZBOT_CONTROL_SECRET`.
#[napi(catch_unwind)]
pub fn may_control(env: &Env, authorization_header: String) -> Result<bool> {
    Ok(EngineSlot::of(env)?.borrow()?.is_control_secret(&authorization_header))
}

/// Drains this server or brings it back.
#[napi(catch_unwind)]
pub fn control(env: &Env, online: bool) -> Result<()> {
    EngineSlot::of(env)?.borrow()?.control(online);
    Ok(())
}

/// The way of log lines to JavaScript. It holds the process for as long as the engine holds it.
fn log_sink(on_log: &Function<'_, Line, ()>) -> Result<LogSink> {
    let lines = on_log
        .build_threadsafe_function::<Line>()
        .max_queue_size::<MAX_WAITING_LINES>()
        .build_callback(|line| Ok(line.value))
        .map_err(internal)?;
    Ok(Box::new(move |severity, message, reason| {
        let severity = match severity {
            Severity::Info => "log",
            Severity::Warning => "warn",
            Severity::Error => "error",
        };
        lines.call((severity.to_owned(), message, reason).into(), ThreadsafeFunctionCallMode::NonBlocking);
    }))
}

/// Signs of life of this thread. They hold no process, and the function that they end in does nothing.
fn event_loop_probe(env: &Env) -> Result<EventLoopProbe> {
    let nothing =
        env.create_function_from_closure::<(), (), _>("eventLoopProbe", |_| Ok(())).map_err(internal)?;
    let replies = nothing
        .build_threadsafe_function::<ProbeReply>()
        .weak::<true>()
        .build_callback(|reply| {
            // Nobody waits for it where the engine has ended meanwhile.
            let _ = reply.value.send(());
            Ok(())
        })
        .map_err(internal)?;
    Ok(Box::new(move |reply| {
        replies.call(reply, ThreadsafeFunctionCallMode::NonBlocking);
    }))
}
