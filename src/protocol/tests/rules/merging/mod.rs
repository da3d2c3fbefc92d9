//! Rules of merging: admission, plain claims, and claims of native servers.

mod admission;
mod native;
mod newcomers;
mod outsiders;
mod plain;
