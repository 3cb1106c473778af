//! The drop-in programs as others start them: black boxes with arguments, variables and exit statuses.
//!
//! Run as the launch tests are, with the same variables (`tests/launch/main.rs`).

#![allow(clippy::disallowed_methods, reason = "tests look at the real file system")]

mod by_name;
mod depot;
mod entry_point;
mod game;
mod install;
mod journal;
mod launcher_interface;
mod layering;
mod locale;
mod lock;
mod logger;
mod place;
mod portal;
mod scope;
mod screen;
mod supervised;
#[path = "../launch/support.rs"]
#[allow(dead_code, reason = "the launch tests use the rest")]
mod support;
mod tool;
mod unruntime;
mod urlopen;
mod wrap;
