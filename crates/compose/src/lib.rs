//! From a request and facts to a [`Plan`]: pure decisions, each with its reason.
//!
//! Knows: the layout of the container, what is shared with it, its environment, and (in `capture`
//! and `graphics`) whose library wins. Must not touch the system other than by reading through
//! `inspect`; must not write, mount or spawn. Equal input gives an equal plan.

#![forbid(unsafe_code)]

pub mod capture;
mod facts;
pub mod locale;
mod request;

pub use facts::{Facts, GatherError, Inherited, User};
pub use request::{HomeMode, ProviderChoice, Request, RuntimeChoice, Share};

use plan::{Plan, Problem};

/// Decides what the container will be.
///
/// # Errors
/// Every problem that stops the launch; those that do not are in [`Plan::warnings`].
pub fn compose(request: &Request, facts: &Facts) -> Result<Plan, Vec<Problem>> {
    let _ = (request, facts);
    unimplemented!()
}
