//! The machine against its rules: scenarios by theme, and properties that hold whatever comes.

mod fakes;
mod native_rig;
mod node;
mod parts;
mod rig;
mod world;

mod absence;
mod clocks;
mod cluster;
mod first_hand;
mod grace;
mod intake;
mod isolation;
mod leave;
mod legacy;
mod local_server;
mod log;
mod master_list;
mod master_list_upload;
mod native_cluster;
mod native_rules;
mod outsiders;
mod own_url;
mod pages;
mod properties;
mod queues;
mod refusals;
mod resurrection;
mod retention;
mod rounds;
mod silence;
mod start;
mod structure;
mod verdicts;
mod verification;
