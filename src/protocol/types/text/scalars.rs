//! Strings and numbers in JSON, parsed as JavaScript does: different notations of a value are
//! equal.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde_json::value::RawValue;

/// 2^64, above all whole numbers of 64 bits.
const TOO_LARGE: f64 = u64::MAX as f64;
/// Digits of an integer that a float always represents exactly.
const EXACT_DIGITS: usize = 15;

/// A string; borrowed unless it contains escapes.
#[derive(Debug)]
pub(in crate::protocol) struct Text<'a>(pub(in crate::protocol) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

/// A whole number of 0 or more. `5`, `5.0` and `0.5e1` are equal; beyond 2^53, numbers are equal if
/// they are equal as floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) struct Whole<T>(pub(in crate::protocol) T);

impl<'de, T: TryFrom<u64>> Deserialize<'de> for Whole<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let whole = whole(raw).and_then(|whole| T::try_from(whole).ok());
        whole.map(Self).ok_or_else(|| D::Error::custom("no whole number, or one too large"))
    }
}

fn whole(json: &str) -> Option<u64> {
    if json.len() <= EXACT_DIGITS && json.bytes().all(|byte| byte.is_ascii_digit()) {
        return json.parse().ok();
    }
    let number = number(json)?;
    ((0.0..TOO_LARGE).contains(&number) && number.fract() == 0.0).then_some(number as u64)
}

/// The number in a JSON text, if it is one. A number too large for a float is infinite, not an
/// error.
pub(in crate::protocol) fn number(json: &str) -> Option<f64> {
    json.starts_with(|c: char| c == '-' || c.is_ascii_digit()).then(|| json.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: TryFrom<u64>>(text: &str) -> Option<T> {
        serde_json::from_str::<Whole<T>>(text).ok().map(|whole| whole.0)
    }

    #[test]
    fn a_whole_number_has_many_notations() {
        for text in ["5", "5.0", "5e0", "0.5e1", "50E-1", "5.000000000000000000000000"] {
            assert_eq!(read::<u8>(text), Some(5), "{text}");
        }
        for text in ["0", "-0", "-0.0", "0e999", "-0E-5"] {
            assert_eq!(read::<u32>(text), Some(0), "{text}");
        }
        assert_eq!(read("9007199254740993"), Some(9_007_199_254_740_992_u64));
        assert_eq!(read("1700000000000"), Some(1_700_000_000_000_u64));
        assert_eq!(read("18446744073709549568"), Some(18_446_744_073_709_549_568_u64));
    }

    #[test]
    fn other_values_are_not_whole_numbers() {
        for text in ["-1", "1.5", "1e400", "-1e400", "18446744073709551616", "null", "true", "\"5\"", "[5]"] {
            assert_eq!(read::<u64>(text), None, "{text}");
        }
        assert_eq!(read::<u8>("256"), None);
        assert_eq!(read::<u32>("4294967296"), None);
    }

    #[test]
    fn strings_may_contain_escapes() {
        let read = |text: &'static str| serde_json::from_str::<Text<'_>>(text).ok().map(|text| text.0);
        assert_eq!(read(r#""push""#), Some(Cow::Borrowed("push")));
        assert_eq!(read(r#""pu\u0073h""#), Some(Cow::Owned("push".to_owned())));
        assert_eq!(read(r#""\ud800""#), None);
        assert_eq!(read("5"), None);
    }
}
