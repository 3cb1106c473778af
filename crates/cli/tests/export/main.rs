//! Plans in every form, used for real: carried out again from JSON, by bwrap alone, by crun; drawn; and
//! explained.
//!
//! Run as the launch tests are, with the same variables (`tests/launch/main.rs`).

#![allow(clippy::disallowed_methods, reason = "tests look at the real file system")]

mod bundle;
mod command;
mod explain;
mod replay;
mod same;
#[path = "../launch/support.rs"]
#[allow(dead_code, reason = "the launch tests use the rest")]
mod support;
mod tree;
mod walk;
