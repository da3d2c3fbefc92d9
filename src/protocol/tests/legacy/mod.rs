//! Scenarios: gossip with legacy peers, and their verification.

mod absence;
mod refusals;
mod revival;
mod rounds;
mod verification;
