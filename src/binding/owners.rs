//! Which server owns a key.

use napi::Env;
use napi::bindgen_prelude::Either;
use napi_derive::napi;

use super::environment::EngineSlot;
use super::errors::Result;
use super::layout::URL_SEPARATOR;
use crate::protocol::owners::{KeyNumber, ranking};

/// Returns the owner of a key and the servers that would own it next, at most `count`, as the
/// elements of a JSON array. With a count of 0, returns whether this server owns the key. One
/// function for both makes the addon smaller.
#[napi(catch_unwind)]
pub fn owners(env: &Env, key: String, count: u32) -> Result<Either<bool, String>> {
    let (owns, first) = EngineSlot::of(env)?.borrow()?.owners(KeyNumber::of(&key), count as usize);
    Ok(if count == 0 { Either::A(owns) } else { Either::B(first) })
}

/// Returns the places of servers in the order in which they would own a key, without those whose
/// URL is invalid. The base URLs are joined by `URL_SEPARATOR`. Needs no engine.
#[napi(catch_unwind)]
pub fn rank(key: String, base_urls: String) -> Vec<u32> {
    ranking(KeyNumber::of(&key), base_urls.split(URL_SEPARATOR))
}
