//! A plan for others: as JSON that can be executed again, as words for a shell, as an OCI bundle.
//!
//! Knows the schema of the JSON (`docs/plan.md`), what makes a plan that somebody wrote by hand
//! usable, and how operations are said in a `config.json` of the OCI runtime specification. Must not
//! write anything. Equal input gives byte-equal output: everything is in an order of its own.

mod flaw;
mod json;
pub mod oci;
pub mod shell;

use crate::{ByteString, Plan, Preload, Supervision};
use std::collections::BTreeMap;

pub use flaw::Flaw;
pub use json::{MAX_BYTES, ReadError};

impl Plan {
    /// The variables by which the dynamic linker gets modules, with what each is set to: those of
    /// [`crate::Supervision`], in their order. Without modules a variable is not in it.
    pub fn module_variables(&self) -> impl Iterator<Item = (&'static str, ByteString)> {
        let Supervision { ld_preload, ld_audit, .. } = &self.supervision;
        [("LD_PRELOAD", ld_preload), ("LD_AUDIT", ld_audit)]
            .into_iter()
            .filter_map(|(name, modules)| Some((name, module_list(modules)?)))
    }

    /// Everything that changes in the command's environment: a value, or `None` to unset.
    pub fn environment_changes(&self) -> BTreeMap<&[u8], Option<ByteString>> {
        let changes = self.environment.0.iter();
        let mut all: BTreeMap<&[u8], Option<ByteString>> =
            changes.map(|(name, variable)| (name.as_bytes(), variable.value.clone())).collect();
        all.extend(self.module_variables().map(|(name, list)| (name.as_bytes(), Some(list))));
        all
    }
}

/// Modules for the dynamic linker as the value of a variable. What one entry says for several ABIs is
/// there once; what was asked for without an ABI, as often as it was asked for.
fn module_list(modules: &[Preload]) -> Option<ByteString> {
    let mut list: Vec<&[u8]> = vec![];
    for Preload { module, tuple } in modules {
        if tuple.is_none() || !list.contains(&module.as_bytes()) {
            list.push(module.as_bytes());
        }
    }
    (!list.is_empty()).then(|| list.join(&b':').into())
}

#[cfg(test)]
mod tests;
