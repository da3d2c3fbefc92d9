//! URLs as shown in errors.

use url::Url;

use crate::protocol::types::text::printable::printable;

/// Characters of a URL that are shown, which suffice to recognise it.
const MAX_URL_CHARS: usize = 200;
/// Length of the shortest secret that is masked, in characters. Shorter texts occur in URLs by
/// chance.
const SHORTEST_SECRET: usize = 6;

/// Returns the text without credentials, query, fragment and any of these secrets, even if it is
/// not a URL.
pub(super) fn shown_url(text: &str, secrets: &[impl AsRef<str>]) -> String {
    let secrets = || secrets.iter().map(AsRef::as_ref);
    if secrets().any(|secret| secret == text) {
        return "…".to_owned();
    }
    let mut shown = without_private_parts(text);
    // "Bearer x" contains the secret "x".
    let words = secrets().flat_map(|secret| [secret].into_iter().chain(secret.split_whitespace()));
    for secret in words.filter(|secret| secret.chars().count() >= SHORTEST_SECRET) {
        shown = shown.replace(secret, "…");
    }
    if shown.chars().count() > MAX_URL_CHARS {
        shown = shown.chars().take(MAX_URL_CHARS).chain(['…']).collect();
    }
    printable(&shown)
}

fn without_private_parts(text: &str) -> String {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(mut url) = url else { return without_suspicious_parts(text) };
    if url.query().is_some() {
        url.set_query(Some("…"));
    }
    if url.fragment().is_some() {
        url.set_fragment(Some("…"));
    }
    let has_credentials = !url.username().is_empty() || url.password().is_some();
    if has_credentials {
        // Both succeed for http and https.
        let _ = url.set_username("…");
        let _ = url.set_password(None);
    }
    // The URL has escaped the ellipsis.
    String::from(url).replace("%E2%80%A6", "…")
}

/// Masks what may be a password in a text that does not parse as an http URL.
fn without_suspicious_parts(text: &str) -> String {
    if text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) {
        return "data:…".to_owned();
    }
    if text.contains('@') {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme).filter(|scheme| !scheme.contains('@'));
        return scheme.map_or("…".to_owned(), |scheme| format!("{scheme}://…"));
    }
    match text.find(['?', '#']) {
        Some(end) => {
            let (kept, rest) = text.split_at(end);
            format!("{kept}{}…", if rest.starts_with('?') { '?' } else { '#' })
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_urls_contain_no_secrets() {
        for (text, shown) in [
            ("ftp://h/list", "ftp://h/list"),
            ("http://user:hunter2@h:1/a?sig=hunter2#hunter2", "http://…@h:1/a?…#…"),
            ("user:hunter2@h/", "…"),
            ("http://user:hun?ter2@h:x/", "http://…"),
            ("hunter2@h:1", "…"),
            ("list.json?sig=hunter2", "list.json?…"),
            ("list.json#hunter2?x", "list.json#…"),
            ("data:application/json,hunter2", "data:…"),
            ("ftp://h/hunter2/x", "ftp://h/…/x"),
            ("hunter2", "…"),
            ("a\nb\u{202e}", "a\\u{a}b\\u{202e}"),
        ] {
            assert_eq!(
                shown_url(text, &["Bearer hunter2".to_owned(), "hunter2".to_owned()]),
                shown,
                "{text}"
            );
        }
    }

    #[test]
    fn shown_urls_are_bounded() {
        assert_eq!(shown_url(&"x".repeat(10_000), &[""; 0]).chars().count(), MAX_URL_CHARS + 1);
    }
}
