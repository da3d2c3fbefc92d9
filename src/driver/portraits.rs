//! What this server knows of all servers, as the JSON that operators are shown.

use std::fmt::Write;

use super::engine::Engine;
use crate::protocol::news::{Language, NewsCause, Portrait};
use crate::protocol::status::Status;

impl Engine {
    /// Writes the members of the status that JavaScript does not know: the version, the uptime in
    /// milliseconds, the share of the latest native answers that had another hash, the base URL,
    /// and all servers, this one first.
    pub fn portraits(&self) -> String {
        let (portraits, disagreement, uptime) = self.shared.with(|machine, now| {
            (machine.portraits(now), machine.metrics().disagreement, self.shared.clock.uptime(now))
        });
        let mut text = format!(
            r#""version":"{}","uptime":{uptime},"disagreeing":{disagreement},"baseUrl":"#,
            env!("CARGO_PKG_VERSION")
        );
        let own = portraits.first().map_or("", |own| &own.entry.base_url);
        write_string(&mut text, own);
        text.push_str(r#","servers":["#);
        for (index, portrait) in portraits.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            write_portrait(&mut text, portrait, index == 0);
        }
        text.push(']');
        text
    }
}

fn write_portrait(text: &mut String, portrait: &Portrait, is_own: bool) {
    let Portrait { entry, status, since, cause, language } = portrait;
    text.push_str(r#"{"baseUrl":"#);
    write_string(text, &entry.base_url);
    let (state, cause, language) = (state_name(*status), cause_name(*cause), language_name(*language));
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        r#","state":"{state}","since":{},"cause":"{cause}","language":"{language}","monitor":{},"lastUpdate":{},"self":{is_own}}}"#,
        since.0, entry.monitor, entry.last_update.0
    );
}

fn write_string(text: &mut String, value: &str) {
    text.push_str(&serde_json::to_string(value).unwrap_or_default());
}

fn state_name(status: Status) -> &'static str {
    match status {
        Status::Online => "online",
        Status::Suspect => "suspect",
        Status::Dead => "dead",
        Status::Left => "left",
    }
}

fn language_name(language: Language) -> &'static str {
    match language {
        Language::Native => "native",
        Language::Legacy => "legacy",
        Language::Unknown => "unknown",
    }
}

/// The names of `js/events/report.js`.
fn cause_name(cause: NewsCause) -> &'static str {
    match cause {
        NewsCause::Answered => "answered",
        NewsCause::Said => "said",
        NewsCause::Refused => "refused",
        NewsCause::Silent => "silent",
        NewsCause::Rumour => "rumour",
        NewsCause::List => "list",
        NewsCause::Control => "control",
        NewsCause::Age => "age",
        NewsCause::Known => "known",
    }
}
