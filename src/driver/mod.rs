//! Lets the real world drive the protocol.

pub mod transport;
