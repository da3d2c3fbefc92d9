//! How long a server wants to be left alone.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// The pause that a `Retry-After` asks for: seconds, or a date, which counts from the server's own `Date`. No clocks
/// have to agree then.
pub(super) fn read(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let pause = text(RETRY_AFTER)?;
    let date = |text: &str| httpdate::parse_http_date(text).ok();
    match pause.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => date(pause)?.duration_since(date(text(DATE)?)?).ok(),
    }
}
