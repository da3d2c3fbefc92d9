//! Challenges, and the proofs that answer them.
//!
//! ```text
//! A ── GET {B}clustershazbot/list   Authorization: Shazbot-Challenge <nonce> ──▶ B
//! A ◀── 200 {"online":[…],"proof":"2.<key id>.<process>.<epoch>.<sequence>.<mac>.<base URL>"} ── B
//! ```
//!
//! A proof shows that the process which answers at a URL holds the secret, without revealing it. It
//! names the URL of its sender, so a proof that was obtained elsewhere proves nothing here.

use super::encoding::{VERSION, decode, encode, fields, number};
use super::keys::{KeyId, KeyUse, Keyring, Keys};
use super::mac::Mac;
use super::process::ProcessNumber;

/// The scheme of the `Authorization` header of a challenge.
const CHALLENGE_SCHEME: &str = "Shazbot-Challenge ";
/// Bytes of a nonce.
const NONCE_BYTES: usize = 16;
/// Longest accepted proof, in bytes: a base URL of 512 whose characters all become three when they
/// are normalised, and the other fields.
const MAX_PROOF_BYTES: usize = 2_000;

/// A random number that a challenger uses once, so that an old proof does not answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonce([u8; NONCE_BYTES]);

impl Nonce {
    /// Makes a nonce of random bytes.
    pub const fn new(random: [u8; NONCE_BYTES]) -> Self {
        Self(random)
    }

    /// The `Authorization` header of a challenge.
    pub fn to_header(self) -> String {
        format!("{CHALLENGE_SCHEME}{}", encode(&self.0))
    }

    /// Reads the `Authorization` header of a challenge; `None` for any other header.
    pub fn from_header(header: &str) -> Option<Self> {
        Self::read(header.strip_prefix(CHALLENGE_SCHEME)?.trim_ascii())
    }

    /// The printed form, for a field of a message.
    pub fn print(self) -> String {
        encode(&self.0)
    }

    /// Parses the printed form.
    pub fn read(text: &str) -> Option<Self> {
        decode(text).map(Self)
    }
}

/// What a proof says about the process that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Its process number.
    pub process: ProcessNumber,
    /// Its current epoch.
    pub epoch: u64,
    /// The sequence for one signed control request.
    pub sequence: u64,
    /// The URL at which it is reached.
    pub base_url: String,
}

impl Proof {
    /// Prints the proof that answers a challenge.
    pub fn print(&self, keys: &Keys, nonce: Nonce) -> String {
        let Self { process, epoch, sequence, base_url } = self;
        let mac = self.mac(keys, nonce).print();
        format!("{VERSION}.{}.{process}.{epoch}.{sequence}.{mac}.{base_url}", keys.id())
    }

    /// Parses the proof that answers a challenge; `None` if it is malformed or proves nothing.
    pub fn read(text: &str, keyring: &Keyring, nonce: Nonce) -> Option<Self> {
        if text.len() > MAX_PROOF_BYTES {
            return None;
        }
        let [version, key_id, process, epoch, sequence, mac, base_url] = fields(text)?;
        let keys = keyring.find(KeyId::read(key_id)?).filter(|_| version == VERSION)?;
        let proof = Self {
            process: ProcessNumber::read(process)?,
            epoch: number(epoch)?,
            sequence: number(sequence)?,
            base_url: base_url.to_owned(),
        };
        proof.mac(keys, nonce).matches(&Mac::read(mac)?).then_some(proof)
    }

    fn mac(&self, keys: &Keys, nonce: Nonce) -> Mac {
        let fields: [&[u8]; 8] = [
            b"proof",
            VERSION.as_bytes(),
            keys.id_bytes(),
            &nonce.0,
            self.base_url.as_bytes(),
            &self.process.bytes(),
            &self.epoch.to_be_bytes(),
            &self.sequence.to_be_bytes(),
        ];
        Mac::of(keys, KeyUse::Proof, &fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: Nonce = Nonce([9; NONCE_BYTES]);

    fn keyring(byte: u8) -> Keyring {
        Keyring::new(Keys::from_stretched(&[byte; 32]), Vec::new())
    }

    fn proof() -> Proof {
        Proof {
            process: ProcessNumber::new(7).unwrap(),
            epoch: 1,
            sequence: 12,
            base_url: "http://a.test:3000/".to_owned(),
        }
    }

    #[test]
    fn a_holder_of_the_secret_proves_it() {
        let text = proof().print(keyring(1).current(), NONCE);
        assert_eq!(Proof::read(&text, &keyring(1), NONCE), Some(proof()));
        assert_eq!(Proof::read(&text, &keyring(2), NONCE), None);
        assert_eq!(Proof::read(&text, &keyring(1), Nonce([8; NONCE_BYTES])), None);
    }

    #[test]
    fn a_previous_secret_proves_it_too() {
        let text = proof().print(keyring(1).current(), NONCE);
        let rotated =
            Keyring::new(Keys::from_stretched(&[2; 32]), vec![Keys::from_stretched(&[1; 32]).into()]);
        assert_eq!(Proof::read(&text, &rotated, NONCE), Some(proof()));
    }

    #[test]
    fn a_changed_proof_proves_nothing() {
        let text = proof().print(keyring(1).current(), NONCE);
        for index in 0..text.len() {
            for bit in 0..7 {
                let mut bytes = text.clone().into_bytes();
                bytes[index] ^= 1 << bit;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                assert_eq!(Proof::read(&changed, &keyring(1), NONCE), None, "{changed}");
            }
        }
    }

    #[test]
    fn a_challenge_is_read_from_its_header() {
        assert_eq!(Nonce::from_header(&NONCE.to_header()), Some(NONCE));
        for header in ["", "Shazbot-Challenge", "Shazbot-Challenge x", "secret", "Shazbot 2"] {
            assert_eq!(Nonce::from_header(header), None, "{header}");
        }
    }
}
