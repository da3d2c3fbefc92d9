//! Parses chosen fields of a JSON object as JavaScript does: of two equal keys the last one counts.
//! Other fields are skipped, whatever their keys and values are.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The unparsed values of the named fields; `None` for a missing field.
pub(in crate::protocol) fn read<'a, const N: usize>(
    text: &'a str,
    names: [&str; N],
) -> Result<[Option<&'a RawValue>; N], serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    let values = json.deserialize_map(Fields(names))?;
    json.end()?;
    Ok(values)
}

struct Fields<'n, const N: usize>([&'n str; N]);

impl<'de, const N: usize> Visitor<'de> for Fields<'_, N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = [None; N];
        while let Some(index) = map.next_key_seed(Key(&self.0))? {
            match index.and_then(|index| values.get_mut(index)) {
                Some(value) => *value = Some(map.next_value()?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(values)
    }
}

/// Matches a key with the names. The raw key is parsed, because that rejects control characters as
/// JavaScript does, and accepts half a surrogate pair, which is not valid text.
pub(in crate::protocol) struct Key<'n>(pub(in crate::protocol) &'n [&'n str]);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let position = |key: &str| self.0.iter().position(|name| *name == key);
        let inside = raw.get(1..raw.len() - 1).unwrap_or_default();
        Ok(if inside.contains('\\') {
            serde_json::from_str::<Cow<'_, str>>(raw).ok().and_then(|key| position(&key))
        } else {
            position(inside)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<&str> {
        let [value] = read(text, ["a"]).ok()?;
        value.map(RawValue::get)
    }

    #[test]
    fn keys_are_parsed_as_in_javascript() {
        assert_eq!(value(r#"{"a":1,"b":{"a":2},"\u0061":3,"\ud800":4,"":5}"#), Some("3"));
        assert_eq!(value("{\"a\u{1}\":1,\"a\":2}"), None);
        assert_eq!(value("{\"a\":1,\"\n\":2}"), None);
        assert_eq!(value("{\"a\":1,\"b\":{\"\u{1}\":2}}"), None);
    }

    #[test]
    fn other_fields_may_be_nested_to_any_depth() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let text = format!(r#"{{"b":{deep},"a":1,"c":{deep}}}"#);
        assert_eq!(value(&text), Some("1"));
        assert_eq!(value(&format!(r#"{{"a":{deep}}}"#)), Some(&*deep));
    }
}
