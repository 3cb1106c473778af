//! A plan for others: as JSON that can be executed again, as words for a shell, as an OCI bundle.
//!
//! Knows the schema of the JSON (`docs/plan.md`), what makes a plan that somebody wrote by hand
//! usable, and how operations are said in a `config.json` of the OCI runtime specification. Must not
//! write anything. Equal input gives byte-equal output: everything is in an order of its own.

mod flaw;
mod json;
pub mod oci;
pub mod shell;

use crate::{ByteString, Plan};
use std::collections::BTreeMap;

pub use flaw::Flaw;
pub use json::{MAX_BYTES, ReadError};

impl Plan {
    /// The modules of [`crate::Supervision::ld_preload`] as value of `LD_PRELOAD`; `None` when there
    /// are none.
    ///
    /// Modules for one ABI need a directory that the dynamic linker chooses by `$LIB`. Until the plan
    /// has one, they are named as they are: a dynamic linker of another ABI says so and goes on.
    pub fn preload_value(&self) -> Option<ByteString> {
        let modules: Vec<&[u8]> =
            self.supervision.ld_preload.iter().map(|preload| preload.module.as_bytes()).collect();
        (!modules.is_empty()).then(|| modules.join(&b':').into())
    }

    /// Everything that changes in the command's environment: a value, or `None` to unset.
    pub fn environment_changes(&self) -> BTreeMap<&[u8], Option<ByteString>> {
        let changes = self.environment.0.iter();
        let mut all: BTreeMap<&[u8], Option<ByteString>> =
            changes.map(|(name, variable)| (name.as_bytes(), variable.value.clone())).collect();
        if let Some(modules) = self.preload_value() {
            all.insert(b"LD_PRELOAD", Some(modules));
        }
        all
    }
}

#[cfg(test)]
mod tests;
