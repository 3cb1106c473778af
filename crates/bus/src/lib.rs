//! The few D-Bus calls of the launch path: small, blocking, each with a time limit.
//!
//! Knows: server addresses, the SASL handshake with mechanism `EXTERNAL`, and as much of the wire
//! format as these calls, their replies and the signals after them need (D-Bus Specification 0.41). Must not be
//! needed for a launch to succeed: every failure is a value, and nothing waits longer than the caller
//! allows. No threads, no main loop, no library of the host.

#![forbid(unsafe_code)]

pub mod accessibility;
mod address;
mod arguments;
mod connection;
pub mod flatpak;
mod message;
pub mod portal;
pub mod systemd;

pub use arguments::{Arguments, List, Property};
pub use connection::{Connection, Target};
pub use message::{Signal, Value};

use rustix::io::Errno;
use std::time::Duration;

/// Why a call did not give an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The address is not one that is understood here, such as `autolaunch:`.
    #[error("the bus address `{0}` is not understood")]
    Address(String),
    /// No answer within the time limit.
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The bus closed the connection.
    #[error("the bus closed the connection")]
    Closed,
    /// The bus does not accept us.
    #[error("the bus refused authentication: {0}")]
    Refused(String),
    /// The bus sent something that is not D-Bus.
    #[error("the bus sent what is not understood: {0}")]
    Malformed(&'static str),
    /// The bus, or the service that was called, answered with an error.
    #[error("{name}: {text}")]
    Call {
        /// Its name, such as `org.freedesktop.DBus.Error.ServiceUnknown`.
        name: String,
        /// What it says; may be empty.
        text: String,
    },
    /// A system call failed.
    #[error("{call}: {errno}")]
    Io {
        /// Which.
        call: &'static str,
        /// Its error.
        errno: Errno,
    },
}

impl Error {
    fn io(call: &'static str) -> impl FnOnce(Errno) -> Error {
        move |errno| Error::Io { call, errno }
    }
}
