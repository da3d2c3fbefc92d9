//! Worlds, machines, fake peers and parts of machines for the tests.

pub(in crate::protocol::tests) mod fakes;
pub(in crate::protocol::tests) mod native_rig;
pub(in crate::protocol::tests) mod node;
pub(in crate::protocol::tests) mod parts;
pub(in crate::protocol::tests) mod rig;
pub(in crate::protocol::tests) mod world;
