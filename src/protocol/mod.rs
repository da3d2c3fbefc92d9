//! The membership machine.
