//! How long a connection may be idle.

use std::time::Duration;

use reqwest::{
    Response, Version,
    header::{CONNECTION, HeaderMap, HeaderName},
};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// Idle time if the server states none. Most servers keep idle connections for 5 s or longer.
const UNSTATED: Duration = Duration::from_secs(2);

/// Longest idle time, whatever the server allows. Beyond it, hardly any connection of a large
/// cluster would be used again.
const LONGEST: Duration = Duration::from_secs(10);

/// By how much a connection is closed before its server closes it: the time that a request takes to
/// arrive, and the inaccuracy of timers.
const MARGIN: Duration = Duration::from_millis(500);

/// Returns how long the connection of a response may be idle; `None` if it must be closed.
pub(super) fn idle_time(response: &Response) -> Option<Duration> {
    idle_time_of(response.version(), response.headers())
}

fn idle_time_of(version: Version, headers: &HeaderMap) -> Option<Duration> {
    let says = |token: &str| elements(headers, CONNECTION).any(|said| said.eq_ignore_ascii_case(token));
    let is_kept = if version == Version::HTTP_10 { says("keep-alive") } else { !says("close") };
    let stated = elements(headers, KEEP_ALIVE).filter_map(timeout_of).min();
    let allowed = stated.map_or(UNSTATED, |seconds| Duration::from_secs(seconds).saturating_sub(MARGIN));
    Some(allowed.min(LONGEST)).filter(|allowed| is_kept && !allowed.is_zero())
}

/// The elements of a header that is a list, which may be in several lines.
fn elements(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

/// Reads the seconds of `timeout=5`, without a fraction; `None` for any other parameter.
fn timeout_of(parameter: &str) -> Option<u64> {
    let (name, value) = parameter.split_once('=')?;
    let value = value.trim().trim_matches('"');
    let digits = &value[..value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len())];
    let is_number = name.trim().eq_ignore_ascii_case("timeout") && !digits.is_empty();
    // Only a number that is too large fails here.
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn millis(version: Version, lines: &[(HeaderName, &str)]) -> Option<u128> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        idle_time_of(version, &headers).map(|time| time.as_millis())
    }

    #[test]
    fn a_connection_is_idle_for_less_than_its_server_allows() {
        for (stated, expected) in [
            ("timeout=5", Some(4_500)),
            ("timeout=5, max=1000", Some(4_500)),
            ("max=1000,Timeout = \"7\"", Some(6_500)),
            ("timeout=1", Some(500)),
            ("timeout=0", None),
            ("timeout=0.9", None),
            ("timeout=10", Some(9_500)),
            ("timeout=72", Some(10_000)),
            ("timeout=999999", Some(10_000)),
            ("timeout=99999999999999999999999999", Some(10_000)),
            ("timeout=60, timeout=3", Some(2_500)),
            ("timeout=5s", Some(4_500)),
        ] {
            assert_eq!(millis(Version::HTTP_11, &[(KEEP_ALIVE, stated)]), expected, "{stated}");
        }
        assert_eq!(
            millis(Version::HTTP_11, &[(KEEP_ALIVE, "timeout=9"), (KEEP_ALIVE, "timeout=4")]),
            Some(3_500)
        );
    }

    #[test]
    fn a_meaningless_header_states_nothing() {
        for stated in
            ["", "timeout", "timeout=", "timeout=-5", "timeout=soon", "max=3", "=5", "é", "timeout==5"]
        {
            assert_eq!(millis(Version::HTTP_11, &[(KEEP_ALIVE, stated)]), Some(2_000), "{stated}");
        }
        assert_eq!(millis(Version::HTTP_11, &[]), Some(2_000));
    }

    #[test]
    fn a_server_that_closes_the_connection_is_not_kept_waiting() {
        for said in ["close", "Close", "foo, close", "keep-alive, close"] {
            let lines = [(CONNECTION, said), (KEEP_ALIVE, "timeout=5")];
            assert_eq!(millis(Version::HTTP_11, &lines), None, "{said}");
        }
        assert_eq!(millis(Version::HTTP_10, &[(KEEP_ALIVE, "timeout=5")]), None);
        let lines = [(CONNECTION, "Keep-Alive"), (KEEP_ALIVE, "timeout=5")];
        assert_eq!(millis(Version::HTTP_10, &lines), Some(4_500));
        assert_eq!(millis(Version::HTTP_11, &lines), Some(4_500));
    }
}
