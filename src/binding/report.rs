//! What readers of news are told, as text: each property or string that crosses the JS/Rust
//! boundary on its own is expensive. `js/events/report.js` reads it.

use std::fmt::Write;
use std::time::Duration;

use crate::driver::{Engine, NewsReport};
use crate::protocol::news::News;
use crate::protocol::status::Status;

/// Returns the text of a report: numbers, then four values for each server and each piece of news.
pub(super) fn text(number: u32, engine: &Engine, report: &NewsReport, has_ended: bool) -> String {
    let NewsReport { summary, lag, missed } = report;
    let millis = |time: Duration| time.as_millis() as u64;
    let head = [
        number.into(),
        summary.phase as u64,
        summary.view,
        has_ended.into(),
        summary.is_isolated.into(),
        summary.has_siblings.into(),
        summary.online as u64,
        summary.suspects as u64,
        summary.dead as u64,
        summary.left as u64,
        missed.servers.len() as u64,
        millis(summary.quiet_for),
        millis(*lag),
    ];
    let mut text = "[".to_owned();
    for number in head {
        // Writing to a string cannot fail.
        let _ = write!(text, "{number},");
    }
    let own = engine.own_url();
    for news in missed.servers.iter().chain(&missed.news) {
        write_news(&mut text, news, *news.base_url == *own);
    }
    text.pop();
    text.push(']');
    text
}

fn write_news(text: &mut String, news: &News, is_own: bool) {
    let [previous, state] = [news.previous, news.state].map(|state| match state {
        None => 0,
        Some(Status::Online) => 1,
        Some(Status::Suspect) => 2,
        Some(Status::Dead) => 3,
        Some(Status::Left) => 4,
    });
    let flags = u32::from(news.monitor) + 2 * u32::from(is_own);
    let code = state + (previous << 3) + (flags << 6) + ((news.cause as u32) << 8);
    let url = serde_json::to_string(&news.base_url).unwrap_or_default();
    let _ = write!(text, "{url},{},{},{code},", news.stamp().0, news.at().0);
}
