//! Parses a list of entries in one pass. A list with anything unusual in it is left to the parser
//! of single entries.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::protocol::types::text::scalars::{Text, number};
use crate::protocol::wire::json_fields::Key;
use crate::protocol::wire::message::ReceivedEntry;

/// The entries; `None` unless all of them are objects with a string `baseUrl` and a number
/// `lastUpdate`.
pub(in crate::protocol) fn read<'a>(list: &'a RawValue) -> Option<Vec<ReceivedEntry<'a>>> {
    let entries: Vec<ParsedEntry<'a>> = serde_json::from_str(list.get()).ok()?;
    Some(entries.into_iter().map(|ParsedEntry(entry)| entry).collect())
}

struct ParsedEntry<'a>(ReceivedEntry<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for ParsedEntry<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ParsedEntryVisitor)
    }
}

struct ParsedEntryVisitor;

impl<'de> Visitor<'de> for ParsedEntryVisitor {
    type Value = ParsedEntry<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entry")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut base_url, mut monitor, mut last_update) = (None, false, None);
        while let Some(index) = map.next_key_seed(Key(&["baseUrl", "monitor", "lastUpdate"]))? {
            match index {
                Some(0) => base_url = Some(map.next_value::<Text<'de>>()?.0),
                Some(1) => monitor = map.next_value::<&RawValue>()?.get() == "true",
                Some(_) => last_update = number(map.next_value::<&RawValue>()?.get()),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let (Some(base_url), Some(last_update)) = (base_url, last_update) else {
            return Err(A::Error::custom("something is missing"));
        };
        Ok(ParsedEntry(ReceivedEntry { base_url, monitor, last_update }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::wire::message::read_entry;

    #[test]
    fn one_pass_gives_the_same_entries_as_single_parsing() {
        for text in [
            r#"{"baseUrl":"http://a/","monitor":true,"lastUpdate":1700000000000}"#,
            r#"{"lastUpdate":1e999,"baseUrl":"\u0068ttp://a/","monitor":"true","extra":[{}]}"#,
            r#"{"baseUrl":1,"lastUpdate":1,"baseUrl":"http://a/","lastUpd\u0061te":2.5,"monitor":null}"#,
            r#"{"\ud800":1,"baseUrl":"","lastUpdate":-0.1}"#,
            r#"{"baseUrl":"http://a/","lastUpdate":1,"lastUpdate":"1"}"#,
            r#"{"baseUrl":"\ud800","lastUpdate":1}"#,
            r#"{"baseUrl":"http://a/"}"#,
            "[]",
            "null",
        ] {
            let list: Box<RawValue> = serde_json::from_str(&format!("[{text}]")).unwrap();
            if let Some(entries) = read(&list) {
                assert_eq!(entries.first(), read_entry(text).as_ref(), "{text}");
            } else {
                // A later value may correct an earlier one, which only the parser of single entries
                // sees.
                assert!(read_entry(text).is_none_or(|_| text.contains(r#""baseUrl":1"#)), "{text}");
            }
        }
    }
}
