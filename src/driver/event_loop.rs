//! Calls of the program's thread from others.

use tokio::sync::oneshot;

/// Sends the reply on the program's thread once that is free; drops it if the thread has ended.
/// Must not block.
pub type EventLoopProbe = Box<dyn Fn(ProbeReply) + Send + Sync>;

/// Confirms that the program's thread is free.
pub type ProbeReply = oneshot::Sender<()>;
