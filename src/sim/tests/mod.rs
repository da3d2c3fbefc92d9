//! The protocol in made-up worlds.

mod sweep;
