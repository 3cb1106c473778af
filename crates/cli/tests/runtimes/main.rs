//! Runtimes as a whole: `bathysphere runtime`, `pv-verify`, and names of runtimes.
#![allow(clippy::disallowed_methods)] // the tests look at the host's own files

mod add;
mod depot;
mod launch;
mod list;
mod pv_verify;
mod server;
#[path = "../launch/support.rs"]
#[allow(dead_code, unused_imports)]
mod support;
