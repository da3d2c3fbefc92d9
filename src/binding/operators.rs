//! The functions for the routes with which operators look at a cluster and control it.

use napi::Env;
use napi_derive::napi;

use super::environment::EngineSlot;
use super::errors::{Result, unauthorized};
use super::header::AuthorizationHeader;
use crate::driver::Authorization;

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
