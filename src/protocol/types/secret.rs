//! Secrets: compared in constant time, never shown, wiped when dropped.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// A secret in the form of an `Authorization` header: printable Latin-1 without surrounding
/// whitespace.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl ZeroizeOnDrop for Secret {}

impl Secret {
    /// Accepts what an HTTP header can carry; `None` for anything else.
    pub fn new(text: &str) -> Option<Self> {
        let text = trim(text);
        let fits = |c: char| c == '\t' || (u32::from(c) <= 0xff && c != '\x7f' && c >= ' ');
        (!text.is_empty() && text.chars().all(fits)).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// Whether a received header equals this secret. The time taken reveals at most the length.
    pub fn matches(&self, header: &str) -> bool {
        self.0.as_bytes().ct_eq(trim(header).as_bytes()).into()
    }

    /// The secret itself, for the header of an outgoing request and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

// The whitespace that HTTP strips from header values.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whitespace_around_a_secret_is_ignored() {
        let secret = Secret::new(" s3cret\n").unwrap();
        assert!(secret.matches("s3cret"));
        assert!(secret.matches("\ts3cret "));
        assert!(!secret.matches("s3cre"));
        assert!(!secret.matches(""));
    }

    #[test]
    fn text_that_is_invalid_in_a_header_is_rejected() {
        for text in ["", " \n", "a\nb", "a\0", "€", "\x7f"] {
            assert!(Secret::new(text).is_none(), "{text:?}");
        }
        assert!(Secret::new("pässwörd\u{ff}").is_some());
    }

    #[test]
    fn a_secret_is_wiped_when_it_is_dropped() {
        fn assert_wiped<T: ZeroizeOnDrop>(_: &T) {}
        let secret = Secret::new("hunter2").unwrap();
        assert_wiped(&secret);
        assert_wiped(&secret.0);
    }

    #[test]
    fn debug_output_hides_the_secret() {
        assert_eq!(format!("{:?}", Secret::new("hunter2").unwrap()), "Secret(…)");
    }
}
