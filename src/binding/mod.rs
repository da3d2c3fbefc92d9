//! Floor 2: translates between JavaScript and the driver. Nothing is decided here.
//!
//! | file | what it holds |
//! |---|---|
//! | `functions` | what JavaScript calls |
//! | `environment` | the engine that belongs to one JavaScript environment |
//! | `sheet` | lists of servers, as JavaScript keeps them |
//! | `raw` | what JavaScript calls with bytes, for the adapters |
//! | `promise` | promises of what is done on other threads |
//! | `errors` | errors with their codes |

#![expect(unreachable_pub, reason = "what `#[napi]` exports to JavaScript has to be public in Rust")]

mod environment;
mod errors;
mod functions;
mod promise;
mod raw;
mod sheet;
