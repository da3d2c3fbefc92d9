//! The number of a process.

use std::fmt;
use std::num::NonZeroU64;

use super::encoding::{decode, encode};

/// The random number of a process, which distinguishes it from earlier ones and from siblings
/// behind the same URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessNumber(NonZeroU64);

impl ProcessNumber {
    /// The smallest number.
    pub const MIN: Self = Self(NonZeroU64::MIN);

    /// Makes a number; `None` for 0, which addresses all processes behind a URL.
    pub fn new(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self)
    }

    /// Parses the printed form.
    pub fn read(text: &str) -> Option<Self> {
        decode(text).map(u64::from_be_bytes).and_then(Self::new)
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0.get()
    }

    pub(super) fn bytes(self) -> [u8; 8] {
        self.get().to_be_bytes()
    }
}

impl fmt::Display for ProcessNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(&self.bytes()))
    }
}
