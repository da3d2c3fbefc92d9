//! Words in a JavaScript buffer. A word beyond its end reads as 0 and is never written.

use super::layout::WORD_BYTES;

pub(super) fn word_at(bytes: &[u8], word: usize) -> f64 {
    bytes
        .get(word * WORD_BYTES..)
        .and_then(|bytes| bytes.first_chunk())
        .map_or(0.0, |word| f64::from_ne_bytes(*word))
}

pub(super) fn set_word(bytes: &mut [u8], word: usize, value: f64) {
    if let Some(word) = bytes.get_mut(word * WORD_BYTES..).and_then(|bytes| bytes.first_chunk_mut()) {
        *word = value.to_ne_bytes();
    }
}
