//! What compressed answers hold.
//!
//! Not left to reqwest, which knows neither several codings on one another, nor their old names, nor a `deflate` without
//! zlib's wrapping, all of which `fetch` takes; and the cap has to count what comes out.

use std::io::{self, Read};

use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use reqwest::header::{CONTENT_ENCODING, HeaderMap};

use super::error::TransportError;

/// What is asked for: everything that [`decode`] understands.
pub(super) const ACCEPTED: &str = "gzip, deflate, br";

/// The chunks that brotli decodes at once.
const BROTLI_BUFFER: usize = 4096;

#[derive(Debug, Clone, Copy)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
}

/// The body without its codings; at most `max` bytes may come out of each of them.
pub(super) fn decode(headers: &HeaderMap, body: Vec<u8>, max: usize) -> Result<Vec<u8>, TransportError> {
    if body.is_empty() {
        return Ok(body);
    }
    // The last one named was put on last.
    codings(headers).into_iter().rev().try_fold(body, |body, coding| {
        let decoded =
            coding.decode(&body, max).map_err(|_| TransportError::Answer("answer cannot be decompressed"))?;
        if decoded.len() > max { Err(TransportError::TooLarge) } else { Ok(decoded) }
    })
}

/// The codings in the order in which they were put on; none where one of them is unknown, as in `fetch`.
fn codings(headers: &HeaderMap) -> Vec<Coding> {
    let named = headers.get_all(CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let coding = |name: &str| match name.trim().to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => Some(Coding::Gzip),
        "deflate" => Some(Coding::Deflate),
        "br" => Some(Coding::Brotli),
        _ => None,
    };
    named.flat_map(|value| value.split(',')).map(coding).collect::<Option<_>>().unwrap_or_default()
}

impl Coding {
    fn decode(self, body: &[u8], max: usize) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip => read(MultiGzDecoder::new(body), max),
            Self::Deflate if has_zlib_header(body) => read(ZlibDecoder::new(body), max),
            Self::Deflate => read(DeflateDecoder::new(body), max),
            Self::Brotli => read(brotli_decompressor::Decompressor::new(body, BROTLI_BUFFER), max),
        }
    }
}

/// One byte over the cap tells that there is more.
fn read(decoder: impl Read, max: usize) -> io::Result<Vec<u8>> {
    let mut decoded = Vec::new();
    decoder.take(max as u64 + 1).read_to_end(&mut decoded)?;
    Ok(decoded)
}

/// The method in zlib's first byte; a bare deflate stream does not begin so.
fn has_zlib_header(body: &[u8]) -> bool {
    body.first().is_some_and(|first| first & 0x0f == 0x08)
}
