//! Keys derived from the secrets.
//!
//! A proof or a signed message must not let an outsider guess the secret quickly offline. So each
//! secret is first stretched by PBKDF2, which makes every guess expensive. HKDF then derives a key
//! for each purpose, so that a MAC of one kind is worthless for another.

use std::fmt;
use std::hint;
use std::num::NonZeroU32;
use std::sync::Arc;

use ring::{hkdf, hmac, pbkdf2};
use zeroize::Zeroizing;

use super::encoding::{decode, encode};
use crate::protocol::secret::Secret;

/// Rounds of PBKDF2-HMAC-SHA-256 for a secret: about 50 ms for a guess on one core.
const STRETCH_ROUNDS: NonZeroU32 = NonZeroU32::new(200_000).unwrap();
/// The salt of PBKDF2. It is fixed and public, because all servers must derive the same keys from
/// the secret alone.
const SALT: &[u8] = b"clustershazbot/2 stretched secret";
/// Bytes of a stretched secret, and of a key: the output of SHA-256.
const KEY_BYTES: usize = 32;
/// Bytes of a key's id. Among the few keys of a cluster, two ids never agree by chance.
const ID_BYTES: usize = 6;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// Proves to a challenger that a server holds the secret.
    Proof,
    /// Signs a gossip request.
    Request,
    /// Signs the response to a gossip request.
    Response,
    /// Signs a control request or a request for full lists.
    Control,
}

impl KeyUse {
    const ALL: [Self; 4] = [Self::Proof, Self::Request, Self::Response, Self::Control];

    fn label(self) -> &'static [u8] {
        match self {
            Self::Proof => b"clustershazbot/2 proof",
            Self::Request => b"clustershazbot/2 request",
            Self::Response => b"clustershazbot/2 response",
            Self::Control => b"clustershazbot/2 control",
        }
    }
}

/// Names the keys of one secret without revealing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; ID_BYTES]);

impl KeyId {
    /// Parses the printed form.
    pub fn read(text: &str) -> Option<Self> {
        decode(text).map(Self)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(&self.0))
    }
}

/// The keys of one secret, wiped when dropped. `Debug` shows only their id.
pub struct Keys {
    id: KeyId,
    /// In the form that `ring` uses, because preparing one takes as long as a short MAC.
    keys: [hmac::Key; KeyUse::ALL.len()],
}

impl Keys {
    /// Derives the keys of a secret. Takes about 50 ms of CPU time, so never call it on a thread on
    /// which others wait.
    pub fn derive(secret: &Secret) -> Self {
        Self::from_stretched(&stretch(secret))
    }

    /// Derives the keys of a stretched secret. Simulations stretch none, to save time.
    pub fn from_stretched(stretched: &[u8; KEY_BYTES]) -> Self {
        let extracted = extract(stretched);
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&expand(&extracted, b"clustershazbot/2 key id")[..ID_BYTES]);
        let prepare = |key_use: KeyUse| prepared(&*expand(&extracted, key_use.label()));
        Self { id: KeyId(id), keys: KeyUse::ALL.map(prepare) }
    }

    /// The id of these keys.
    pub fn id(&self) -> KeyId {
        self.id
    }

    pub(super) fn id_bytes(&self) -> &[u8] {
        &self.id.0
    }

    /// The key for a purpose.
    pub(super) fn key(&self, key_use: KeyUse) -> &hmac::Key {
        &self.keys[key_use as usize]
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // `ring` does not wipe its keys.
        let nothing = prepared(&[]);
        self.keys = KeyUse::ALL.map(|_| nothing.clone());
        // The compiler would omit a write that nobody reads.
        hint::black_box(&self.keys);
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.id)
    }
}

fn stretch(secret: &Secret) -> Zeroizing<[u8; KEY_BYTES]> {
    let mut stretched = Zeroizing::new([0; KEY_BYTES]);
    let text = secret.expose().as_bytes();
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, STRETCH_ROUNDS, SALT, text, &mut *stretched);
    stretched
}

fn extract(stretched: &[u8; KEY_BYTES]) -> hkdf::Prk {
    hkdf::Salt::new(hkdf::HKDF_SHA256, SALT).extract(stretched)
}

fn prepared(key: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, key)
}

fn expand(extracted: &hkdf::Prk, label: &[u8]) -> Zeroizing<[u8; KEY_BYTES]> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    // Only an output of more than 255 blocks fails, and this is one block.
    if let Ok(material) = extracted.expand(&[label], hkdf::HKDF_SHA256) {
        let _ = material.fill(&mut *key);
    }
    key
}

/// The keys that a server accepts. It signs only with those of the current secret.
#[derive(Debug)]
pub struct Keyring {
    current: Arc<Keys>,
    previous: Vec<Arc<Keys>>,
}

impl Keyring {
    /// Creates a keyring.
    pub fn new(current: impl Into<Arc<Keys>>, previous: Vec<Arc<Keys>>) -> Self {
        Self { current: current.into(), previous }
    }

    /// The keys of the current secret.
    pub fn current(&self) -> &Keys {
        &self.current
    }

    /// The accepted keys with this id.
    pub fn find(&self, id: KeyId) -> Option<&Keys> {
        std::iter::once(&self.current).chain(&self.previous).find(|keys| keys.id == id).map(|keys| &**keys)
    }
}

/// The key of a secret in hexadecimal, for the test vectors.
#[cfg(test)]
pub(super) fn key_in_hex(secret: &Secret, key_use: KeyUse) -> String {
    let key = expand(&extract(&stretch(secret)), key_use.label());
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_has_its_own_key() {
        let keys = Keys::from_stretched(&[7; KEY_BYTES]);
        let tags = KeyUse::ALL.map(|key_use| hmac::sign(keys.key(key_use), b"").as_ref().to_vec());
        for (index, tag) in tags.iter().enumerate() {
            assert!(!tags[..index].contains(tag));
        }
    }

    #[test]
    fn a_keyring_finds_current_and_previous_keys_by_their_ids() {
        let [a, b, c] = [1, 2, 3].map(|byte| Keys::from_stretched(&[byte; KEY_BYTES]));
        let ids = [a.id(), b.id(), c.id()];
        let keyring = Keyring::new(a, vec![b.into()]);
        assert_eq!(ids.map(|id| keyring.find(id).map(Keys::id)), [Some(ids[0]), Some(ids[1]), None]);
        assert_eq!(KeyId::read(&ids[0].to_string()), Some(ids[0]));
    }

    #[test]
    fn debug_output_hides_the_keys() {
        let keys = Keys::from_stretched(&[7; KEY_BYTES]);
        assert_eq!(format!("{keys:?}"), format!("Keys({})", keys.id()));
    }
}
