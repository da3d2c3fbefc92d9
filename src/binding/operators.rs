//! The functions for the routes with which operators look at a cluster and control it.

use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;

use super::environment::EngineSlot;
use super::errors::{Result, unauthorized};
use super::header::AuthorizationHeader;
use super::promise::{Outcome, promise};
use crate::driver::{Authorization, ControlOutcome};
use crate::protocol::machine::Machine;
use crate::protocol::status::Control;

/// Throws unless the header authorizes a request that only shows something: it contains
/// `SHAZBOT_READ_SECRET` or `SHAZBOT_CONTROL_SECRET`, perhaps as a bearer token, or is signed under
/// the latter for a list. Accepts a signed request once.
#[napi(catch_unwind)]
pub fn authorize_read(env: &Env, authorization_header: String) -> Result<()> {
    let header = AuthorizationHeader::new(authorization_header);
    EngineSlot::of(env)?.borrow()?.authorize_read(&header).map_err(unauthorized)
}

/// Does the same as `authorizeControl`, and accepts the secret as a bearer token too.
#[napi(catch_unwind)]
pub fn authorize_bearer_control(env: &Env, authorization_header: String) -> Result<bool> {
    let header = AuthorizationHeader::new(authorization_header);
    let engine = EngineSlot::of(env)?.borrow()?;
    Ok(engine.authorize_bearer_control(&header).map_err(unauthorized)? == Authorization::Signed)
}

/// Returns a text that no other engine has, in this process or another one.
#[napi(catch_unwind)]
pub fn engine_id(env: &Env) -> Result<String> {
    Ok(format!("{:016x}", EngineSlot::of(env)?.borrow()?.read(Machine::process_number)))
}

/// Resolves with the members of the status's JSON that JavaScript does not know: the uptime, the
/// share of native answers with another view, the base URL, and all servers. Writes them on another
/// thread, since there may be many.
#[napi(catch_unwind, ts_return_type = "Promise<string>")]
pub fn portraits(env: &Env) -> Result<PromiseRaw<'_, Outcome>> {
    let engine = EngineSlot::of(env)?.engine()?;
    promise(env, Box::pin(async move { Some(engine.portraits()) }), |_, _| {})
}

/// Drains the server with this URL or brings it back. Resolves with null if it has done so,
/// otherwise with an HTTP status, the status that the server has answered or 0, and the reason,
/// with spaces between them.
#[napi(catch_unwind, ts_return_type = "Promise<string | null>")]
pub fn control_server(env: &Env, base_url: String, online: bool) -> Result<PromiseRaw<'_, Outcome>> {
    let engine = EngineSlot::of(env)?.engine()?;
    let outcome = async move { failure(engine.control_server(&base_url, Control::of(online)).await) };
    promise(env, Box::pin(outcome), |_, _| {})
}

fn failure(outcome: ControlOutcome) -> Option<String> {
    Some(match outcome {
        ControlOutcome::Done => return None,
        ControlOutcome::Unlisted => "404 0 The server is not on the list".to_owned(),
        ControlOutcome::Withheld => {
            "502 0 The server has not proved the secret, so it is not sent the control secret".to_owned()
        }
        ControlOutcome::Rejected(status) => {
            format!("502 {status} The server has answered with status {status}")
        }
        ControlOutcome::Unreached(reason) => format!("502 0 The server cannot be reached: {reason}"),
        ControlOutcome::TimedOut => "504 0 The server has not answered within 5 s".to_owned(),
    })
}
