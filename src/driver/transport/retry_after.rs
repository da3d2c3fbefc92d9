//! How long a server asks not to be contacted.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// Reads the pause from `Retry-After`: seconds, or a date, which is compared with the server's own
/// `Date`. So the clocks need not agree.
pub(super) fn read(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let pause = text(RETRY_AFTER)?;
    let date = |text: &str| httpdate::parse_http_date(text).ok();
    match pause.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => date(pause)?.duration_since(date(text(DATE)?)?).ok(),
    }
}
