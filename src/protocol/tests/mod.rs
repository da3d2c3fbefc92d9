//! The machine against its rules: scenarios by theme, and properties that hold whatever comes.

mod fakes;
mod rig;
mod world;

mod first_hand;
mod resurrection;
