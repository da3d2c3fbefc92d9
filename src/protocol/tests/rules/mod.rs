//! Tests of single rules: arguments in, changes and effects out, without a machine or a clock.

mod investigations;
mod legacy_contacts;
mod lifecycle;
mod merging;
mod native_answers;
mod owners;
mod strangers;
mod suspicions;
mod verdicts;
