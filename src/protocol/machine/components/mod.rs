//! What the machine does for each component: loops over subjects, and questions that another
//! component answers.

mod claims;
mod detection;
mod gossip;
mod lifecycle;
mod verification;
