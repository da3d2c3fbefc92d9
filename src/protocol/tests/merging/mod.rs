//! Scenarios: which claims a server admits, and what they change.

mod allow;
mod first_hand;
mod grace;
mod intake;
mod local_server;
mod newcomers;
mod outsiders;
mod resurrection;
