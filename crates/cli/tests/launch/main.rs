//! Launches for real: real namespaces, real Mesa, roots made of real Debian packages.
//!
//! `cargo xtask test` runs this binary as an ordinary user on the machine itself and inside each of
//! the laboratory's host roots. What it needs is told by the environment, with defaults that serve on
//! a developer's machine after `cargo xtask lab build`:
//!
//! | variable | meaning |
//! |---|---|
//! | `BATHYSPHERE_BIN` | the program under test |
//! | `BATHYSPHERE_PROBE` | the static probe that is run inside containers |
//! | `BATHYSPHERE_LAB` | the laboratory |
//! | `BATHYSPHERE_TEST_HOST` | name of the host root that this is; empty: the machine itself |
//!
//! A test that cannot run prints a line `SKIP: …`; under `BATHYSPHERE_NO_SKIP=1` it fails.

#![allow(clippy::disallowed_methods, reason = "tests look at the real file system")]

mod bad_input;
mod executors;
mod forms;
mod graphics;
mod modules;
mod sharing;
mod store;
mod supervision;
mod support;
mod warm;
mod warm_changes;
