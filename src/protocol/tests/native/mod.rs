//! Scenarios: gossip and failure detection among native servers.

mod clusters;
mod isolation;
mod rare_cases;
mod rumours;
mod silence;
