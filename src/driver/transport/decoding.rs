//! Decompresses responses.
//!
//! reqwest lacks several codings on top of each other, their old names, and `deflate` without
//! zlib's header, all of which `fetch` accepts. It also cannot limit the output of every coding.
//!
//! A few bytes may expand a thousandfold, once for each coding. So the work is cut into slices of
//! about a millisecond. Slices run one at a time on a thread for blocking work, in turns with those
//! of other responses. The request's timeout counts between them.

use std::{
    io::{self, BufRead, BufReader, Cursor, ErrorKind, Read},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use reqwest::header::{CONTENT_ENCODING, HeaderMap};
use tokio::{sync::Semaphore, task};

use super::error::TransportError;

/// The codings offered in requests: all that this module decodes.
pub(super) const ACCEPTED: &str = "gzip, deflate, br";

/// The value that offers no coding.
pub(super) const NONE: &str = "identity";

/// Codings of one response: its server, a cache and a proxy may each add one. `fetch` accepts five.
const MAX_CODINGS: usize = 3;

/// Bytes read from a decoder at once.
const CHUNK: usize = 16 * 1024;

/// Bytes passed between decoders in one slice, about a millisecond of work.
const BYTES_PER_SLICE: usize = 128 * 1024;

/// The cost of a read in bytes, added to its length, so that many short reads end a slice too.
const READ_COST: usize = 64;

/// Input beyond twice the output that a decoder may consume, in bytes. No compressor exceeds it.
/// Thousands of empty gzip members would, each of which takes time.
const MAX_IDLE_INPUT: usize = 64 * 1024;

/// Slices that run at once, so that hostile responses use at most one core.
const MAX_CONCURRENT_SLICES: usize = 1;

/// The brotli decoder's input buffer in bytes.
const BROTLI_BUFFER: usize = 4096;

#[derive(Debug, Clone, Copy)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
}

/// Decodes responses in turns.
#[derive(Debug, Clone)]
pub(super) struct Decoding(Arc<Semaphore>);

impl Default for Decoding {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_CONCURRENT_SLICES)))
    }
}

impl Decoding {
    /// Decodes a body; all codings together may produce at most `max` bytes.
    pub(super) async fn decode(
        &self,
        headers: &HeaderMap,
        body: Vec<u8>,
        max: usize,
    ) -> Result<Vec<u8>, TransportError> {
        let codings = codings(headers)?;
        if body.is_empty() || codings.is_empty() {
            return Ok(body);
        }
        let mut decoder = Decoder::new(&codings, body, max);
        loop {
            // The slice owns its permit, because it runs on for a moment if the request is given
            // up.
            let permit = Arc::clone(&self.0).acquire_owned().await;
            let slice = task::spawn_blocking(move || {
                let _permit = permit;
                decoder.run_slice().map(|is_complete| (decoder, is_complete))
            });
            let (next, is_complete) =
                slice.await.map_err(|_| TransportError::InvalidResponse("decompression failed"))??;
            if is_complete {
                return Ok(next.decoded);
            }
            decoder = next;
        }
    }
}

/// Rejects a response with too many codings, before its body is read.
pub(super) fn check(headers: &HeaderMap) -> Result<(), TransportError> {
    codings(headers).map(drop)
}

/// The codings in the order of their application; empty if one is unknown, as in `fetch`.
fn codings(headers: &HeaderMap) -> Result<Vec<Coding>, TransportError> {
    let values = headers.get_all(CONTENT_ENCODING).iter();
    let mut names = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let named: Vec<&[u8]> = names.by_ref().take(MAX_CODINGS).collect();
    if names.next().is_some() {
        return Err(TransportError::InvalidResponse("response has more than 3 content codings"));
    }
    let coding = |name: &&[u8]| match &*name.trim_ascii().to_ascii_lowercase() {
        b"gzip" | b"x-gzip" => Some(Coding::Gzip),
        b"deflate" => Some(Coding::Deflate),
        b"br" => Some(Coding::Brotli),
        _ => None,
    };
    Ok(named.iter().map(coding).collect::<Option<_>>().unwrap_or_default())
}

/// The decoders of one response.
struct Decoder {
    stages: Box<dyn Read + Send>,
    meter: Arc<Meter>,
    decoded: Vec<u8>,
}

impl Decoder {
    fn new(codings: &[Coding], body: Vec<u8>, max: usize) -> Self {
        let meter = Arc::new(Meter { slice: AtomicUsize::new(0), budget: AtomicUsize::new(max) });
        let mut produced = Arc::new(AtomicUsize::new(0));
        let mut stages: Box<dyn Read + Send> = Box::new(Cursor::new(body));
        // The header names the coding applied last at the end.
        for coding in codings.iter().rev() {
            let input =
                Input { inner: stages, taken: 0, meter: Arc::clone(&meter), produced: Arc::clone(&produced) };
            let inner = coding.decoder(Box::new(input));
            stages = Box::new(Output { inner, meter: Arc::clone(&meter), produced });
            produced = Arc::new(AtomicUsize::new(0));
        }
        Self { stages, meter, decoded: Vec::new() }
    }

    /// Decodes one slice; returns whether it was the last one.
    fn run_slice(&mut self) -> Result<bool, TransportError> {
        self.meter.slice.store(BYTES_PER_SLICE, Relaxed);
        let mut chunk = [0; CHUNK];
        loop {
            match self.stages.read(&mut chunk) {
                Ok(0) => return Ok(true),
                Ok(length) => self.decoded.extend_from_slice(chunk.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::FileTooLarge => {
                    return Err(TransportError::TooLarge);
                }
                Err(_) => return Err(TransportError::InvalidResponse("response cannot be decompressed")),
            }
        }
    }
}

/// The limits that all decoders of one response share.
#[derive(Debug)]
struct Meter {
    /// What is left of this slice, in bytes.
    slice: AtomicUsize,
    /// What all decoders together may still produce, in bytes.
    budget: AtomicUsize,
}

/// The input of a decoder. It returns `WouldBlock` at the end of the slice; decoders keep their
/// state and resume.
struct Input<R> {
    inner: R,
    taken: usize,
    meter: Arc<Meter>,
    /// The decoder's output so far, in bytes.
    produced: Arc<AtomicUsize>,
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken > MAX_IDLE_INPUT + 2 * self.produced.load(Relaxed) {
            return Err(ErrorKind::InvalidData.into());
        }
        let length = self.meter.read(&mut self.inner, buffer)?;
        self.taken += length;
        Ok(length)
    }
}

/// The output of a decoder, counted.
struct Output<R> {
    inner: R,
    meter: Arc<Meter>,
    produced: Arc<AtomicUsize>,
}

impl<R: Read> Read for Output<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.meter.read(&mut self.inner, buffer)?;
        let left = self.meter.budget.load(Relaxed).checked_sub(length);
        self.meter.budget.store(left.ok_or(ErrorKind::FileTooLarge)?, Relaxed);
        self.produced.fetch_add(length, Relaxed);
        Ok(length)
    }
}

impl Meter {
    /// Reads one chunk if the slice is not used up.
    fn read(&self, inner: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
        if self.slice.load(Relaxed) == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let most = buffer.len().min(CHUNK);
        let length = inner.read(buffer.get_mut(..most).unwrap_or_default())?;
        // The decoders below have already used their part of the slice.
        let slice = self.slice.load(Relaxed);
        self.slice.store(slice.saturating_sub(length + READ_COST), Relaxed);
        Ok(length)
    }
}

impl Coding {
    fn decoder(self, input: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(BufReader::new(input))),
            Self::Deflate => Box::new(Deflate::Unknown(Some(BufReader::new(input)))),
            Self::Brotli => Box::new(brotli_decompressor::Decompressor::new(input, BROTLI_BUFFER)),
        }
    }
}

/// `deflate` with or without zlib's header, as its first byte shows.
enum Deflate<R> {
    Unknown(Option<R>),
    Zlib(ZlibDecoder<R>),
    Bare(DeflateDecoder<R>),
}

impl<R: BufRead> Read for Deflate<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self {
                Self::Zlib(decoder) => return decoder.read(buffer),
                Self::Bare(decoder) => return decoder.read(buffer),
                Self::Unknown(input) => {
                    let Some(first) = input.as_mut().map(R::fill_buf).transpose()? else { return Ok(0) };
                    let is_zlib = has_zlib_header(first);
                    let Some(input) = input.take() else { return Ok(0) };
                    *self = if is_zlib {
                        Self::Zlib(ZlibDecoder::new(input))
                    } else {
                        Self::Bare(DeflateDecoder::new(input))
                    };
                }
            }
        }
    }
}

/// Checks the method in zlib's first byte, with which no bare deflate stream begins.
fn has_zlib_header(body: &[u8]) -> bool {
    body.first().is_some_and(|first| first & 0x0f == 0x08)
}
