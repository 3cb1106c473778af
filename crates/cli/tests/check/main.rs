//! What is wrong is found before anything is executed, and only what is wrong: real programs, on the
//! demo runtime and on small ones that are broken on purpose.
//!
//! Most tests run a launch twice: as it is, which must stop or warn with the right code, and with
//! `--no-check`, which must fail by itself. So a finding that is not true fails too. What the tests
//! need is told by the environment as for the launch tests.

#![allow(clippy::disallowed_methods, reason = "tests look at the real file system")]

mod broken;
mod command;
mod directories;
mod emulator;
mod libraries;
mod output;
mod plans;
mod sound;
#[allow(dead_code, reason = "shared with the launch tests, which need more of it")]
#[path = "../launch/support.rs"]
mod support;
