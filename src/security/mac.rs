//! Message authentication codes over length-prefixed fields.

use ring::hmac;
use subtle::ConstantTimeEq;

use super::encoding::{decode, encode};
use super::keys::{KeyUse, Keys};

/// Bytes of a MAC: 128 bits of HMAC-SHA-256.
pub(super) const MAC_BYTES: usize = 16;

/// Bytes of most texts that are authenticated.
const USUAL_BYTES: usize = 512;

/// A message authentication code. It has no `==`: see [`Mac::matches`].
#[derive(Debug, Clone, Copy)]
pub struct Mac([u8; MAC_BYTES]);

impl Mac {
    /// Computes the MAC of these fields under the key for `key_use`.
    ///
    /// Each field is preceded by its length, so that no two lists of fields give the same bytes.
    pub(super) fn of(keys: &Keys, key_use: KeyUse, fields: &[&[u8]]) -> Self {
        // One text is authenticated faster than its parts.
        let mut text = Vec::with_capacity(USUAL_BYTES);
        for field in fields {
            text.extend_from_slice(&(field.len() as u64).to_be_bytes());
            text.extend_from_slice(field);
        }
        let tag = hmac::sign(keys.key(key_use), &text);
        let mut bytes = [0; MAC_BYTES];
        bytes.copy_from_slice(&tag.as_ref()[..MAC_BYTES]);
        Self(bytes)
    }

    /// Parses the printed form.
    pub(super) fn read(text: &str) -> Option<Self> {
        decode(text).map(Self)
    }

    pub(super) fn print(&self) -> String {
        encode(&self.0)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Compares in constant time.
    pub(super) fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_cannot_be_shifted() {
        let keys = Keys::from_stretched(&[1; 32]);
        let mac = |fields: &[&[u8]]| Mac::of(&keys, KeyUse::Request, fields);
        assert!(mac(&[b"ab", b"c"]).matches(&mac(&[b"ab", b"c"])));
        for other in [&[b"a" as &[u8], b"bc"][..], &[b"abc"], &[b"ab", b"c", b""]] {
            assert!(!mac(&[b"ab", b"c"]).matches(&mac(other)));
        }
        assert!(!mac(&[]).matches(&Mac::of(&keys, KeyUse::Response, &[])));
    }
}
