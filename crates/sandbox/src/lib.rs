//! Plan → running process.
//!
//! [`run`] executes a [`plan::Plan`]: it makes the namespaces, carries out the steps, and supervises
//! the command until it ends. There are two executors for the same plan, which build the same
//! namespace: one built in (user and mount namespace, the mount API of Linux 5.2 and later), and
//! `bwrap` where only that program may create namespaces.
//!
//! This crate knows system calls and the order in which they must be made. It must not discover
//! anything about runtimes or drivers, and must not decide: what it does is in the plan, the
//! prepared directories and the options, or it is an error.
//!
//! Processes, with either executor: the *launcher* (the caller of [`run`], which stays outside and
//! waits), the *supervisor* (inside; the same program, forked or, below bwrap, executed again), the
//! command. The supervisor's ways with processes are there for other programs too ([`Supervisor`]).
//! A socket between launcher and supervisor carries failures one way, and the end of the
//! launcher the other way.

mod beside;
mod builtin;
mod bwrap;
pub mod descriptor;
mod error;
mod image;
mod link;
mod ops;
mod probe;
mod relay;
mod run;
mod spec;
mod supervisor;
mod sys;

pub use beside::Beside;
pub use bwrap::{Arguments, Exported, Features, arguments, exported};
pub use error::{Error, FailedStep, StepKind};
pub use image::{ImageError, ImageFormat, ImageMeans, MountedImage, mount_image};
pub use probe::{
    Diagnosis, Facts, Feature, Installed, Refusal, Rule, features, foreseen, installed_bwrap,
    probe, try_bwrap, try_overlay, usable,
};
pub use relay::Signals;
pub use run::{
    Backend, Bwrap, Confirm, ExitStatus, Inherited, Notice, Options, Prepared, Used, run, run_if,
};
pub use supervisor::{Helper, Outcome, Supervisor, Task, Times, end_by, supervise_if_asked};
pub use sys::SysError;
pub use sys::heap::Heap;
pub use sys::process::set_variable;
pub use sys::time::{LocalTime, local_time};

/// Whether this process has a descriptor of this number.
#[must_use]
pub fn is_open(descriptor: std::os::fd::RawFd) -> bool {
    sys::fd::is_open(descriptor)
}
