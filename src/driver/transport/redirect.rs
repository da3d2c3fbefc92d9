//! Where a redirect leads, according to the Fetch standard.

use reqwest::{
    Method, Request, Response, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, LOCATION},
};

use super::error::TransportError;

/// Returns the request that a response redirects to; `None` if it is not a redirect.
pub(super) fn next(request: &Request, response: &Response) -> Result<Option<Request>, TransportError> {
    let becomes_get = match response.status() {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => request.method() == Method::POST,
        StatusCode::SEE_OTHER => true,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => false,
        _ => return Ok(None),
    };
    let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
    let mut url = request
        .url()
        .join(&String::from_utf8_lossy(location.as_bytes()))
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or(TransportError::InvalidRequest("redirected to something that is not an HTTP address"))?;
    strip_user_info(&mut url);

    let mut next = request.try_clone().ok_or(TransportError::InvalidRequest("body cannot be sent twice"))?;
    if becomes_get {
        *next.method_mut() = Method::GET;
        *next.body_mut() = None;
        next.headers_mut().remove(CONTENT_TYPE);
    }
    if url.origin() != request.url().origin() {
        next.headers_mut().remove(AUTHORIZATION);
    }
    *next.url_mut() = url;
    Ok(Some(next))
}

/// Removes the user name and password from a URL.
pub(super) fn strip_user_info(url: &mut Url) {
    // Only URLs without a host fail here, and HTTP URLs have one.
    let _ = url.set_username("");
    let _ = url.set_password(None);
}
