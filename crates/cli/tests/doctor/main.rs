//! `bathysphere doctor` on real machines: what it says of this one, and of places that are made for it
//! in namespaces of our own, where each problem is provoked for real.
//!
//! `cargo xtask test` runs this binary as an ordinary user on the machine itself and inside each of
//! the laboratory's host roots; `tests/launch/main.rs` has the variables that tell it what is where. A
//! test that cannot run prints a line `SKIP: …`; under `BATHYSPHERE_NO_SKIP=1` it fails.

#![allow(clippy::disallowed_methods, reason = "tests look at the real file system")]

mod drivers;
#[allow(dead_code, reason = "shared with the launch tests, which need more of it")]
#[path = "../launch/support.rs"]
mod launch;
mod machine;
mod output;
mod places;
mod refusal;
mod support;
