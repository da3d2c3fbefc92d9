//! What happens in a world.

use super::store::StoreRequest;
use super::wire::{Outcome, ProcessId, Request, Sender};

/// A future event.
#[derive(Debug)]
pub(super) enum WorldEvent {
    /// An engine's wake-up.
    Wake(ProcessId),
    /// The arrival of a request.
    Arrival(Box<Request>),
    /// A request that waited for a stalled process.
    DelayedArrival(ProcessId, Box<Request>),
    /// The outcome of a request.
    Outcome(Sender, Box<Outcome>),
    /// The outcome of a request to the store.
    Stored(Sender, Box<StoreRequest>),
    /// The driver's report of JavaScript's lag.
    Lag(ProcessId),
}
