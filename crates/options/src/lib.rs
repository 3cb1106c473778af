//! What the programs of Bathysphere are asked for: every option once, with its documentation.
//!
//! Two families share one binary. `bathysphere` and its commands are read by clap ([`command`]). The
//! drop-in programs (`pressure-vessel-wrap` and its like) are tables ([`Program`]) that a small reader
//! goes through ([`Program::read`]), because their options follow GLib's `GOptionContext` in what clap
//! has otherwise: options after the command, the order of options as meaning, no abbreviations.
//! Manual pages and completions are made from the same definitions.
//!
//! Knows what can be asked. Must not know what it does.

#![forbid(unsafe_code)]

pub mod command;
mod place;
mod program;
pub mod programs;
mod read;
mod seconds;

pub use place::{Place, place, placed};
pub use program::{Opt, Order, Program, Status, Variable};
pub use programs::{ALL, named};
pub use read::{Given, Wrong};
pub use seconds::seconds;
