//! Calls of the program's thread from others.

use tokio::sync::oneshot;

use super::clock::Clock;
use crate::protocol::time::Tick;

/// Sends the reply on the program's thread once that is free; drops it if the thread has ended.
/// Must not block.
pub type EventLoopProbe = Box<dyn Fn(ProbeReply) + Send + Sync>;

/// Confirms that the program's thread is free.
#[derive(Debug)]
pub struct ProbeReply(Option<(Clock, oneshot::Sender<Tick>)>);

impl ProbeReply {
    /// The receiver is told when the thread was free. It is woken only if it waits already.
    pub(super) fn new(clock: &Clock) -> (Self, oneshot::Receiver<Tick>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Some((clock.clone(), sender))), receiver)
    }

    /// Nobody wants this reply.
    pub(super) fn unwanted() -> Self {
        Self(None)
    }

    /// Sends it, on the program's thread.
    pub fn send(self) {
        if let Some((clock, sender)) = self.0 {
            // The receiver is gone if the engine has ended.
            let _ = sender.send(clock.now().tick);
        }
    }
}
