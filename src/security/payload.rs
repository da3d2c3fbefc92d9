//! The payloads of signed messages: an extension as base64url.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::message::Party;
use crate::protocol::base_url::BaseUrl;
use crate::protocol::extension::Extension;

/// The payload of a message that this server signs.
pub fn encode(extension: &Extension, signer: Party<'_>) -> String {
    URL_SAFE_NO_PAD.encode(extension.to_signed_json(signer.base_url))
}

/// Reads the payload of a message that this server has signed.
pub fn decode(payload: &str, signer: Party<'_>) -> Option<Extension> {
    let bytes = URL_SAFE_NO_PAD.decode(payload).ok()?;
    Extension::read_signed(str::from_utf8(&bytes).ok()?, signer.base_url, signer.process.get())
}

/// Reads the payload of a request. A holder of the secret could speak for any URL, but not for
/// another process: `None` if the payload names another sender than the signature.
///
/// `is_normalised` may know of the sender's URL that it is in normalised form, which saves parsing
/// it.
pub fn decode_request(
    payload: &str,
    sender: Party<'_>,
    is_normalised: impl FnOnce(&str) -> bool,
) -> Option<Extension> {
    let extension = decode(payload, sender)?;
    let url = &*extension.me.base_url;
    let is_own_url = (url == sender.base_url && is_normalised(url))
        || BaseUrl::parse(url).is_ok_and(|url| &**url.identity() == sender.base_url);
    (is_own_url && extension.instance == sender.process.get()).then_some(extension)
}
