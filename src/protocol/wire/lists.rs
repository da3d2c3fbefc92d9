//! Parses plain lists in the notation of `JSON.stringify` and of this package, in one pass and
//! several times as fast as the parser for any JSON, which gets all other texts.

use std::borrow::Cow;

use crate::protocol::wire::message::{MAX_ENTRIES, ReceivedEntry, ReceivedLists};

/// The least bytes of an entry with a comma, to estimate their number; most have about 100.
const MIN_TYPICAL_BYTES: usize = 80;
/// Digits of a number that a float represents exactly, whatever they are.
const MAX_DIGITS: usize = 15;

/// Bytes that are searched or converted at once.
const WORD: usize = size_of::<u64>();
/// 1 in each byte of a word.
const ONES: u64 = u64::MAX / 0xff;
/// The highest bit of each byte of a word.
const HIGH_BITS: u64 = ONES << 7;

/// The lists of `{"message":"gossip","online":[…],"offline":[…]}`, where `message` and `offline`
/// may be missing. `None` for any text with another notation, which may still be valid.
pub fn read(text: &str) -> Option<ReceivedLists<'_>> {
    let mut rest = Rest(text);
    rest.skip("{")?;
    // Peers of version 1 write this field first.
    let _ = rest.skip(r#""message":"gossip","#);
    rest.skip(r#""online":["#)?;
    let online = rest.list()?;
    let offline = match rest.skip(r#","offline":["#) {
        Some(()) => rest.list()?,
        None => Vec::new(),
    };
    (rest.0 == "}").then_some(ReceivedLists { online, offline, malformed: 0 })
}

/// What is left of a text.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn skip(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// Reads the entries of a list and the bracket after them.
    fn list(&mut self) -> Option<Vec<ReceivedEntry<'a>>> {
        if self.skip("]").is_some() {
            return Some(Vec::new());
        }
        let mut entries = Vec::with_capacity(self.0.len() / MIN_TYPICAL_BYTES + 1);
        loop {
            entries.push(self.entry()?);
            if self.skip(",").is_none() {
                self.skip("]")?;
                return (entries.len() <= MAX_ENTRIES).then_some(entries);
            }
        }
    }

    fn entry(&mut self) -> Option<ReceivedEntry<'a>> {
        self.skip(r#"{"baseUrl":""#)?;
        let base_url = Cow::Borrowed(self.string()?);
        let monitor = match self.skip(r#","monitor":false"#) {
            Some(()) => false,
            None => self.skip(r#","monitor":true"#).map(|()| true)?,
        };
        self.skip(r#","lastUpdate":"#)?;
        let last_update = self.whole()? as f64;
        self.skip("}")?;
        Some(ReceivedEntry { base_url, monitor, last_update })
    }

    /// Reads a string without escapes, and the quotation mark after it.
    fn string(&mut self) -> Option<&'a str> {
        let (text, end) = self.0.split_at_checked(unescaped(self.0.as_bytes()))?;
        self.0 = end.strip_prefix('"')?;
        Some(text)
    }

    /// Reads a whole number.
    fn whole(&mut self) -> Option<u64> {
        let bytes = self.0.as_bytes();
        let first = bytes.first_chunk().and_then(|word| eight_digits(u64::from_le_bytes(*word)));
        let (mut number, mut digits) = first.map_or((0, 0), |number| (number, WORD));
        while let Some(byte) = bytes.get(digits).filter(|byte| byte.is_ascii_digit())
            && digits < MAX_DIGITS
        {
            number = number * 10 + u64::from(byte - b'0');
            digits += 1;
        }
        // JSON has no further zeros before a number.
        if digits == 0 || (digits > 1 && bytes.starts_with(b"0")) {
            return None;
        }
        self.0 = self.0.get(digits..)?;
        Some(number)
    }
}

/// The bytes before the first quotation mark, backslash or control character.
fn unescaped(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*word);
        // A byte after the first match may match wrongly, but never one before it.
        let matches = zeros(word ^ (ONES * u64::from(b'"')))
            | zeros(word ^ (ONES * u64::from(b'\\')))
            | (word.wrapping_sub(ONES * 0x20) & !word);
        if matches & HIGH_BITS != 0 {
            return at + (matches & HIGH_BITS).trailing_zeros() as usize / 8;
        }
        at += WORD;
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// Sets the highest bit of the first byte that is zero.
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word
}

/// The number with these eight digits, the first of them in the lowest byte.
fn eight_digits(word: u64) -> Option<u64> {
    let digits = word.wrapping_sub(ONES * u64::from(b'0'));
    // A byte below `0` borrows, and one above `9` carries, into its highest bit.
    if (digits | digits.wrapping_add(ONES * 0x76)) & HIGH_BITS != 0 {
        return None;
    }
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::wire::request::Request;

    /// What the parser for any JSON makes of a text.
    fn slowly(text: &str) -> Option<ReceivedLists<'_>> {
        Request::read(text).ok()?.lists().ok()
    }

    #[track_caller]
    fn assert_equal(text: &str) {
        if let Some(lists) = read(text) {
            assert_eq!(Some(lists), slowly(text), "{text}");
        }
    }

    fn entry(url: &str, stamp: &str) -> String {
        format!(r#"{{"baseUrl":"{url}","monitor":false,"lastUpdate":{stamp}}}"#)
    }

    #[test]
    fn the_usual_notation_is_read() {
        let (a, b) = (entry("http://a/", "1700000000000"), entry("http://ä/", "0"));
        for text in [
            format!(r#"{{"message":"gossip","online":[{a},{b}],"offline":[{b}]}}"#),
            format!(r#"{{"online":[{a}],"offline":[]}}"#),
            format!(r#"{{"online":[{}]}}"#, a.replace("false", "true")),
            r#"{"online":[]}"#.to_owned(),
        ] {
            assert!(read(&text).is_some(), "{text}");
            assert_equal(&text);
        }
    }

    #[test]
    fn other_notations_are_left_to_the_other_parser() {
        let a = entry("http://a/", "1");
        for text in [
            "".to_owned(),
            "{".to_owned(),
            format!(r#"{{"online":[{a}],"v2":{{}}}}"#),
            format!(r#"{{"online":[{a}],"online":[]}}"#),
            format!(r#"{{"online":[{a}]}} "#),
            format!(r#"{{"online":[{a},]}}"#),
            format!(r#"{{"online":[,{a}]}}"#),
            format!(r#"{{"online":[{a}{a}]}}"#),
            format!(r#"{{"online":[{}]}}"#, entry(r"http:\/\/a", "1")),
            format!(r#"{{"online":[{}]}}"#, entry("http://a/\n", "1")),
            format!(r#"{{"online":[{}]}}"#, entry("http://a/", "")),
            format!(r#"{{"online":[{}]}}"#, entry("http://a/", "01")),
            format!(r#"{{"online":[{}]}}"#, entry("http://a/", "0000000000001")),
            format!(r#"{{"online":[{}]}}"#, entry("http://a/", "-1")),
            format!(r#"{{"online":[{}]}}"#, entry("http://a/", "1.5")),
            format!(r#"{{"online":[{}]}}"#, entry("http://a/", "1e3")),
            format!(r#"{{"online":[{}]}}"#, entry("http://a/", "1234567890123456")),
        ] {
            assert_eq!(read(&text), None, "{text}");
        }
    }

    #[test]
    fn every_byte_ends_or_continues_a_string_as_in_json() {
        for byte in (0..0x80_u8).chain([b'"', b'\\']) {
            for before in 0..20 {
                let url = format!("{}{}{}", "x".repeat(before), char::from(byte), "y".repeat(9));
                assert_equal(&format!(r#"{{"online":[{}]}}"#, entry(&url, "1")));
                let special = [b'"', b'\\'].contains(&byte) || byte < 0x20;
                let end = if special { before } else { url.len() };
                assert_eq!(unescaped(url.as_bytes()), end, "{url:?}");
            }
        }
    }

    #[test]
    fn only_eight_digits_are_a_number_of_eight_digits() {
        let read = |text: &[u8; WORD]| eight_digits(u64::from_le_bytes(*text));
        assert_eq!(read(b"12345678"), Some(12_345_678));
        assert_eq!(read(b"99999999"), Some(99_999_999));
        for byte in (0..=u8::MAX).filter(|byte| !byte.is_ascii_digit()) {
            for at in 0..WORD {
                for digit in [b'0', b'9'] {
                    let mut text = [digit; WORD];
                    text[at] = byte;
                    assert_eq!(read(&text), None, "{text:?}");
                }
            }
        }
    }

    fn entries() -> impl Strategy<Value = String> {
        let url = prop_oneof![
            4 => "http://[a-z0-9./:-]{0,80}/",
            1 => r#"[ -~äλ\\]{0,30}"#,
            1 => any::<String>(),
        ];
        let monitor = prop_oneof![4 => Just("false"), 4 => Just("true"), 1 => Just("null")];
        let stamp = prop_oneof![
            4 => any::<u64>().prop_map(|stamp| stamp.to_string()),
            4 => (0..10_u64.pow(15)).prop_map(|stamp| stamp.to_string()),
            1 => "-?[0-9]{0,20}(\\.[0-9]{1,3})?(e[0-9]{1,3})?",
        ];
        let entry = (url, monitor, stamp).prop_map(|(url, monitor, stamp)| {
            format!(r#"{{"baseUrl":"{url}","monitor":{monitor},"lastUpdate":{stamp}}}"#)
        });
        prop::collection::vec(entry, 0..5).prop_map(|entries| entries.join(","))
    }

    fn messages() -> impl Strategy<Value = String> {
        let start = prop_oneof![Just(r#"{"message":"gossip","online":["#), Just(r#"{"online":["#)];
        (start, entries(), prop::option::of(entries())).prop_map(|(start, online, offline)| match offline {
            Some(offline) => format!(r#"{start}{online}],"offline":[{offline}]}}"#),
            None => format!("{start}{online}]}}"),
        })
    }

    proptest! {
        #[test]
        fn both_parsers_agree(text in messages()) {
            assert_equal(&text);
        }

        #[test]
        fn both_parsers_agree_about_damaged_texts(
            text in messages(), at in any::<prop::sample::Index>(), cut in 0..4_usize, put in "[\\x00-~]{0,3}",
        ) {
            let mut characters: Vec<char> = text.chars().collect();
            let at = at.index(characters.len());
            let end = (at + cut).min(characters.len());
            characters.splice(at..end, put.chars());
            assert_equal(&characters.into_iter().collect::<String>());
        }

        #[test]
        fn whole_numbers_are_read_exactly(stamp in 0..10_u64.pow(15)) {
            let text = format!(r#"{{"online":[{}]}}"#, entry("http://a/", &stamp.to_string()));
            prop_assert_eq!(read(&text).map(|lists| lists.online[0].last_update), Some(stamp as f64));
        }
    }
}
