//! Tests of the protocol: scenarios by folder, single rules, and the structure of the code.

mod legacy;
mod lifecycle;
mod machine;
mod merging;
mod native;
mod rules;
mod structure;
mod support;
