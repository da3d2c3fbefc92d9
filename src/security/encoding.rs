//! Text forms: base64url for bytes, and fields separated by dots.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The version of all proofs and signed messages.
pub(super) const VERSION: &str = "2";

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes exactly `N` bytes.
pub(super) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    (length == N).then_some(bytes)
}

/// Splits a text into `N` fields. The last one may contain dots.
pub(super) fn fields<const N: usize>(text: &str) -> Option<[&str; N]> {
    let mut parts = text.splitn(N, '.');
    let mut fields = [""; N];
    for field in &mut fields {
        *field = parts.next()?;
    }
    Some(fields)
}

/// Parses a decimal number in its only spelling, so that a message cannot be respelled.
pub(super) fn number(text: &str) -> Option<u64> {
    let is_plain = text == "0" || text.starts_with(|first: char| matches!(first, '1'..='9'));
    // After such a start, the rest can only be digits, each of which changes the number.
    is_plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_one_spelling() {
        assert_eq!(decode::<2>(&encode(&[1, 255])), Some([1, 255]));
        for text in ["", "Af", "AP_", "AP8A", "AP8=", "AP9", "AP/"] {
            assert_eq!(decode::<2>(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_have_one_spelling() {
        assert_eq!(number("18446744073709551615"), Some(u64::MAX));
        for text in ["", "+1", "01", "-1", "1.0", " 1", "18446744073709551616"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn the_last_field_may_contain_dots() {
        assert_eq!(fields("a.b.c.d"), Some(["a", "b", "c.d"]));
        assert_eq!(fields::<3>("a.b"), None);
    }
}
