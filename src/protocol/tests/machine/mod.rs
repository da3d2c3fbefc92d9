//! Scenarios that concern the whole machine, and properties that hold for any input.

mod clocks;
mod clusters;
mod log;
mod news;
mod pages;
mod properties;
mod queues;
